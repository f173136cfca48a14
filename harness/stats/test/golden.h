/*
 * golden - what golden.R computed, for the tests to compare with.
 */
#ifndef HARNESS_STATS_TEST_GOLDEN_H
#define HARNESS_STATS_TEST_GOLDEN_H

#include "harness/stats/interval.h"
#include "lib/json.h"

/* The document; ends the test where it cannot be read. For json_doc_done(). */
struct json_doc golden_read(void);

/* A copy of an array of numbers, to free(). */
double *golden_values(const cJSON *row, const char *key, unsigned *count);

/* A null is NAN. Equal to 9 digits, or both NAN; `row` is printed where they are not. */
void golden_assert(const cJSON *row, const char *key, double got);
void golden_assert_interval(const cJSON *row, const char *key, struct interval got);

#endif
