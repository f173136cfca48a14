/*
 * sides - what a run measures: NEW, and with --against BASE, too. Both run the same cases,
 * each with its own service.
 */
#ifndef HARNESS_CAMPAIGN_SIDES_H
#define HARNESS_CAMPAIGN_SIDES_H

#include <stdbool.h>

#include "harness/campaign/base.h"
#include "harness/campaign/side.h"
#include "harness/engine/engine.h"

enum side_name {
	SIDE_NEW,
	SIDE_BASE,
	SIDES,
};

struct sides {
	struct side item[SIDES];
	unsigned count; /* 1 without BASE */
	struct base base;
	char *base_failed; /* the folder of BASE's artifacts, an absolute path */
};

/* Plans NEW. Prints every error; false when there was one, or there is no case. */
bool sides_open(struct sides *sides, const struct campaign_options *options) MUST_CHECK;

/* Opens BASE, and plans the same cases of it. Turns the loop. Prints the error. */
bool sides_open_base(
	struct sides *sides, const struct base_options *options) MUST_CHECK;
void sides_done(struct sides *sides);

/* Can the engine run this case of each side? */
bool sides_fit(
	const struct sides *sides, const struct engine_kind *kind, unsigned index);

/* Is every case a rollout? Then an orchestrator runs them. */
bool sides_are_rollouts(const struct sides *sides);

/* Is stopbench's own image needed? */
bool sides_need_own_image(const struct sides *sides, const struct engine_kind *kind);

/* Is BASE an image that the engine has, or none at all? */
bool sides_have_image(
	const struct sides *sides, struct engine *engine, struct err *err) MUST_CHECK;

/* Of the rounds of both; BASE's are made in its folder. */
void sides_set_workers(struct sides *sides, const struct worker_options *options);

/* The workers whose subjects are those of this run have this image of them; NULL: they
 * prepare it. Keeps image. */
void sides_set_own_image(struct sides *sides, const char *image);

/* The results begin. */
void sides_begin(struct sides *sides, struct engine *engine);

/* Adds the rounds that are over to the results, and summarises them. */
void sides_collect(struct sides *sides, struct rounds *rounds);

#endif
