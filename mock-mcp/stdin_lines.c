#include "mock-mcp/stdin_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/loop_timer.h"
#include "lib/mem.h"

struct stdin_lines {
	int fd;
	bool polled; /* false: a file, which is always readable */
	bool started;
	bool ended;
	bool paused; /* until the pause timer */
	union {
		uv_handle_t handle;
		uv_poll_t poll;
		uv_idle_t idle;
	} turn;
	struct loop_timer *pause;
	size_t bytes; /* of a read */
	int64_t every_ns;
	struct lines lines;
	stdin_lines_end_fn *end;
	void *arg;
	char piece[STDIN_LINES_PIECE];
};

/* Undoes that libuv makes the descriptor nonblocking: there is one reader, and it reads
 * only when poll says so. */
static bool poll_quietly(uv_loop_t *loop, uv_poll_t *poll, int fd)
{
	int flags = fcntl(fd, F_GETFL);
	bool polled = uv_poll_init(loop, poll, fd) == 0;

	if (polled)
		fcntl(fd, F_SETFL, flags);
	return polled;
}

static void on_readable(uv_poll_t *poll, int status, int events);
static void on_idle(uv_idle_t *idle);

static void update_watch(struct stdin_lines *input)
{
	bool reading = input->started && !input->paused;

	if (input->polled && reading)
		uv_poll_start(&input->turn.poll, UV_READABLE, on_readable);
	else if (input->polled)
		uv_poll_stop(&input->turn.poll);
	else if (reading)
		uv_idle_start(&input->turn.idle, on_idle);
	else
		uv_idle_stop(&input->turn.idle);
}

static void on_pause_end(void *arg)
{
	struct stdin_lines *input = arg;

	input->paused = false;
	update_watch(input);
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
	input->pause = loop_timer_create(loop, on_pause_end, input);
	input->bytes = sizeof input->piece;
	return input;
}

static void finish(struct stdin_lines *input)
{
	stdin_lines_stop(input);
	input->ended = true;
	lines_end(&input->lines);
	input->end(input->arg);
}

/* A read error (a terminal that hung up, a connection that was reset) is an end too. */
static void read_piece(struct stdin_lines *input)
{
	ssize_t len = read(input->fd, input->piece, input->bytes);

	if (len > 0 && input->every_ns > 0) {
		input->paused = true;
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

void stdin_lines_start(struct stdin_lines *input)
{
	if (input->started || input->ended)
		return;
	input->started = true;
	update_watch(input);
}

void stdin_lines_stop(struct stdin_lines *input)
{
	if (!input->started)
		return;
	input->started = false;
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
