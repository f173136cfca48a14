/*
 * rollout_judge - from what was observed of a rollout to a verdict and its reasons.
 *
 * Pure. The verdict is the worst of the stops', or loss where requests failed; the reasons
 * are those of the worst stop, and what the requests, the tasks and the orchestrator say
 * together (the rows ROLLOUT_DIAGNOSIS of diagnoses.def).
 */
#ifndef HARNESS_ROLLOUT_ROLLOUT_JUDGE_H
#define HARNESS_ROLLOUT_ROLLOUT_JUDGE_H

#include "harness/judge/judgement.h"
#include "harness/rollout/rollout.h"
#include "harness/run/evidence.h"
#include "harness/scenario/scenario.h"

/* Also completes the evidence's facts by those of the worst stop and the slowest one: exit
 * code, signal and end. */
void rollout_judge(struct judgement *judgement, const struct scenario *scenario,
	const struct rollout *rollout, struct evidence *evidence);

#endif
