/*
 * run_program - another program, run to its end for what it prints.
 */
#ifndef LIB_RUN_PROGRAM_H
#define LIB_RUN_PROGRAM_H

#include <stdbool.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/err.h"

/* argv ends in NULL. Its stdout is added to out. False with its name and what it said
 * on stderr when it did not end with 0, or not within a minute. Turns the loop. */
bool run_program(uv_loop_t *loop, const char *const *argv, struct buf *out,
	struct err *err) MUST_CHECK;

#endif
