/*
 * wait - turns the loop until a condition holds.
 *
 * A case reads from top to bottom: each step waits here for its event, under a
 * deadline. Never called from a callback.
 */
#ifndef LIB_WAIT_H
#define LIB_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

typedef bool wait_fn(const void *arg);

enum wait_end {
	WAIT_SO,          /* the condition holds */
	WAIT_DEADLINE,    /* deadline_ns of CLOCK_MONOTONIC passed */
	WAIT_INTERRUPTED, /* *interrupted became true */
};

/* Calls `is_so` after every turn of the loop, the last one as well: any other end means
 * that the condition does not hold now. interrupted may be NULL. */
enum wait_end wait_until(uv_loop_t *loop, wait_fn *is_so, const void *arg,
	int64_t deadline_ns, const bool *interrupted);

#endif
