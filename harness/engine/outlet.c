#include "harness/engine/outlet.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/lines.h"
#include "lib/mem.h"

#define LINE_CEILING ((size_t)256 << 10)

struct outlet {
	uv_pipe_t pipe;
	struct lines lines;
	bool is_over;
	subject_log_fn *line;
	void *line_arg;
	outlet_over_fn *over;
	void *arg;
	char block[64 << 10];
};

static void on_line(void *arg, char *line, size_t len, bool cut)
{
	struct outlet *outlet = arg;

	(void)cut;
	if (outlet->line)
		outlet->line(outlet->line_arg, clock_now(), line, len);
}

static void end(struct outlet *outlet)
{
	uv_read_stop((uv_stream_t *)&outlet->pipe);
	lines_end(&outlet->lines);
	outlet->is_over = true;
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *block)
{
	struct outlet *outlet = handle->data;

	(void)wanted;
	*block = uv_buf_init(outlet->block, sizeof outlet->block);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *block)
{
	struct outlet *outlet = stream->data;

	if (len > 0) {
		lines_feed(&outlet->lines, block->base, (size_t)len);
	} else if (len < 0) {
		end(outlet);
		outlet->over(outlet->arg);
	}
}

struct outlet *outlet_open(uv_loop_t *loop, int fd, subject_log_fn *line,
	void *line_arg, outlet_over_fn *over, void *arg)
{
	struct outlet *outlet = mem_zeroed(sizeof *outlet);

	lines_init(&outlet->lines, LINE_CEILING, on_line, outlet);
	outlet->line = line;
	outlet->line_arg = line_arg;
	outlet->over = over;
	outlet->arg = arg;
	uv_pipe_init(loop, &outlet->pipe, 0);
	outlet->pipe.data = outlet;
	uv_pipe_open(&outlet->pipe, fd);
	uv_read_start((uv_stream_t *)&outlet->pipe, on_alloc, on_read);
	return outlet;
}

bool outlet_is_over(const struct outlet *outlet)
{
	return outlet->is_over;
}

/* libuv has made the pipe non-blocking. */
void outlet_end(struct outlet *outlet)
{
	uv_os_fd_t fd;
	ssize_t len;

	if (outlet->is_over)
		return;
	uv_fileno((uv_handle_t *)&outlet->pipe, &fd);
	while ((len = read(fd, outlet->block, sizeof outlet->block)) > 0 ||
		(len < 0 && errno == EINTR)) {
		if (len > 0)
			lines_feed(&outlet->lines, outlet->block, (size_t)len);
	}
	end(outlet);
}

static void on_closed(uv_handle_t *handle)
{
	struct outlet *outlet = handle->data;

	lines_done(&outlet->lines);
	free(outlet);
}

void outlet_close(struct outlet *outlet)
{
	if (outlet)
		uv_close((uv_handle_t *)&outlet->pipe, on_closed);
}
