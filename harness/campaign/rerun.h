/*
 * rerun - a case that is run once more, by the worker that ran it, with its scenario
 * changed: what the cures and the what-if of a case have in common.
 */
#ifndef HARNESS_CAMPAIGN_RERUN_H
#define HARNESS_CAMPAIGN_RERUN_H

#include <cjson/cJSON.h>

#include "harness/judge/judgement.h"
#include "harness/run/case_state.h"

#define RERUN_GRACE_FACTOR 3 /* of a longer grace */

/* What was run, and how that went. All borrowed for the call. */
struct rerun_of {
	const char *path;  /* of the scenario's file: paths in it are relative to it */
	const cJSON *json; /* the scenario */
	const struct scenario *scenario;
	const struct evidence *evidence;
	const struct judgement *judgement;
};

/* All owned by the rerun. */
struct rerun {
	cJSON *json;
	struct scenario scenario;
	/* Zeroed before it has run. */
	struct evidence evidence;
	struct judgement judgement;
};

/* A copy of the scenario with a value at "stop.grace". Takes value. NULL: it has no such
 * place. The caller's. */
cJSON *rerun_changed(const cJSON *scenario, const char *path, cJSON *value) MUST_CHECK;

/* Borrows both for the call. NULL: the scenario contradicts itself. */
struct rerun *rerun_create(const char *path, const cJSON *json) MUST_CHECK;
void rerun_destroy(struct rerun *rerun); /* accepts NULL */

/* Once. A watcher is told of each step with `how`: "with an init: stopping". False: it
 * was interrupted, and there is no judgement. */
bool rerun_run(struct rerun *rerun, const struct case_options *options,
	const char *how) MUST_CHECK;

/* It came to its stop. */
bool rerun_has_stopped(const struct rerun *rerun);

#endif
