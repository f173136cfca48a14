/*
 * round - the JSON of one round of a case: an item of "cases" in results.json.
 *
 * docs/results.md has every member. Whole numbers are written from their digits, and
 * what is not known is null.
 */
#ifndef HARNESS_RESULTS_ROUND_H
#define HARNESS_RESULTS_ROUND_H

#include <cjson/cJSON.h>

#include "harness/judge/judge.h"
#include "harness/run/evidence.h"
#include "harness/scenario/plan.h"

/* `round` counts from 1. `folder` holds the artifacts of a failed round; NULL: none.
 * Gives the caller the JSON. */
cJSON *round_json(const struct plan_case *plan_case, unsigned round,
	const struct evidence *evidence, const struct judgement *judgement,
	const char *folder) MUST_CHECK;

/* Adds "picture", the lanes of the stop, for the formats that draw it. */
void round_add_picture(
	cJSON *json, const struct scenario *scenario, const struct evidence *evidence);

/* Adds how a stop went: its times with their sources, the exit code, the raw wait
 * status, what became of the signals. */
void round_add_stop(cJSON *json, const struct scenario *scenario,
	const struct evidence *evidence, const struct judgement *judgement);

#endif
