#include "mock-mcp/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/mem.h"

struct input {
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
	input_end_fn *end;
	void *arg;
	char piece[INPUT_PIECE];
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

struct input *input_create(uv_loop_t *loop, int fd, size_t line_ceiling, lines_fn *each,
	input_end_fn *end, void *arg, struct err *err)
{
	struct input *input;

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

static void finish(struct input *input)
{
	input_stop(input);
	input->ended = true;
	lines_end(&input->lines);
	input->end(input->arg);
}

/* A stdin that can't be read (a terminal that hung up, a connection that was reset)
 * has ended as well. */
static void read_piece(struct input *input)
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

void input_start(struct input *input)
{
	if (input->started || input->ended)
		return;
	input->started = true;
	if (input->polled)
		uv_poll_start(&input->turn.poll, UV_READABLE, on_readable);
	else
		uv_idle_start(&input->turn.idle, on_idle);
}

void input_stop(struct input *input)
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
	struct input *input = handle->data;

	lines_done(&input->lines);
	free(input);
}

void input_destroy(struct input *input)
{
	if (input)
		uv_close(&input->turn.handle, on_closed);
}
