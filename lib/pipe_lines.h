/*
 * pipe_lines - the lines that a pipe brings, each with the time when it was read.
 */
#ifndef LIB_PIPE_LINES_H
#define LIB_PIPE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "lib/cc.h"

struct pipe_lines;

/* From the loop, for each line (see lines.h); `line` is borrowed. */
typedef void pipe_lines_fn(void *arg, int64_t ns, const char *line, size_t len);

/* From the loop, once: every writer has closed the pipe. */
typedef void pipe_lines_over_fn(void *arg);

/* The ceiling for a program's output. */
#define PIPE_LINES_LOG ((size_t)256 << 10)

/* Takes fd; keeps loop. `each` NULL: the lines are read and dropped. Longer lines than
 * the ceiling are cut. */
struct pipe_lines *pipe_lines_open(uv_loop_t *loop, int fd, size_t ceiling,
	pipe_lines_fn *each, void *each_arg, pipe_lines_over_fn *over,
	void *arg) MUST_CHECK;
bool pipe_lines_is_over(const struct pipe_lines *pipe);

/* Reads what the pipe holds now and ends there, even if a writer still has it open.
 * Does not call `over`. */
void pipe_lines_end(struct pipe_lines *pipe);

/* Hands over no more lines; the handle closes in the next turn of the loop. Accepts
 * NULL. */
void pipe_lines_close(struct pipe_lines *pipe);

#endif
