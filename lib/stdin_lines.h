/*
 * stdin_lines - lines from stdin: from a pipe, a socket, a terminal or a file.
 *
 * The descriptor's flags stay as they are, since other processes may share them.
 */
#ifndef LIB_STDIN_LINES_H
#define LIB_STDIN_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "lib/err.h"
#include "lib/lines.h"

struct stdin_lines;

/* Called once, from the loop, after the last line. */
typedef void stdin_lines_end_fn(void *arg);

/* Keeps loop and fd; does not read before stdin_lines_read(). Calls `each` as
 * lib/lines.h says. After a stop within a callback, lines that were read already still
 * follow: at most STDIN_LINES_PIECE bytes of them. */
#define STDIN_LINES_PIECE ((size_t)64 << 10)
struct stdin_lines *stdin_lines_create(uv_loop_t *loop, int fd, size_t line_ceiling,
	lines_fn *each, stdin_lines_end_fn *end, void *arg, struct err *err) MUST_CHECK;

/* Reads at most `bytes` at a time, at most STDIN_LINES_PIECE, and pauses for every_ns
 * after each read. */
void stdin_lines_limit(struct stdin_lines *input, size_t bytes, int64_t every_ns);

/* Begins or stops to read; after the end it does nothing. */
void stdin_lines_read(struct stdin_lines *input, bool wanted);

/* Not from its own callback. Freed when the loop has turned. Accepts NULL. */
void stdin_lines_destroy(struct stdin_lines *input);

#endif
