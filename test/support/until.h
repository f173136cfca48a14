/*
 * until - waits in a test until a condition holds, and fails the test when it does not
 * within UNTIL_PATIENCE_S.
 */
#ifndef TEST_SUPPORT_UNTIL_H
#define TEST_SUPPORT_UNTIL_H

#include <stdint.h>
#include <uv.h>

#include "lib/clock.h"

#define UNTIL_PATIENCE_S 30

/* Turns the loop until condition holds. loop NULL: looks again every 5 ms. */
#define until(loop, condition)                                                         \
	do {                                                                           \
		const int64_t until_ns_ = until_deadline();                            \
		while (!(condition))                                                   \
			until_turn(loop, until_ns_, #condition);                       \
	} while (0)

/* The end of the patience, from now; in ns of CLOCK_MONOTONIC. */
int64_t until_deadline(void);

/* One turn of the loop, which ends with the next event or the deadline. After the
 * deadline the test fails: `what` did not come. */
void until_turn(uv_loop_t *loop, int64_t deadline_ns, const char *what);

/* Turns the loop for that long: for what must not happen. */
void until_idle(uv_loop_t *loop, int64_t ms);

#endif
