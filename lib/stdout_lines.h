/*
 * stdout_lines - lines to stdout or stderr, whole and in order.
 *
 * When a pipe or a socket is full, the lines wait in a queue. Other files, and those
 * that shall block, are written with a blocking write(2). When the reader has closed,
 * lines are dropped.
 */
#ifndef LIB_STDOUT_LINES_H
#define LIB_STDOUT_LINES_H

#include <stdbool.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/err.h"

/* The queue is empty (or the reader gone), and the descriptor is writable. */
typedef void stdout_lines_clear_fn(void *arg);

/* Read only. */
struct stdout_lines {
	int fd;
	int flags;     /* of fd, at the creation */
	bool blocking; /* true: writes block, and clear() is never called */
	bool gone;     /* the reader has closed, or we have: lines are dropped */
	bool awaited;
	struct buf queue; /* what waits */
	uv_poll_t poll;   /* unless blocking; it makes fd nonblocking */
	stdout_lines_clear_fn *clear;
	void *arg;
};

/* Keeps loop and fd. The flags of fd are restored in the end. */
struct stdout_lines *stdout_lines_create(uv_loop_t *loop, int fd, bool blocking,
	stdout_lines_clear_fn *clear, void *arg, struct err *err) MUST_CHECK;

/* Queues a line, given without its end. The caller keeps the queue below
 * STDOUT_LINES_MAX bytes. */
#define STDOUT_LINES_MAX ((size_t)64 << 20)
void stdout_lines_line(struct stdout_lines *output, const char *line);

/* Queues a part of a line, or several lines. */
void stdout_lines_add(struct stdout_lines *output, const char *data, size_t len);

/* Calls clear() from the loop, once for all calls until then. Not if it is blocking,
 * and not after stdout_lines_shut(). */
void stdout_lines_await_clear(struct stdout_lines *output);

/* Closes the stream. The descriptor stays in use, for /dev/null. */
void stdout_lines_shut(struct stdout_lines *output);

/* Drops the queue. Freed when the loop has turned. Accepts NULL. */
void stdout_lines_destroy(struct stdout_lines *output);

#endif
