/*
 * judge - from evidence to a verdict, its reasons, and whether that was expected.
 *
 * Pure: it reads evidence and changes nothing. The verdict is the worst thing proven;
 * where evidence for a milder verdict is missing, it is inconclusive and says what is
 * missing. The first diagnosis is the deepest cause, the others are evidence; leaks and
 * losses are always listed.
 */
#ifndef HARNESS_JUDGE_JUDGE_H
#define HARNESS_JUDGE_JUDGE_H

#include "harness/judge/judgement.h"
#include "harness/run/evidence.h"
#include "harness/scenario/scenario.h"

void judge(struct judgement *judgement, const struct scenario *scenario,
	const struct evidence *evidence);

#endif
