/*
 * wait - turning the loop until something is so.
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
	WAIT_SO,          /* it is so */
	WAIT_DEADLINE,    /* CLOCK_MONOTONIC deadline_ns passed */
	WAIT_INTERRUPTED, /* *interrupted became true */
};

/* `is_so` is asked after every turn of the loop. interrupted may be NULL. */
enum wait_end wait_until(uv_loop_t *loop, wait_fn *is_so, const void *arg,
	int64_t deadline_ns, const bool *interrupted);

#endif
