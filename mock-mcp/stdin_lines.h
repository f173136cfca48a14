/*
 * stdin_lines - lines from stdin, whatever stdin is: a pipe, a socket, a terminal, a file.
 *
 * The descriptor's flags stay as they are, since others may share them.
 */
#ifndef MOCK_MCP_STDIN_LINES_H
#define MOCK_MCP_STDIN_LINES_H

#include <uv.h>

#include "lib/err.h"
#include "lib/lines.h"

struct stdin_lines;

/* Once, from the loop, behind the last line. */
typedef void stdin_lines_end_fn(void *arg);

/* Keeps loop and fd; reads when it is started. Lines are handed over as lib/lines.h
 * says. Stopping inside of a callback is fine, yet lines that were read already still
 * come: at most STDIN_LINES_PIECE bytes of them. */
#define STDIN_LINES_PIECE ((size_t)64 << 10)
struct stdin_lines *stdin_lines_create(uv_loop_t *loop, int fd, size_t line_ceiling,
	lines_fn *each, stdin_lines_end_fn *end, void *arg, struct err *err) MUST_CHECK;

/* Both may be called at any time, also twice, and after the end do nothing. */
void stdin_lines_start(struct stdin_lines *input);
void stdin_lines_stop(struct stdin_lines *input);

/* Not from a callback of its own. Freed when the loop has turned. Accepts NULL. */
void stdin_lines_destroy(struct stdin_lines *input);

#endif
