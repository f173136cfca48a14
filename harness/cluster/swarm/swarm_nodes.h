/*
 * swarm_nodes - the nodes of a swarm, and their availability.
 */
#ifndef HARNESS_CLUSTER_SWARM_SWARM_NODES_H
#define HARNESS_CLUSTER_SWARM_SWARM_NODES_H

#include "harness/cluster/swarm/swarm.h"

/* nodes: the answer of GET /nodes. Makes cluster's nodes anew. */
void swarm_nodes_read(struct cluster *cluster, const cJSON *nodes);
/* The same, but of nodes that are known, and only what may change. True: it did. */
bool swarm_nodes_note(struct cluster *cluster, const cJSON *nodes);

/* Asks for them. */
bool swarm_nodes_refresh(struct swarm *swarm, struct err *err) MUST_CHECK;

/* By name or id. A drained node gets the run's labels and what it was before. */
bool swarm_node_drain(
	struct swarm *swarm, const char *name, struct err *err) MUST_CHECK;
/* What it was before, without those labels; "active" of a node that others drained. */
bool swarm_node_activate(
	struct swarm *swarm, const char *name, struct err *err) MUST_CHECK;

#endif
