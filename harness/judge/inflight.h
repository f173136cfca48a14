/*
 * inflight - what became of the turns that were in flight when the stop came.
 *
 * Judged by the mock agent API's own events: a turn that began before the stop and did
 * not end by itself was interrupted, whatever its request was answered. So was one that
 * began later, if its webhook was answered: acknowledged, and lost. A turn that a fault
 * ended and its client began again goes on.
 */
#ifndef HARNESS_JUDGE_INFLIGHT_H
#define HARNESS_JUDGE_INFLIGHT_H

#include "harness/judge/session_records.h"
#include "harness/run/evidence.h"

struct inflight {
	unsigned interrupted; /* ended as interrupted or failed, or never */
	unsigned answered; /* of these: those whose webhook was answered all the same */
	unsigned killed; /* never ended, and the service waited for it until SIGKILL */
};

void inflight_find(struct inflight *turns, const struct evidence *evidence,
	const struct session_records *sessions);

#endif
