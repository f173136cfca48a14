#include "lib/stdin_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/loop_timer.h"
#include "lib/mem.h"

struct stdin_lines {
	int fd;
	bool polled; /* false: a file, which is always readable */
	bool reading;
	bool ended;
	union {
		uv_handle_t handle;
		uv_poll_t poll;
		uv_idle_t idle;
	} turn;
	struct loop_timer *pause; /* until the next read */
	size_t bytes;             /* of a read */
	int64_t every_ns;
	struct lines lines;
	stdin_lines_end_fn *end;
	void *arg;
	char piece[STDIN_LINES_PIECE];
};

static void on_readable(uv_poll_t *poll, int status, int events);
static void on_idle(uv_idle_t *idle);

static void update_watch(void *arg)
{
	struct stdin_lines *input = arg;
	bool reading = input->reading && !loop_timer_is_set(input->pause);

	if (input->polled && reading)
		uv_poll_start(&input->turn.poll, UV_READABLE, on_readable);
	else if (input->polled)
		uv_poll_stop(&input->turn.poll);
	else if (reading)
		uv_idle_start(&input->turn.idle, on_idle);
	else
		uv_idle_stop(&input->turn.idle);
}

struct stdin_lines *stdin_lines_create(uv_loop_t *loop, int fd, size_t line_ceiling,
	lines_fn *each, stdin_lines_end_fn *end, void *arg, struct err *err)
{
	struct stdin_lines *input;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0) {
		err_sys(err, "stdin");
		return NULL;
	}
	input = mem_zeroed(sizeof *input);
	input->fd = fd;
	input->end = end;
	input->arg = arg;
	lines_init(&input->lines, line_ceiling, each, arg);
	/* libuv makes the descriptor nonblocking. There is one reader, and it reads
	 * only when poll says so: the flags can stay as they were. */
	input->polled = uv_poll_init(loop, &input->turn.poll, fd) == 0;
	if (input->polled)
		fcntl(fd, F_SETFL, flags);
	else
		uv_idle_init(loop, &input->turn.idle);
	input->turn.handle.data = input;
	input->pause = loop_timer_create(loop, update_watch, input);
	input->bytes = sizeof input->piece;
	return input;
}

static void finish(struct stdin_lines *input)
{
	stdin_lines_read(input, false);
	input->ended = true;
	lines_end(&input->lines);
	input->end(input->arg);
}

/* A read error (a terminal that hung up, a connection that was reset) is an end too. */
static void read_piece(struct stdin_lines *input)
{
	ssize_t len = read(input->fd, input->piece, input->bytes);

	if (len > 0 && input->every_ns > 0) {
		loop_timer_set(input->pause, input->every_ns);
		update_watch(input);
	}
	if (len > 0)
		lines_feed(&input->lines, input->piece, (size_t)len);
	else if (len == 0 || (errno != EAGAIN && errno != EINTR))
		finish(input);
}

/* The status is libuv's word for POLLERR, and read() gives the same error. */
static void on_readable(uv_poll_t *poll, UNUSED int status, UNUSED int events)
{
	read_piece(poll->data);
}

static void on_idle(uv_idle_t *idle)
{
	read_piece(idle->data);
}

void stdin_lines_limit(struct stdin_lines *input, size_t bytes, int64_t every_ns)
{
	input->bytes = bytes < sizeof input->piece ? bytes : sizeof input->piece;
	input->every_ns = every_ns;
}

void stdin_lines_read(struct stdin_lines *input, bool wanted)
{
	if (input->ended || input->reading == wanted)
		return;
	input->reading = wanted;
	update_watch(input);
}

static void on_closed(uv_handle_t *handle)
{
	struct stdin_lines *input = handle->data;

	lines_done(&input->lines);
	free(input);
}

void stdin_lines_destroy(struct stdin_lines *input)
{
	if (!input)
		return;
	loop_timer_destroy(input->pause);
	uv_close(&input->turn.handle, on_closed);
}
