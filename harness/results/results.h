/*
 * results - the JSON of a run: everything measured, host and engine, seed.
 *
 * {"stopbench": "0.1", "schema": 1, "started": "...", "host": {...}, "engine": {...},
 *  "seed": "...", "cases": [{"id", "half", "axes", "verdict", "met", "stop_ns", ...}],
 *  "summary": {...}}
 * docs/results.md has every member. Whole numbers are written from their digits, and
 * what is not known is null.
 */
#ifndef HARNESS_RESULTS_RESULTS_H
#define HARNESS_RESULTS_RESULTS_H

#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "harness/results/case_rounds.h"
#include "harness/results/known_failures.h"
#include "lib/err.h"

/* The version of this format. Another one when a member is taken away or means something
 * else; members that are added leave it as it is. */
#define RESULTS_SCHEMA 1

/* Only results.c writes it. */
struct results {
	cJSON *json;  /* the whole */
	cJSON *cases; /* in json */
	int64_t began_ns;
	unsigned counts[OUTCOMES]; /* of the cases, by results_summarise() */
	unsigned passed_over;
};

/* Takes fingerprint. The clock starts. */
struct results *results_create(cJSON *fingerprint, uint64_t seed) MUST_CHECK;
void results_destroy(struct results *results); /* accepts NULL */

/* Takes round, a round_json(). */
void results_add(struct results *results, cJSON *round);

/* Does the summary say what the rounds say? Else the member of the summary that is wrong,
 * and what the rounds have. */
bool results_are_counted(
	const cJSON *results, const char **wrong, unsigned *counted) MUST_CHECK;

/* A case that is not for this engine. */
void results_pass_over(struct results *results);

/* The rounds are made in turn with those of the other results with this pairing.
 * `title` says what is measured; NULL: it need not be said. */
void results_pair(struct results *results, const char *title, const char *pairing);

/* Takes comparison, the JSON of harness/compare/comparison.h, in place of an earlier
 * one, and summarises again: a case with a regression is not met. */
void results_compare(struct results *results, cJSON *comparison);

/* Marks the failures that are known, and summarises again. */
void results_know(struct results *results, const struct known_failures *known);

/* After the last round: counts the cases, and puts the rounds of each together. */
void results_summarise(struct results *results);

/* Prints the JSON, as results.json has it. */
void results_print(FILE *out, const cJSON *results);

/* Makes the folders on the way. The file is there as a whole or not at all. */
bool results_write(
	const struct results *results, const char *path, struct err *err) MUST_CHECK;

#endif
