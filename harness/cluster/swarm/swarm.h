/*
 * swarm - what the parts of the Docker Swarm cluster share. Private to this folder.
 */
#ifndef HARNESS_CLUSTER_SWARM_SWARM_H
#define HARNESS_CLUSTER_SWARM_SWARM_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/cluster/cluster.h"
#include "harness/engine/docker/api.h"

/* Beside the run's labels on a node that it drained: what the node's availability was. */
#define SWARM_AVAILABILITY_LABEL "stopbench.availability"

struct swarm_watch;

struct swarm {
	struct cluster cluster;
	struct docker_api *api; /* of a manager */
	cJSON *info;            /* what /info answered */
	cJSON *labels;          /* of all that this run creates */
	char *service_id;       /* NULL: neither deployed nor found */
	char *network_id; /* of the overlay network that this run created, or NULL */
	struct swarm_watch *watch;
	int64_t acted_ns; /* CLOCK_MONOTONIC: Swarm took the last action */
	bool updating;    /* that was an update */
	bool removed;     /* the service is no more; its tasks may be */
	bool mending;     /* calls go on when interrupted: they undo what the run did */
};

/* A call to the manager. While the swarm has no leader, or nobody listens at its address,
 * it is asked again, within CLUSTER_CALL_NS. */
bool swarm_call(struct swarm *swarm, const struct docker_call *call,
	struct err *err) MUST_CHECK;

#endif
