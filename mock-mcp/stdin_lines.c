#include "mock-mcp/stdin_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/mem.h"

struct stdin_lines {
	int fd;
	bool polled; /* else it never keeps anybody waiting: a file */
	bool started;
	bool ended;
	union {
		uv_handle_t handle;
		uv_poll_t poll;
		uv_idle_t idle;
	} turn;
	struct lines lines;
	stdin_lines_end_fn *end;
	void *arg;
	char piece[STDIN_LINES_PIECE];
};

/* libuv makes what it polls nonblocking. We are called when there is something to
 * read and are the only reader, so there is no need for that. */
static bool poll_quietly(uv_loop_t *loop, uv_poll_t *poll, int fd)
{
	int flags = fcntl(fd, F_GETFL);
	bool polled = uv_poll_init(loop, poll, fd) == 0;

	if (polled)
		fcntl(fd, F_SETFL, flags);
	return polled;
}

struct stdin_lines *stdin_lines_create(uv_loop_t *loop, int fd, size_t line_ceiling,
	lines_fn *each, stdin_lines_end_fn *end, void *arg, struct err *err)
{
	struct stdin_lines *input;

	if (fcntl(fd, F_GETFL) < 0) {
		err_sys(err, "stdin");
		return NULL;
	}
	input = mem_zeroed(sizeof *input);
	input->fd = fd;
	input->end = end;
	input->arg = arg;
	lines_init(&input->lines, line_ceiling, each, arg);
	input->polled = poll_quietly(loop, &input->turn.poll, fd);
	if (!input->polled)
		uv_idle_init(loop, &input->turn.idle);
	input->turn.handle.data = input;
	return input;
}

static void finish(struct stdin_lines *input)
{
	stdin_lines_stop(input);
	input->ended = true;
	lines_end(&input->lines);
	input->end(input->arg);
}

/* A stdin that can't be read (a terminal that hung up, a connection that was reset)
 * has ended as well. */
static void read_piece(struct stdin_lines *input)
{
	ssize_t len = read(input->fd, input->piece, sizeof input->piece);

	if (len > 0)
		lines_feed(&input->lines, input->piece, (size_t)len);
	else if (len == 0 || (errno != EAGAIN && errno != EINTR))
		finish(input);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status; /* libuv's word for POLLERR: read() knows better */
	(void)events;
	read_piece(poll->data);
}

static void on_idle(uv_idle_t *idle)
{
	read_piece(idle->data);
}

void stdin_lines_start(struct stdin_lines *input)
{
	if (input->started || input->ended)
		return;
	input->started = true;
	if (input->polled)
		uv_poll_start(&input->turn.poll, UV_READABLE, on_readable);
	else
		uv_idle_start(&input->turn.idle, on_idle);
}

void stdin_lines_stop(struct stdin_lines *input)
{
	if (!input->started)
		return;
	input->started = false;
	if (input->polled)
		uv_poll_stop(&input->turn.poll);
	else
		uv_idle_stop(&input->turn.idle);
}

static void on_closed(uv_handle_t *handle)
{
	struct stdin_lines *input = handle->data;

	lines_done(&input->lines);
	free(input);
}

void stdin_lines_destroy(struct stdin_lines *input)
{
	if (input)
		uv_close(&input->turn.handle, on_closed);
}
