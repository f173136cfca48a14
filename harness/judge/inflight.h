/*
 * inflight - what became of the turns that were in flight when the stop came.
 *
 * Judged by the mock agent API's own events: a turn that began before the stop and did
 * not end by itself was interrupted, whatever its request was answered. So was one that
 * began later, if its webhook was answered: acknowledged, and lost. A turn that a fault
 * ended and its client began again goes on.
 *
 * One that did end by itself is lost to its user if its webhook was answered before that,
 * without what the model said, although the webhook that opened the session was answered
 * with it. A service that acknowledges webhooks never answers so.
 */
#ifndef HARNESS_JUDGE_INFLIGHT_H
#define HARNESS_JUDGE_INFLIGHT_H

#include "harness/judge/session_records.h"
#include "harness/run/evidence.h"

struct inflight {
	unsigned interrupted; /* ended as interrupted or failed, or never */
	unsigned answered; /* of these: those whose webhook was answered all the same */
	unsigned early; /* ended by themselves, their webhooks answered before that */
	int64_t first_answered_ns, first_ended_ns; /* of the first; after the stop */
	unsigned killed; /* never ended, and the service waited for it until SIGKILL */
};

void inflight_find(struct inflight *turns, const struct evidence *evidence,
	const struct session_records *sessions);

#endif
