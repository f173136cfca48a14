/*
 * diagnose - the rules that name causes: one function for each diagnosis.
 *
 * W: did the stop signal reach code of PID 1? H: what did the service wait for? L, R:
 * what was left, what was lost. X: what ended PID 1. Z: what is not known. Their order
 * is that of harness/scenario/diagnoses.def; docs/diagnoses.md describes each.
 */
#ifndef HARNESS_JUDGE_DIAGNOSE_DIAGNOSE_H
#define HARNESS_JUDGE_DIAGNOSE_DIAGNOSE_H

#include "harness/judge/judgement.h"
#include "harness/judge/view.h"

/* Fills judgement->diagnoses. The view has the verdict. */
void diagnose(struct judgement *judgement, const struct view *view);

#endif
