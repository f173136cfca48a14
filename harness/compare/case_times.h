/*
 * case_times - the stop times of a case in BASE and in NEW that can be compared.
 *
 * A time counts where case_rounds_time_ns() has one. In pairs, a round counts only where the other side's round of that number does.
 */
#ifndef HARNESS_COMPARE_CASE_TIMES_H
#define HARNESS_COMPARE_CASE_TIMES_H

#include "harness/compare/gate.h"
#include "harness/results/case_rounds.h"

struct case_times {
	double *base_ns, *new_ns; /* owned; at most GATE_TIMES_MAX, the first ones */
	unsigned base_count, new_count;
};

/* A side may be NULL: it has no such case. */
void case_times_fill(struct case_times *times, const struct case_rounds *base,
	const struct case_rounds *new, bool paired);
void case_times_done(struct case_times *times);

#endif
