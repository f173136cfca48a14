/*
 * side - a version of the service under measurement: the cases that are run of it, and
 * their results. A run has one; with --against it has a second one, BASE.
 */
#ifndef HARNESS_CAMPAIGN_SIDE_H
#define HARNESS_CAMPAIGN_SIDE_H

#include <stdbool.h>

#include "harness/campaign/campaign.h"
#include "harness/campaign/rounds.h"
#include "harness/results/results.h"
#include "harness/scenario/engine_kind.h"
#include "harness/scenario/plan.h"

struct side {
	const struct campaign_options *options;
	struct plan plan;
	struct worker_options worker_options; /* of its rounds */
	struct results *results;              /* NULL: not yet */
};

/* Plans the run's scenarios, with `image` as their service's where it is not NULL. Prints
 * every error, and none twice; false when there was one, or there is no case. */
bool side_plan(struct side *side, const char *image) MUST_CHECK;
void side_done(struct side *side);

/* Why this engine cannot run the case; NULL: it can. Static. */
const char *side_misfit(
	const struct side *side, const struct engine_kind *kind, unsigned index);

/* How many rounds the run or the scenario wants of it, with its warm-ups. */
unsigned side_repeat(const struct side *side, unsigned index);

/* Adds a round of the case; `number` counts from 1, the warm-ups first. Each side's has
 * the same draws. */
void side_add_round(
	struct side *side, struct rounds *rounds, unsigned index, unsigned number);

#endif
