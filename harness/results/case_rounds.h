/*
 * case_rounds - the rounds of each case in the JSON of a run: one scenario, one
 * combination of its matrix and one half have the same id, axes and half.
 */
#ifndef HARNESS_RESULTS_CASE_ROUNDS_H
#define HARNESS_RESULTS_CASE_ROUNDS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

/* How a round ended, for the run: by its expectations, by a comparison that found its case
 * worse than BASE's, and by a list of known failures. The gravest of its rounds is that of
 * a case: one with an unmet round is unmet, else one with a round that could not run was
 * not run. */
enum outcome {
	OUTCOME_MET,
	OUTCOME_KNOWN, /* not met, and known to be so (known_failures.h) */
	OUTCOME_NOT_RUN,
	OUTCOME_UNMET,
	OUTCOMES,
};

struct case_rounds {
	const cJSON *
		*rounds; /* in the order of the run, at least one; the items borrowed */
	unsigned count;
};

struct case_index;

struct case_list {
	struct case_rounds *item; /* in the order of their first rounds */
	unsigned count;
	struct case_index *index; /* by what tells cases apart */
};

/* `results` is the JSON of results.h, which must outlive the list. */
void case_list_fill(struct case_list *list, const cJSON *results);
void case_list_add(struct case_list *list, const cJSON *rounds); /* its "cases" */
void case_list_done(struct case_list *list);

/* The same case in another list, or NULL. */
const struct case_rounds *case_list_find(
	const struct case_list *list, const struct case_rounds *item);

enum outcome case_rounds_outcome(const cJSON *round);

/* The stop time of a round where it says something of the service, in ns, else -1: not of
 * a round that could not run, nor of a warm-up, nor of a killed service, whose time is the
 * engine's. */
double case_rounds_time_ns(const cJSON *round);

/* "history/10-matrix load.sessions=3 (twin)", of a round; the caller's to free(). */
char *case_rounds_title(const cJSON *round) MUST_CHECK;

#endif
