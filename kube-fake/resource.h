/*
 * resource - the resources of Kubernetes' API that are served, one row each.
 */
#ifndef KUBE_FAKE_RESOURCE_H
#define KUBE_FAKE_RESOURCE_H

#include <stdbool.h>

#include "lib/cc.h"

struct resource {
	const char *group; /* "": the core group */
	const char *version;
	const char *plural; /* NULL ends the table */
	const char *singular;
	const char *short_name;
	const char *kind;
	bool namespaced;
	bool generations; /* metadata.generation counts changes of the spec */
	const char *subresources[3];
};

enum resource_id {
	RESOURCE_NAMESPACES,
	RESOURCE_NODES,
	RESOURCE_PODS,
	RESOURCE_SERVICES,
	RESOURCE_EVENTS,
	RESOURCE_DEPLOYMENTS,
	RESOURCE_REPLICASETS,
	RESOURCE_ENDPOINTSLICES,
	RESOURCE_BUDGETS,
	RESOURCE_COUNT,
};

extern const struct resource resources[RESOURCE_COUNT + 1];

/* NULL: there is none. */
const struct resource *resource_find(
	const char *group, const char *version, const char *plural);

/* "apps/v1", "v1"; the caller's. */
char *resource_api_version(const struct resource *resource) MUST_CHECK;

#endif
