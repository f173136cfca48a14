/*
 * rollout_causes - why requests failed in a rollout, and what became of its tasks: the rows
 * ROLLOUT_DIAGNOSIS of diagnoses.def.
 */
#ifndef HARNESS_ROLLOUT_ROLLOUT_CAUSES_H
#define HARNESS_ROLLOUT_ROLLOUT_CAUSES_H

#include "harness/judge/judgement.h"
#include "harness/rollout/rollout.h"

/* Adds those that hold behind the diagnoses that are there. */
void rollout_causes(struct judgement *judgement, const struct rollout *rollout);

#endif
