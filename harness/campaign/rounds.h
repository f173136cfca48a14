/*
 * rounds - the rounds of a run: each in a worker, as many side by side as may be.
 *
 * They begin in the order in which they were added; their results are in the order of
 * the plan. A round of a scenario that runs alone, or uses a port of the host, has no
 * other beside it.
 */
#ifndef HARNESS_CAMPAIGN_ROUNDS_H
#define HARNESS_CAMPAIGN_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/campaign/worker.h"
#include "harness/report/progress.h"
#include "harness/results/results.h"
#include "harness/scenario/plan.h"

struct planned_round;

struct rounds {
	/* The owner's, set before rounds_run(). */
	uv_loop_t *loop;
	unsigned jobs; /* rounds that run side by side, at least 1 */
	struct progress *progress;

	/* Read only. */
	struct planned_round *list; /* in the order in which they begin */
	unsigned count, started, running;
	bool alone;       /* the running round's case runs alone */
	bool interrupted; /* no other round begins */
	bool kept; /* a container and a folder were left for a person to look at */
};

/* Keeps plan_case and options, and writes the latter's step and over. `number` counts
 * the rounds of a case from 1. A warm-up is judged, and its time does not count. */
void rounds_add(struct rounds *rounds, struct worker_options *options,
	const struct plan_case *plan_case, unsigned number, uint64_t seed,
	bool warm_up);

/* Turns the loop until all that were added are over. More may be added afterwards.
 * False: a round could not begin. */
bool rounds_run(struct rounds *rounds) MUST_CHECK;

/* Adds the rounds of the cases of plan that are over to results, each case's together. */
void rounds_results(
	struct rounds *rounds, const struct plan *plan, struct results *results);

/* The workers bring their cases down and end. */
void rounds_interrupt(struct rounds *rounds);
void rounds_done(struct rounds *rounds);

/* "history/10-matrix load.sessions=3 (twin)"; the caller's to free(). */
char *rounds_title(const struct plan_case *plan_case) MUST_CHECK;

#endif
