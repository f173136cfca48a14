/*
 * expect - compares what the scenario expects with what was seen.
 */
#ifndef HARNESS_JUDGE_EXPECT_H
#define HARNESS_JUDGE_EXPECT_H

#include "harness/judge/judgement.h"
#include "harness/judge/view.h"

/* Fills judgement->expectations and met. What is not known is unmet. */
void expect(struct judgement *judgement, const struct view *view);

/* The first line of the log that has a text of expect.log_absent in it, or NULL.
 * Borrowed. */
const char *expect_forbidden_line(const struct view *view);

#endif
