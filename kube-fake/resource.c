#include "kube-fake/resource.h"

#include <string.h>

#include "lib/mem.h"

const struct resource resources[RESOURCE_COUNT + 1] = {
	[RESOURCE_NAMESPACES] = {"", "v1", "namespaces", "namespace", "ns", "Namespace",
		.namespaced = false},
	[RESOURCE_NODES] = {"", "v1", "nodes", "node", "no", "Node",
		.namespaced = false},
	[RESOURCE_PODS] = {"", "v1", "pods", "pod", "po", "Pod", .namespaced = true,
		.subresources = {"eviction"}},
	[RESOURCE_SERVICES] = {"", "v1", "services", "service", "svc", "Service",
		.namespaced = true},
	[RESOURCE_EVENTS] = {"", "v1", "events", "event", "ev", "Event",
		.namespaced = true},
	[RESOURCE_DEPLOYMENTS] = {"apps", "v1", "deployments", "deployment", "deploy",
		"Deployment", .namespaced = true, .generations = true,
		.subresources = {"scale"}},
	[RESOURCE_REPLICASETS] = {"apps", "v1", "replicasets", "replicaset", "rs",
		"ReplicaSet", .namespaced = true, .generations = true},
	[RESOURCE_ENDPOINTSLICES] = {"discovery.k8s.io", "v1", "endpointslices",
		"endpointslice", NULL, "EndpointSlice", .namespaced = true},
	[RESOURCE_BUDGETS] = {"policy", "v1", "poddisruptionbudgets",
		"poddisruptionbudget", "pdb", "PodDisruptionBudget", .namespaced = true,
		.generations = true},
	[RESOURCE_COUNT] = {0},
};

const struct resource *resource_find(
	const char *group, const char *version, const char *plural)
{
	for (const struct resource *resource = resources; resource->plural; resource++)
		if (!strcmp(resource->group, group) &&
			!strcmp(resource->version, version) &&
			!strcmp(resource->plural, plural))
			return resource;
	return NULL;
}

char *resource_api_version(const struct resource *resource)
{
	return resource->group[0]
		? mem_textf("%s/%s", resource->group, resource->version)
		: mem_text(resource->version);
}
