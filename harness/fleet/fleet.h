/*
 * fleet - how long a deploy of many replicas takes, and what is at risk in it: a model that
 * draws from measured times.
 *
 * An update replaces `parallelism` tasks side by side. Each of its workers takes the next
 * slot, replaces its task, waits for the delay and goes on: with stop-first the old task
 * ends before the new one starts, with start-first the new one runs before the old one is
 * stopped, and nobody waits for that end but the end of the update. (Swarm's updater does
 * so: moby swarmkit, manager/orchestrator/update/updater.go.) Hosts are alike, and what
 * they run does not slow each other down; where it does, measure with as many side by side.
 *
 * Each simulation first draws its samples anew from the measured ones, with replacement
 * (Efron's bootstrap), so that the intervals also show how little was measured.
 */
#ifndef HARNESS_FLEET_FLEET_H
#define HARNESS_FLEET_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/fleet/fleet_samples.h"

#define FLEET_REPLICAS_MAX    1000000
#define FLEET_SIMULATIONS     400
#define FLEET_SIMULATIONS_MAX 100000

/* Times in seconds. */
struct fleet {
	unsigned replicas, hosts, parallelism; /* all at least 1 */
	bool start_first;
	double delay;
	double grace;   /* of each task */
	double lag;     /* a balancer sends requests so long after the stop signal */
	double shorter; /* taken from each stop, at most all of it */
	unsigned simulations;
	uint64_t seed;
	const struct fleet_samples *samples; /* at least one stop or one start */
};

/* The median, and the values that 5 % of the simulations are below and above. */
struct fleet_estimate {
	double median, low, high;
};

struct fleet_prediction {
	struct fleet_estimate update; /* the whole of it */
	struct fleet_estimate
		drain; /* every host, one after the other, in place of it */
	struct fleet_estimate longest_stop;
	struct fleet_estimate over_grace; /* stops that are longer than it: killed */
	struct fleet_estimate away; /* replicas that take no requests, on the average */
	/* Of all requests while the update goes on: the share that reaches a task after
	 * its stop signal. */
	struct fleet_estimate at_risk;
};

/* Pure: the same fleet gives the same prediction. */
struct fleet_prediction fleet_predict(const struct fleet *fleet);

#endif
