/*
 * case_statistics - what the rounds of a repeated case say of its stop time.
 */
#ifndef HARNESS_RESULTS_CASE_STATISTICS_H
#define HARNESS_RESULTS_CASE_STATISTICS_H

#include <cjson/cJSON.h>

#include "harness/results/case_rounds.h"
#include "lib/cc.h"

/* Gives the caller an item of "statistics" of docs/results.md; NULL: fewer than two rounds
 * have a time (case_rounds_time_ns()). */
cJSON *case_statistics_json(const struct case_rounds *item) MUST_CHECK;

/* "median 5.38ms (95 %: 4.90ms to 6.10ms), p95 8.10ms, spread 510us, 1.08 x its limit;
 * outlier: round 3 (17.3ms)" of that; the caller's to free(). */
char *case_statistics_text(const cJSON *json) MUST_CHECK;

#endif
