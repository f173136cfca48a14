/*
 * results - the JSON of a run: everything measured, host and engine, seed.
 *
 * {"stopbench": "0.1", "started": "...", "host": {...}, "engine": {...}, "seed": "...",
 *  "cases": [{"id", "half", "axes", "verdict", "met", "stop_ns", ...}], "summary": {...}}
 * Nanosecond figures are written from their digits: integers, never doubles.
 */
#ifndef HARNESS_REPORT_RESULTS_H
#define HARNESS_REPORT_RESULTS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "harness/judge/judge.h"
#include "harness/run/evidence.h"
#include "harness/scenario/plan.h"

struct results;

/* Takes fingerprint. Copies the rest. */
struct results *results_create(const char *engine, cJSON *fingerprint, uint64_t seed)
	MUST_CHECK;
void results_destroy(struct results *results);

/* One round of a case. Copies what it keeps. */
void results_add(struct results *results, const struct plan_case *plan_case, unsigned round,
	const struct evidence *evidence, const struct judgement *judgement,
	const char *folder);

unsigned results_met(const struct results *results);
unsigned results_unmet(const struct results *results);
unsigned results_not_run(const struct results *results);

/* Borrowed: good until the next results_add(). */
const cJSON *results_json(const struct results *results);
bool results_write(const struct results *results, const char *path, struct err *err)
	MUST_CHECK;

#endif
