/*
 * outlet - what a process prints into a pipe, as lines, stamped when they are read.
 */
#ifndef HARNESS_ENGINE_OUTLET_H
#define HARNESS_ENGINE_OUTLET_H

#include <stdbool.h>
#include <uv.h>

#include "harness/engine/engine.h"

struct outlet;

/* From the loop, once: every writer has closed the pipe. */
typedef void outlet_over_fn(void *arg);

/* Takes fd; keeps loop. `line` may be NULL: nobody listens. */
struct outlet *outlet_open(uv_loop_t *loop, int fd, subject_log_fn *line,
	void *line_arg, outlet_over_fn *over, void *arg) MUST_CHECK;
bool outlet_is_over(const struct outlet *outlet);

/* Reads what the pipe holds now and ends there, whoever may still have it open.
 * `over` is not called. */
void outlet_end(struct outlet *outlet);

/* No more lines. Accepts NULL. */
void outlet_close(struct outlet *outlet);

#endif
