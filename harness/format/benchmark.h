/*
 * benchmark - stop times as the `customSmallerIsBetter` JSON of github-action-benchmark:
 * the median of each case in milliseconds, and as a multiple of its own limit.
 * Warm-ups and killed services have no stop time.
 */
#ifndef HARNESS_FORMAT_BENCHMARK_H
#define HARNESS_FORMAT_BENCHMARK_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* `results` is the JSON of results.h. */
void benchmark_print(FILE *out, const cJSON *results);

#endif
