/*
 * inflight - what became of the turns that were in flight when the stop came.
 *
 * The ledger knows when a session's turn ran, the load what its request was answered.
 */
#ifndef HARNESS_JUDGE_INFLIGHT_H
#define HARNESS_JUDGE_INFLIGHT_H

#include "harness/run/evidence.h"

struct inflight {
	unsigned interrupted; /* begun before the stop signal, and answered 503 */
	unsigned killed;      /* begun before it, and waited for until SIGKILL came */
};

void inflight_find(struct inflight *turns, const struct evidence *evidence);

#endif
