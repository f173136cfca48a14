/*
 * expect - what the scenario asks for, held against what was seen.
 */
#ifndef HARNESS_JUDGE_EXPECT_H
#define HARNESS_JUDGE_EXPECT_H

#include "harness/judge/judge.h"
#include "harness/judge/view.h"

/* Fills judgement->expectations and met. Whatever is not known is not met. */
void expect(struct judgement *judgement, const struct view *view);

#endif
