#include "kube-fake/endpoints.h"

#include <string.h>

#include "kube-fake/pod_status.h"
#include "kube-fake/selector.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

static cJSON *endpoint(const struct object *pod)
{
	const cJSON *meta = json_get(pod->json, "metadata");
	bool leaving = json_get(meta, "deletionTimestamp") != NULL;
	bool serving = pod_status_is_ready(pod->json);
	cJSON *row = json_fill(NULL,
		"{'addresses': [%s], 'nodeName': %s, 'targetRef': {'kind': 'Pod', "
		"'namespace': %s, 'name': %s, 'uid': %s}, 'conditions': {}}",
		json_text(json_get(pod->json, "status"), "podIP"),
		json_text(json_get(pod->json, "spec"), "nodeName"), pod->namespace,
		pod->name, json_text(meta, "uid"));
	cJSON *conditions = cJSON_GetObjectItemCaseSensitive(row, "conditions");

	cJSON_AddBoolToObject(conditions, "ready", serving && !leaving);
	cJSON_AddBoolToObject(conditions, "serving", serving);
	cJSON_AddBoolToObject(conditions, "terminating", leaving);
	return row;
}

static bool belongs(const struct object *pod, const struct object *service)
{
	SCOPED(json_free) cJSON *selector = cJSON_CreateObject();
	const char *phase = json_text(json_get(pod->json, "status"), "phase");

	cJSON_AddItemToObject(selector, "matchLabels",
		cJSON_Duplicate(json_at(service->json, "spec.selector"), true));
	return !strcmp(pod->namespace, service->namespace) &&
		json_text(json_get(pod->json, "status"), "podIP") && phase &&
		strcmp(phase, "Failed") != 0 && strcmp(phase, "Succeeded") != 0 &&
		selector_object_matches(
			selector, json_at(pod->json, "metadata.labels"));
}

static cJSON *endpoints_of(const struct store *store, const struct object *service)
{
	cJSON *list = cJSON_CreateArray();
	const struct object *pod = NULL;

	while ((pod = store_next(store, &resources[RESOURCE_PODS], pod)))
		if (belongs(pod, service))
			cJSON_AddItemToArray(list, endpoint(pod));
	return list;
}

static cJSON *ports_of(const struct object *service)
{
	cJSON *list = cJSON_CreateArray();
	const cJSON *port;

	cJSON_ArrayForEach(port, json_at(service->json, "spec.ports")) {
		cJSON *row = json_fill(NULL, "{'name': '', 'protocol': 'TCP'}");

		if (cJSON_IsNumber(json_get(port, "targetPort")))
			cJSON_AddItemToObject(row, "port",
				cJSON_Duplicate(json_get(port, "targetPort"), true));
		cJSON_AddItemToArray(list, row);
	}
	return list;
}

static cJSON *new_slice(const struct object *service, const char *name)
{
	const cJSON *meta = json_get(service->json, "metadata");
	cJSON *slice = json_fill(NULL,
		"{'metadata': {'name': %s, 'namespace': %s, 'labels': "
		"{'kubernetes.io/service-name': %s, "
		"'endpointslice.kubernetes.io/managed-by': "
		"'endpointslice-controller.k8s.io'}, 'ownerReferences': [{'apiVersion': "
		"'v1', 'kind': 'Service', 'name': %s, 'uid': %s}]}, 'addressType': 'IPv4'}",
		name, service->namespace, service->name, service->name,
		json_text(meta, "uid"));

	cJSON_AddItemToObject(slice, "ports", ports_of(service));
	return slice;
}

static void reconcile_one(struct store *store, const struct object *service)
{
	const struct resource *resource = &resources[RESOURCE_ENDPOINTSLICES];
	SCOPED(mem_free) char *name = mem_textf("%s-slice", service->name);
	struct object *slice = store_find(store, resource, service->namespace, name);
	cJSON *json = slice ? object_draft(slice) : new_slice(service, name);

	cJSON_DeleteItemFromObjectCaseSensitive(json, "endpoints");
	cJSON_AddItemToObject(json, "endpoints", endpoints_of(store, service));
	if (slice)
		store_replace(store, slice, json);
	else
		store_add(store, resource, json);
}

/* Slices of services that are gone. */
static void collect(struct store *store)
{
	struct object *slice =
		store_next(store, &resources[RESOURCE_ENDPOINTSLICES], NULL);

	while (slice) {
		struct object *next =
			store_next(store, &resources[RESOURCE_ENDPOINTSLICES], slice);

		if (!store_find(store, &resources[RESOURCE_SERVICES], slice->namespace,
			    json_text(json_at(slice->json, "metadata.labels"),
				    "kubernetes.io/service-name")))
			store_delete(store, slice, 0);
		slice = next;
	}
}

void endpoints_reconcile(struct store *store)
{
	const struct object *service = NULL;

	collect(store);
	while ((service = store_next(store, &resources[RESOURCE_SERVICES], service)))
		if (json_at(service->json, "spec.selector"))
			reconcile_one(store, service);
}
