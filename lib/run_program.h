/*
 * run_program - runs another program to its end and reads what it prints.
 */
#ifndef LIB_RUN_PROGRAM_H
#define LIB_RUN_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/err.h"

/* All borrowed for the call. */
struct program_call {
	const char *const *argv; /* ends in NULL */
	const char *folder;      /* NULL: the current one */
	int64_t within_ns;
	const bool *interrupted; /* true: it is ended, an error; may be NULL */
	struct buf *out; /* its stdout is added; NULL: it inherits stdout and stderr */
};

/* Turns the loop. False, with the name of the program and the first line of its stderr:
 * it did not end with exit code 0, or not in time. */
bool run_program_call(
	uv_loop_t *loop, const struct program_call *call, struct err *err) MUST_CHECK;

/* argv ends in NULL. Adds the stdout of the program to out; turns the loop. False, with
 * the name of the program and the first line of its stderr: it did not end with exit
 * code 0, or not within a minute. */
bool run_program(uv_loop_t *loop, const char *const *argv, struct buf *out,
	struct err *err) MUST_CHECK;

#endif
