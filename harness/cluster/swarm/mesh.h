/*
 * mesh - can a port be published on Swarm's routing mesh? That needs IPVS in the kernel of
 * every node. Without it tasks run, and no connection to the port is accepted; Swarm says
 * nothing of it but in the daemon's log.
 */
#ifndef HARNESS_CLUSTER_SWARM_MESH_H
#define HARNESS_CLUSTER_SWARM_MESH_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/err.h"

/* False with err, which names the cure: the manager runs on this machine's kernel, which
 * has no IPVS. info: its answer to /info. Of another kernel nothing is known: true. */
bool mesh_is_possible(const cJSON *info, struct err *err);

#endif
