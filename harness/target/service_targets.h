/*
 * service_targets - the containers of a service of Docker Swarm that run on the manager's
 * own node, as targets, and what is known of the service itself.
 */
#ifndef HARNESS_TARGET_SERVICE_TARGETS_H
#define HARNESS_TARGET_SERVICE_TARGETS_H

#include "harness/cluster/cluster.h"
#include "harness/target/targets.h"
#include "lib/buf.h"

struct service_targets {
	struct cluster *cluster; /* the service was found in it */
	unsigned tasks;          /* that run, on all nodes */
	unsigned here;           /* of these on the manager's node */
	struct buf elsewhere;    /* "web.2 on n2 (10.99.2.3), web.4 on n2 (10.99.2.3)" */
	/* Of the slot with most ends that nobody had asked for, the last; NULL: none. */
	const struct cluster_task *failing;
	unsigned failures; /* of that slot, as far as they are still listed */
	bool own_grace;          /* its grace was taken, for none was asked for */
	cJSON *container; /* "Config" of the first one here; NULL: there is none */
};

/* Finds the service, and names its containers to targets, which is not open yet, with the
 * service's grace where none was asked for. service is zeroed before. Turns the loop. */
bool service_targets_name(struct service_targets *service, struct targets *targets,
	const char *name, struct err *err) MUST_CHECK;
/* Once targets is open: asks its engine for the first container. */
void service_targets_describe(
	struct service_targets *service, const struct targets *targets);
/* Before targets is closed, whose loop it uses. */
void service_targets_done(struct service_targets *service);

#endif
