/*
 * output - lines to stdout, whole and in order.
 *
 * A pipe or a socket that is full is waited for in the loop, with what is to be written
 * in a queue; anything else, and whatever is asked to, is written with a blocking
 * write(2). When its reader is gone, lines are dropped.
 */
#ifndef MOCK_MCP_OUTPUT_H
#define MOCK_MCP_OUTPUT_H

#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"

struct output;

/* The queue is empty (or its reader gone) and stdout takes more. */
typedef void output_clear_fn(void *arg);

/* Keeps loop and fd. A nonblocking fd gets its flags back in the end. */
struct output *output_create(uv_loop_t *loop, int fd, bool blocking,
	output_clear_fn *clear, void *arg, struct err *err) MUST_CHECK;

/* Adds the line's end. The queue may take OUTPUT_MAX bytes, and its user sees to it
 * that it never needs to. */
#define OUTPUT_MAX ((size_t)64 << 20)
void output_line(struct output *output, const char *line);

size_t output_waiting(const struct output *output); /* bytes */
bool output_waits_in_loop(const struct output *output);
bool output_is_gone(const struct output *output); /* lines are dropped */

/* Calls clear() from the loop, once for all calls until then. Only for what waits in
 * the loop, and not once output_shut() was called. */
void output_await_clear(struct output *output);

/* Closes stdout. The descriptor stays taken, by /dev/null. */
void output_shut(struct output *output);

/* Drops what waits. Freed when the loop has turned. Accepts NULL. */
void output_destroy(struct output *output);

#endif
