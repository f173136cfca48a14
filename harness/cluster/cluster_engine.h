/*
 * cluster_engine - an orchestrator as an engine of engines.def: what a campaign asks of an
 * engine before and after its cases. Its cases are rollouts, which use the cluster itself.
 */
#ifndef HARNESS_CLUSTER_CLUSTER_ENGINE_H
#define HARNESS_CLUSTER_CLUSTER_ENGINE_H

#include "harness/cluster/cluster.h"
#include "harness/engine/engine.h"

/* The cluster of an engine whose kind has `rollouts`. Borrowed. */
struct cluster *cluster_of_engine(const struct engine *engine);

#endif
