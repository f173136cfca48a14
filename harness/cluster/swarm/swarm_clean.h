/*
 * swarm_clean - removes from a swarm what runs that are over have left there: services,
 * overlay networks, and the drained state of nodes.
 */
#ifndef HARNESS_CLUSTER_SWARM_SWARM_CLEAN_H
#define HARNESS_CLUSTER_SWARM_SWARM_CLEAN_H

#include "harness/cluster/swarm/swarm.h"

/* As cluster_clean(). */
int swarm_clean(struct cluster *cluster, cluster_is_over_fn *is_over,
	cluster_said_fn *said, void *arg, struct err *err);

#endif
