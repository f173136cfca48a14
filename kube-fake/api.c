#include "kube-fake/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube-fake/answer.h"
#include "kube-fake/defaults.h"
#include "kube-fake/discovery.h"
#include "kube-fake/kubelet.h"
#include "kube-fake/patch.h"
#include "kube-fake/request.h"
#include "kube-fake/selector.h"
#include "kube-fake/subresources.h"
#include "kube-fake/watches.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

/* --- what is refused before anything is looked at --- */

static bool has_token(const struct kube_fake *fake, struct web_exchange *exchange)
{
	const char *header = web_header(exchange, "Authorization");
	SCOPED(mem_free) char *wanted = fake->behavior.token
		? mem_textf("Bearer %s", fake->behavior.token)
		: NULL;

	if (!wanted || (header && !strcmp(header, wanted)))
		return true;
	answer_status(exchange, 401, "Unauthorized", "Unauthorized");
	return false;
}

static bool is_served(struct kube_fake *fake, struct web_exchange *exchange)
{
	if (fake->behavior.throttled > 0) {
		fake->behavior.throttled--;
		web_add_header(exchange, "Retry-After", "1");
		answer_status(exchange, 429, "TooManyRequests",
			"the server has received too many requests and has asked us to try "
			"again later");
		return false;
	}
	if (fake->behavior.unavailable > 0) {
		fake->behavior.unavailable--;
		answer_status(exchange, 503, "ServiceUnavailable",
			"the server is currently unable to handle the request");
		return false;
	}
	return true;
}

static bool is_allowed(const struct kube_fake *fake, const struct kube_request *request,
	struct web_exchange *exchange)
{
	SCOPED(mem_free) char *asked = request->subresource
		? mem_textf("%s %s/%s", request->verb, request->resource->plural,
			  request->subresource)
		: mem_textf("%s %s", request->verb, request->resource->plural);
	SCOPED(mem_free) char *resource = answer_resource(request->resource);
	SCOPED(mem_free) char *where = request->namespace
		? mem_textf("in the namespace \"%s\"", request->namespace)
		: mem_text("at the cluster scope");

	if (!fake->behavior.forbidden || strcmp(asked, fake->behavior.forbidden) != 0)
		return true;
	answer_status(exchange, 403, "Forbidden",
		"%s is forbidden: User \"simulated\" cannot %s resource \"%s%s%s\" in API "
		"group \"%s\" %s",
		resource, request->verb, request->resource->plural,
		request->subresource ? "/" : "",
		request->subresource ? request->subresource : "",
		request->resource->group, where);
	return false;
}

/* --- reading --- */

static void answer_list(struct kube_fake *fake, const struct kube_request *request,
	struct web_exchange *exchange)
{
	const struct object *object = NULL;
	SCOPED(mem_free) char *api_version = resource_api_version(request->resource);
	SCOPED(mem_free) char *kind = mem_textf("%sList", request->resource->kind);
	SCOPED(mem_free) char *version =
		mem_textf("%lld", (long long)fake->store->version);
	cJSON *list = json_fill(NULL,
		"{'kind': %s, 'apiVersion': %s, 'metadata': {'resourceVersion': %s}}",
		kind, api_version, version);
	cJSON *items = cJSON_AddArrayToObject(list, "items");

	while ((object = store_next(fake->store, request->resource, object))) {
		if (request->namespace && strcmp(object->namespace, request->namespace))
			continue;
		if (selector_matches_labels(web_query(exchange, "labelSelector", 0),
			    json_at(object->json, "metadata.labels")) &&
			selector_matches_fields(
				web_query(exchange, "fieldSelector", 0), object->json))
			cJSON_AddItemToArray(
				items, cJSON_Duplicate(object->json, true));
	}
	answer_json(exchange, 200, list);
}

/* NULL: there is none, and that was answered. */
static struct object *find_or_answer(struct kube_fake *fake,
	const struct kube_request *request, struct web_exchange *exchange)
{
	struct object *object = store_find(fake->store, request->resource,
		request->namespace ? request->namespace : "", request->name);
	SCOPED(mem_free) char *resource = answer_resource(request->resource);

	if (!object)
		answer_status(exchange, 404, "NotFound", "%s \"%s\" not found",
			resource, request->name);
	return object;
}

/* --- writing --- */

static void create(struct kube_fake *fake, const struct kube_request *request,
	struct web_exchange *exchange, cJSON *json)
{
	SCOPED(mem_free) char *resource = answer_resource(request->resource);
	cJSON *meta = cJSON_GetObjectItemCaseSensitive(json, "metadata");
	struct object *object;
	struct err err;

	if (request->namespace && meta && !json_text(meta, "namespace"))
		cJSON_AddStringToObject(meta, "namespace", request->namespace);
	if (request->namespace &&
		!store_find(fake->store, &resources[RESOURCE_NAMESPACES], "",
			request->namespace)) {
		answer_status(exchange, 404, "NotFound", "namespaces \"%s\" not found",
			request->namespace);
	} else if (!defaults_fill(fake->store, request->resource, json, &err)) {
		answer_status(exchange, 422, "Invalid", "%s \"%s\" is invalid: %s",
			request->resource->kind,
			json_text(meta, "name") ? json_text(meta, "name") : "",
			err.text);
	} else if (store_find(fake->store, request->resource,
			   request->namespace ? request->namespace : "",
			   json_text(json_get(json, "metadata"), "name"))) {
		answer_status(exchange, 409, "AlreadyExists",
			"%s \"%s\" already exists", resource,
			json_text(json_get(json, "metadata"), "name"));
	} else {
		object = store_add(
			fake->store, request->resource, cJSON_Duplicate(json, true));
		answer_json(exchange, 201, object_draft(object));
	}
}

/* Takes draft. */
static void replace(struct kube_fake *fake, struct object *object,
	struct web_exchange *exchange, cJSON *draft)
{
	cJSON *answer = cJSON_Duplicate(draft, true);

	if (store_replace(fake->store, object, draft)) {
		cJSON_Delete(answer);
		answer = object_draft(object);
	}
	answer_json(exchange, 200, answer);
}

static void update(struct kube_fake *fake, struct object *object,
	struct web_exchange *exchange, const cJSON *json)
{
	const char *said = json_text(json_get(json, "metadata"), "resourceVersion");
	const char *have =
		json_text(json_get(object->json, "metadata"), "resourceVersion");

	if (said && strcmp(said, have) != 0)
		answer_status(exchange, 409, "Conflict",
			"Operation cannot be fulfilled on %s \"%s\": the object has been "
			"modified; please apply your changes to the latest version and "
			"try again",
			object->resource->plural, object->name);
	else
		replace(fake, object, exchange, cJSON_Duplicate(json, true));
}

static void patch(struct kube_fake *fake, struct object *object,
	struct web_exchange *exchange, const cJSON *json)
{
	cJSON *draft = object_draft(object);
	struct err err;

	if (patch_apply(draft, web_header(exchange, "Content-Type"), json, &err)) {
		replace(fake, object, exchange, draft);
		return;
	}
	cJSON_Delete(draft);
	answer_status(exchange, 422, "Invalid",
		"the server rejected our request due to "
		"an error in our request: %s",
		err.text);
}

/* Pods get the grace of the request, or their own; what else there is goes at once. */
void api_delete(struct kube_fake *fake, struct object *object,
	struct web_exchange *exchange, const cJSON *options)
{
	const char *uid = json_text(json_get(options, "preconditions"), "uid");
	const char *query = web_query(exchange, "gracePeriodSeconds", 0);
	int64_t grace_s = 0;

	if (uid && strcmp(uid, json_text(json_get(object->json, "metadata"), "uid"))) {
		answer_status(exchange, 409, "Conflict",
			"the UID in the precondition (%s) does not match", uid);
		return;
	}
	if (object->resource == &resources[RESOURCE_PODS]) {
		grace_s = json_int(json_get(object->json, "spec"),
			"terminationGracePeriodSeconds", 30);
		grace_s = json_int(options, "gracePeriodSeconds",
			query ? strtoll(query, NULL, 10) : grace_s);
	}
	store_delete(fake->store, object, grace_s);
	answer_json(exchange, 200, status_json(200, "", ""));
}

static void handle_object(struct kube_fake *fake, const struct kube_request *request,
	struct web_exchange *exchange, cJSON *json)
{
	struct object *object = find_or_answer(fake, request, exchange);

	if (!object)
		return;
	if (request->subresource && strcmp(request->subresource, "status") != 0)
		subresources_handle(fake, request, object, exchange, json);
	else if (!strcmp(request->verb, "get"))
		answer_json(exchange, 200, object_draft(object));
	else if (!strcmp(request->verb, "update"))
		update(fake, object, exchange, json);
	else if (!strcmp(request->verb, "patch"))
		patch(fake, object, exchange, json);
	else if (!strcmp(request->verb, "delete"))
		api_delete(fake, object, exchange, json);
	else
		answer_status(exchange, 405, "MethodNotAllowed",
			"the server does not allow this method on the requested resource");
}

static bool writes(const char *verb)
{
	return !strcmp(verb, "create") || !strcmp(verb, "update") ||
		!strcmp(verb, "patch");
}

static bool is_protobuf(const struct web_exchange *exchange)
{
	const char *type = web_header(exchange, "Content-Type");

	return type && strstr(type, "protobuf") && exchange->body.len > 0;
}

static void handle_request(struct kube_fake *fake, const struct kube_request *request,
	struct web_exchange *exchange)
{
	SCOPED(json_free) cJSON *json =
		json_parse(buf_text(&exchange->body), exchange->body.len);

	if (is_protobuf(exchange))
		answer_status(exchange, 415, "UnsupportedMediaType",
			"the body of the request was in an unknown format - accepted media "
			"types include: application/json");
	else if (writes(request->verb) && !cJSON_IsObject(json) && !cJSON_IsArray(json))
		answer_status(exchange, 400, "BadRequest", "the body is no JSON");
	else if (!strcmp(request->verb, "watch"))
		watches_begin(
			fake->watches, exchange, request->resource, request->namespace);
	else if (request->name)
		handle_object(fake, request, exchange, json);
	else if (!strcmp(request->verb, "list"))
		answer_list(fake, request, exchange);
	else if (!strcmp(request->verb, "create"))
		create(fake, request, exchange, json);
	else
		answer_status(exchange, 405, "MethodNotAllowed",
			"the server does not allow this method on the requested resource");
}

/* PUT /control/behavior changes what its body names. */
static void handle_control(struct kube_fake *fake, struct web_exchange *exchange)
{
	struct json_doc doc;
	struct err err;
	bool ok = json_doc_parse(
		&doc, "body", buf_text(&exchange->body), exchange->body.len, &err);

	if (ok) {
		ok = fields_read(kube_behavior_fields, &fake->behavior, &doc, doc.root,
			"", &err);
		json_doc_done(&doc);
	}
	if (!ok) {
		answer_status(exchange, 400, "BadRequest", "%s", err.text);
		return;
	}
	if (fake->behavior.compacted)
		store_compact(fake->store);
	fake->behavior.compacted = false;
	kubelet_look_at_nodes(fake->kubelet);
	answer_json(exchange, 200, cJSON_CreateObject());
}

void api_handle(void *arg, struct web_exchange *exchange)
{
	struct kube_fake *fake = arg;
	struct kube_request request;

	if (!strcmp(exchange->path, "/control/behavior")) {
		handle_control(fake, exchange);
		return;
	}
	if (!has_token(fake, exchange) || !is_served(fake, exchange) ||
		discovery_handle(exchange))
		return;
	if (!request_parse(&request, exchange)) {
		answer_status(exchange, 404, "NotFound",
			"the server could not find the requested resource");
		return;
	}
	if (is_allowed(fake, &request, exchange))
		handle_request(fake, &request, exchange);
	request_done(&request);
}

void api_over(void *arg, struct web_exchange *exchange, enum web_end end UNUSED)
{
	watches_over(((struct kube_fake *)arg)->watches, exchange);
}
