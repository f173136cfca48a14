#include "kube-fake/subresources.h"

#include <stdlib.h>
#include <string.h>

#include "kube-fake/answer.h"
#include "kube-fake/api.h"
#include "kube-fake/patch.h"
#include "kube-fake/pod_status.h"
#include "kube-fake/selector.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

/* --- scale --- */

static cJSON *scale_json(const struct object *object)
{
	const cJSON *meta = json_get(object->json, "metadata"), *item;
	SCOPED(buf_done) struct buf selector = {0};
	cJSON *scale, *spec, *status;

	cJSON_ArrayForEach(item, json_at(object->json, "spec.selector.matchLabels"))
		buf_addf(&selector, "%s%s=%s", selector.len > 0 ? "," : "",
			item->string, item->valuestring);
	scale = json_fill(NULL,
		"{'kind': 'Scale', 'apiVersion': 'autoscaling/v1', 'metadata': {'name': "
		"%s, 'namespace': %s, 'uid': %s, 'resourceVersion': %s, "
		"'creationTimestamp': %s}, 'spec': {}, 'status': {'selector': %s}}",
		object->name, object->namespace, json_text(meta, "uid"),
		json_text(meta, "resourceVersion"),
		json_text(meta, "creationTimestamp"), buf_text(&selector));
	spec = cJSON_GetObjectItemCaseSensitive(scale, "spec");
	status = cJSON_GetObjectItemCaseSensitive(scale, "status");
	json_add_int(spec, "replicas",
		json_int(json_get(object->json, "spec"), "replicas", 1));
	json_add_int(status, "replicas",
		json_int(json_get(object->json, "status"), "replicas", 0));
	return scale;
}

/* Takes scale. */
static void write_scale(struct kube_fake *fake, struct object *object,
	struct web_exchange *exchange, cJSON *scale)
{
	cJSON *draft = object_draft(object);
	cJSON *spec = cJSON_GetObjectItemCaseSensitive(draft, "spec");

	cJSON_DeleteItemFromObjectCaseSensitive(spec, "replicas");
	json_add_int(
		spec, "replicas", json_int(json_get(scale, "spec"), "replicas", 0));
	cJSON_Delete(scale);
	store_replace(fake->store, object, draft);
	answer_json(exchange, 200, scale_json(object));
}

static void handle_scale(struct kube_fake *fake, const struct kube_request *request,
	struct object *object, struct web_exchange *exchange, const cJSON *json)
{
	cJSON *scale = scale_json(object);
	struct err err;

	if (!strcmp(request->verb, "get")) {
		answer_json(exchange, 200, scale);
	} else if (!strcmp(request->verb, "update")) {
		cJSON_Delete(scale);
		write_scale(fake, object, exchange, cJSON_Duplicate(json, true));
	} else if (patch_apply(
			   scale, web_header(exchange, "Content-Type"), json, &err)) {
		write_scale(fake, object, exchange, scale);
	} else {
		cJSON_Delete(scale);
		answer_status(exchange, 422, "Invalid", "%s", err.text);
	}
}

/* --- eviction --- */

/* Pods that a budget counts, and those of them that are healthy. */
static int64_t healthy_pods(
	const struct store *store, const struct object *budget, int64_t *all)
{
	const struct object *pod = NULL;
	int64_t healthy = 0;

	*all = 0;
	while ((pod = store_next(store, &resources[RESOURCE_PODS], pod))) {
		if (strcmp(pod->namespace, budget->namespace) != 0 ||
			json_at(pod->json, "metadata.deletionTimestamp") ||
			!selector_object_matches(json_at(budget->json, "spec.selector"),
				json_at(pod->json, "metadata.labels")))
			continue;
		++*all;
		healthy += pod_status_is_ready(pod->json);
	}
	return healthy;
}

/* May one more of its pods go? */
static bool budget_allows(const struct store *store, const struct object *budget)
{
	const cJSON *spec = json_get(budget->json, "spec");
	int64_t all, healthy = healthy_pods(store, budget, &all);
	int64_t least = json_int(spec, "minAvailable", 0);

	if (json_get(spec, "maxUnavailable"))
		least = all - json_int(spec, "maxUnavailable", 0);
	return healthy - 1 >= least;
}

static const struct object *forbidding_budget(
	const struct store *store, const struct object *pod)
{
	const struct object *budget = NULL;

	while ((budget = store_next(store, &resources[RESOURCE_BUDGETS], budget)))
		if (!strcmp(budget->namespace, pod->namespace) &&
			selector_object_matches(json_at(budget->json, "spec.selector"),
				json_at(pod->json, "metadata.labels")) &&
			!budget_allows(store, budget))
			return budget;
	return NULL;
}

static void evict(struct kube_fake *fake, struct object *pod,
	struct web_exchange *exchange, const cJSON *json)
{
	const struct object *budget = forbidding_budget(fake->store, pod);
	SCOPED(mem_free) char *message = NULL;
	cJSON *status;

	if (!budget || json_at(pod->json, "metadata.deletionTimestamp")) {
		api_delete(fake, pod, exchange, json_get(json, "deleteOptions"));
		return;
	}
	message = mem_textf(
		"The disruption budget %s does not allow it now", budget->name);
	status = status_json(429, "TooManyRequests",
		"Cannot evict pod as it would violate the pod's disruption budget.");
	cJSON_AddItemToObject(status, "details",
		json_fill(NULL,
			"{'causes': [{'reason': 'DisruptionBudget', 'message': %s}]}",
			message));
	answer_json(exchange, 429, status);
}

void subresources_handle(struct kube_fake *fake, const struct kube_request *request,
	struct object *object, struct web_exchange *exchange, const cJSON *json)
{
	const char *name = request->subresource;

	if (!strcmp(name, "scale") &&
		object->resource == &resources[RESOURCE_DEPLOYMENTS])
		handle_scale(fake, request, object, exchange, json);
	else if (!strcmp(name, "eviction") &&
		object->resource == &resources[RESOURCE_PODS] &&
		!strcmp(request->verb, "create"))
		evict(fake, object, exchange, json);
	else
		answer_status(exchange, 404, "NotFound",
			"the server could not find the requested resource");
}
