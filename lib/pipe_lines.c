#include "lib/pipe_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/lines.h"
#include "lib/mem.h"

struct pipe_lines {
	uv_pipe_t pipe;
	struct lines lines;
	bool is_over;
	pipe_lines_fn *each;
	void *each_arg;
	pipe_lines_over_fn *over;
	void *arg;
	char block[64 << 10];
};

static void on_line(void *arg, char *line, size_t len, bool cut UNUSED)
{
	struct pipe_lines *pipe = arg;

	if (pipe->each)
		pipe->each(pipe->each_arg, clock_now(), line, len);
}

static void end(struct pipe_lines *pipe)
{
	uv_read_stop((uv_stream_t *)&pipe->pipe);
	lines_end(&pipe->lines);
	pipe->is_over = true;
}

static void on_alloc(uv_handle_t *handle, size_t wanted UNUSED, uv_buf_t *block)
{
	struct pipe_lines *pipe = handle->data;

	*block = uv_buf_init(pipe->block, sizeof pipe->block);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *block)
{
	struct pipe_lines *pipe = stream->data;

	if (len > 0) {
		lines_feed(&pipe->lines, block->base, (size_t)len);
	} else if (len < 0) {
		end(pipe);
		pipe->over(pipe->arg);
	}
}

struct pipe_lines *pipe_lines_open(uv_loop_t *loop, int fd, size_t ceiling,
	pipe_lines_fn *each, void *each_arg, pipe_lines_over_fn *over, void *arg)
{
	struct pipe_lines *pipe = mem_zeroed(sizeof *pipe);

	lines_init(&pipe->lines, ceiling, on_line, pipe);
	pipe->each = each;
	pipe->each_arg = each_arg;
	pipe->over = over;
	pipe->arg = arg;
	uv_pipe_init(loop, &pipe->pipe, 0);
	pipe->pipe.data = pipe;
	uv_pipe_open(&pipe->pipe, fd);
	uv_read_start((uv_stream_t *)&pipe->pipe, on_alloc, on_read);
	return pipe;
}

bool pipe_lines_is_over(const struct pipe_lines *pipe)
{
	return pipe->is_over;
}

/* libuv has made the pipe non-blocking. */
void pipe_lines_end(struct pipe_lines *pipe)
{
	uv_os_fd_t fd;
	ssize_t len;

	if (pipe->is_over)
		return;
	uv_fileno((uv_handle_t *)&pipe->pipe, &fd);
	while ((len = read(fd, pipe->block, sizeof pipe->block)) > 0 ||
		(len < 0 && errno == EINTR))
		if (len > 0)
			lines_feed(&pipe->lines, pipe->block, (size_t)len);
	end(pipe);
}

static void on_closed(uv_handle_t *handle)
{
	struct pipe_lines *pipe = handle->data;

	lines_done(&pipe->lines);
	free(pipe);
}

void pipe_lines_close(struct pipe_lines *pipe)
{
	if (pipe)
		uv_close((uv_handle_t *)&pipe->pipe, on_closed);
}
