/*
 * diagnose - the rules that say why, by name: one function for each diagnosis of the
 * failure catalogue (docs/diagnoses.md), deepest causes first.
 *
 * W: did the stop signal reach code? H: what was it waiting for? L, R: what was left,
 * what was lost. X: who ended it. Z: what is not known.
 */
#ifndef HARNESS_JUDGE_DIAGNOSE_H
#define HARNESS_JUDGE_DIAGNOSE_H

#include "harness/judge/judge.h"
#include "harness/judge/view.h"

/* Fills judgement->diagnoses; its verdict is there already. */
void diagnose(struct judgement *judgement, const struct view *view);

#endif
