/*
 * comparison - is NEW slower or less clean than BASE: two runs, case by case.
 *
 * A difference is a regression where NEW is worse:
 *   less clean   a graver verdict than BASE ever had; an expectation that is met no more;
 *                a case that could not run; or stops that are not clean in more rounds
 *                than chance explains
 *   slower       by the gate (gate.h)
 * and it is told, and no regression, where a case is cleaner or faster, has another
 * cause or is held up by something else than before, is missing, new, or had too few
 * rounds to say.
 */
#ifndef HARNESS_COMPARE_COMPARISON_H
#define HARNESS_COMPARE_COMPARISON_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "harness/compare/gate.h"
#include "lib/err.h"

/* Was BASE run on this engine? Another one's stops are not comparable. */
bool comparison_check_engine(
	const cJSON *base, const char *engine, struct err *err) MUST_CHECK;

/* Can they be compared at all? False: another engine, or no case in common. Both are the
 * JSON of results.h, as results_file.h or a run gives it. */
bool comparison_check(const cJSON *base, const cJSON *new, struct err *err) MUST_CHECK;

/* Gives the caller the JSON that docs/results.md describes, "comparison". */
cJSON *comparison_json(
	const cJSON *base, const cJSON *new, enum gate_plan plan) MUST_CHECK;

#endif
