/*
 * rollout_run - one rollout on one cluster, from its start to its end.
 *
 * Starts the mock agent API, the balancer and a witness for each node that can be watched,
 * deploys the service, lets the traffic flow, does the action as often as it is asked for,
 * waits each time until the orchestrator is done, and removes it all. What was observed is
 * in the rollout; one that could not be brought to its action has its trouble in the
 * evidence, as a case has.
 */
#ifndef HARNESS_ROLLOUT_ROLLOUT_RUN_H
#define HARNESS_ROLLOUT_ROLLOUT_RUN_H

#include "harness/cluster/cluster.h"
#include "harness/rollout/rollout.h"
#include "harness/run/case_state.h"

struct rollout_options {
	struct case_options of_case;
	struct cluster *cluster;
	/* Addresses of witnesses, as --witness has them: NULL-terminated, or NULL. */
	const char *const *witnesses;
};

/* Always fills rollout and evidence (both zeroed before), also when it comes to nothing.
 * Turns the loop. */
void rollout_run(const struct rollout_options *options, const struct scenario *scenario,
	struct rollout *rollout, struct evidence *evidence);

#endif
