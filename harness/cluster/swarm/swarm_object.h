/*
 * swarm_object - a service or a node as Swarm keeps it: a specification and its version.
 *
 * A change sends the whole specification back, with the version that it was read at; Swarm
 * refuses it when somebody else, itself included, has changed the object since. What is not
 * to be changed goes back as it came, with all digits of its numbers.
 */
#ifndef HARNESS_CLUSTER_SWARM_SWARM_OBJECT_H
#define HARNESS_CLUSTER_SWARM_SWARM_OBJECT_H

#include "harness/cluster/swarm/swarm.h"
#include "lib/json.h"

struct swarm_object {
	struct json_doc doc; /* as it was answered */
	int64_t version;
	cJSON *spec; /* a copy to change and send */
};

/* Reads the answer of GET /services/ID or /nodes/ID. */
bool swarm_object_read(
	struct swarm_object *object, const char *text, struct err *err) MUST_CHECK;
void swarm_object_done(struct swarm_object *object);

/* Changes object->spec; false with err: it is not to be sent. */
typedef bool swarm_change_fn(
	struct swarm_object *object, const void *arg, struct err *err);

/* Asks for path ("/services/ID"), changes it and sends it; again when the version was
 * outdated. */
bool swarm_object_change(struct swarm *swarm, const char *path, swarm_change_fn *change,
	const void *arg, struct err *err) MUST_CHECK;

#endif
