/*
 * stdout_lines - lines to stdout, whole and in order.
 *
 * A pipe or a socket that is full is waited for in the loop, with what is to be written
 * in a queue; anything else, and whatever is asked to, is written with a blocking
 * write(2). When its reader is gone, lines are dropped.
 */
#ifndef MOCK_MCP_STDOUT_LINES_H
#define MOCK_MCP_STDOUT_LINES_H

#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"

struct stdout_lines;

/* The queue is empty (or its reader gone) and stdout takes more. */
typedef void stdout_lines_clear_fn(void *arg);

/* Keeps loop and fd. A nonblocking fd gets its flags back in the end. */
struct stdout_lines *stdout_lines_create(uv_loop_t *loop, int fd, bool blocking,
	stdout_lines_clear_fn *clear, void *arg, struct err *err) MUST_CHECK;

/* Adds the line's end. The queue may take STDOUT_LINES_MAX bytes, and its user sees to it
 * that it never needs to. */
#define STDOUT_LINES_MAX ((size_t)64 << 20)
void stdout_lines_line(struct stdout_lines *output, const char *line);

size_t stdout_lines_waiting(const struct stdout_lines *output); /* bytes */
bool stdout_lines_waits_in_loop(const struct stdout_lines *output);
bool stdout_lines_is_gone(const struct stdout_lines *output); /* lines are dropped */

/* Calls clear() from the loop, once for all calls until then. Only for what waits in
 * the loop, and not once stdout_lines_shut() was called. */
void stdout_lines_await_clear(struct stdout_lines *output);

/* Closes stdout. The descriptor stays taken, by /dev/null. */
void stdout_lines_shut(struct stdout_lines *output);

/* Drops what waits. Freed when the loop has turned. Accepts NULL. */
void stdout_lines_destroy(struct stdout_lines *output);

#endif
