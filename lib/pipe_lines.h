/*
 * pipe_lines - what a process prints into a pipe, as lines, stamped when they are read.
 */
#ifndef LIB_PIPE_LINES_H
#define LIB_PIPE_LINES_H

#include <stdbool.h>
#include <uv.h>

#include "harness/engine/engine.h"

struct pipe_lines;

/* From the loop, once: every writer has closed the pipe. */
typedef void pipe_lines_over_fn(void *arg);

/* Takes fd; keeps loop. `line` may be NULL: nobody listens. */
struct pipe_lines *pipe_lines_open(uv_loop_t *loop, int fd, subject_log_fn *line,
	void *line_arg, pipe_lines_over_fn *over, void *arg) MUST_CHECK;
bool pipe_lines_is_over(const struct pipe_lines *pipe);

/* Reads what the pipe holds now and ends there, whoever may still have it open.
 * `over` is not called. */
void pipe_lines_end(struct pipe_lines *pipe);

/* No more lines. Accepts NULL. */
void pipe_lines_close(struct pipe_lines *pipe);

#endif
