/*
 * swarm_service - the JSON of a service of Swarm, in both directions.
 */
#ifndef HARNESS_CLUSTER_SWARM_SWARM_SERVICE_H
#define HARNESS_CLUSTER_SWARM_SWARM_SERVICE_H

#include "harness/cluster/cluster.h"

/* The body of POST /services/create; the caller's. image_id: "sha256:...", by which no node
 * asks a registry. network_id: of an overlay network to attach it to, or NULL. labels: of
 * the service and of its containers. All borrowed. */
cJSON *swarm_service_spec(const struct cluster_spec *spec, const char *image_id,
	const char *network_id, const cJSON *labels);

/* Changes of a specification, in place. Every task is replaced, though nothing else
 * changes: `docker service update --force`. */
void swarm_service_force(cJSON *spec);
/* False: a global service has as many tasks as there are nodes. */
bool swarm_service_scale(cJSON *spec, unsigned replicas, struct err *err) MUST_CHECK;

/* What a specification says, into cluster's replicas, grace_ns and stop_signal. */
void swarm_service_note(struct cluster *cluster, const cJSON *spec);
bool swarm_service_is_global(const cJSON *spec);

/* The port of the mesh, which every node has; 0: none. service: the answer of
 * GET /services/ID. */
unsigned swarm_service_mesh_port(const cJSON *service);

/* "UpdateStatus" of a service. Swarm drops it when the service is changed. */
enum swarm_update {
	SWARM_UPDATE_NONE,      /* none has begun since the last change */
	SWARM_UPDATE_GOING,     /* under way */
	SWARM_UPDATE_COMPLETED, /* every task was replaced */
	SWARM_UPDATE_GIVEN_UP,  /* paused or rolled back: a new task failed */
};

enum swarm_update swarm_service_update(const cJSON *service);
/* Swarm's words for it; NULL: it says nothing. Borrowed. */
const char *swarm_service_update_message(const cJSON *service);

#endif
