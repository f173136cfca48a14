/*
 * campaign - all the cases of one `stopbench run`, from the plan to the exit code.
 */
#ifndef HARNESS_CAMPAIGN_CAMPAIGN_H
#define HARNESS_CAMPAIGN_CAMPAIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/format/outputs.h"
#include "harness/scenario/plan.h"

struct campaign_options {
	const char *const *paths; /* scenarios and folders; NULL-terminated */
	struct plan_options plan;
	const char *engine; /* "docker", "process", "auto" */
	const char *report; /* folder of the results */
	unsigned jobs;      /* rounds that run side by side, at least 1 */
	unsigned repeat;    /* 0: as each scenario says */
	unsigned warm_up;   /* rounds of each case before those whose times count */
	uint64_t seed;      /* of the draws; a round's is this and its number */
	bool seed_given;    /* then it wins over a scenario's own */
	bool keep_failed;   /* leave a failed case's container and folder */
	bool try_cures;     /* run a case that was not clean again, with cures */
	bool what_if;       /* run each case again without what held it up */
	const char *known_failures; /* a file of them, or NULL */
	const char *baseline;       /* results to compare with, or NULL */
	const char *against;        /* a commit or an image to compare with, or NULL */
	const char *build;          /* how the commit is built, or NULL (base.h) */
	const char *const *witnesses; /* of rollouts (rollout/witnesses.h), or NULL */
	struct outputs outputs;       /* of the results */
};

/* Gives an enum exit_code of command.h. SIGINT, SIGTERM or SIGHUP ends the rounds under
 * way, and each brings its case down; a second signal ends the program at once. */
int campaign_run(const struct campaign_options *options);

#endif
