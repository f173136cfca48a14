/*
 * run_program - runs another program to its end and reads what it prints.
 */
#ifndef LIB_RUN_PROGRAM_H
#define LIB_RUN_PROGRAM_H

#include <stdbool.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/err.h"

/* argv ends in NULL. Adds the stdout of the program to out; turns the loop. False, with
 * the name of the program and the first line of its stderr: it did not end with exit
 * code 0, or not within a minute. */
bool run_program(uv_loop_t *loop, const char *const *argv, struct buf *out,
	struct err *err) MUST_CHECK;

#endif
