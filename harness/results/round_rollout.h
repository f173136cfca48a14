/*
 * round_rollout - "rollout" in the JSON of a round: nodes, steps, tasks and traffic.
 */
#ifndef HARNESS_RESULTS_ROUND_ROLLOUT_H
#define HARNESS_RESULTS_ROUND_ROLLOUT_H

#include <cjson/cJSON.h>

#include "harness/rollout/rollout.h"
#include "harness/scenario/scenario.h"

/* Adds the member to the round's JSON. */
void round_add_rollout(
	cJSON *json, const struct scenario *scenario, const struct rollout *rollout);

#endif
