/*
 * case_comparison - one case in two runs, and how NEW differs from BASE.
 */
#ifndef HARNESS_COMPARE_CASE_COMPARISON_H
#define HARNESS_COMPARE_CASE_COMPARISON_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "harness/compare/case_times.h"
#include "harness/compare/gate.h"
#include "harness/results/case_rounds.h"
#include "harness/scenario/verdict.h"

/* What one side shows of the case. */
struct case_side {
	const struct case_rounds *rounds; /* NULL: it has no such case */
	enum verdict worst;               /* of the rounds that ran */
	unsigned not_clean, unmet, not_run;
	const cJSON *unmet_example; /* a round */
};

struct case_comparison {
	struct case_side base, new;
	struct case_times times;
	bool timed;              /* its times can be compared */
	struct gate_result gate; /* of a timed one; the owner's, before the JSON */
};

/* Keeps base and new; one of them may be NULL. `paired`: the rounds of both were made in
 * turn. On another host seconds count only where a planted latency decides the time. */
void case_comparison_init(struct case_comparison *item, const struct case_rounds *base,
	const struct case_rounds *new, bool paired, bool same_host);
void case_comparison_done(struct case_comparison *item);

/* Gives the caller an item of "comparison.cases" of docs/results.md. */
cJSON *case_comparison_json(const struct case_comparison *item) MUST_CHECK;

#endif
