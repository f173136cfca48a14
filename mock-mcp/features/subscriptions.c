#include "mock-mcp/features/subscriptions.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

#define URI_MAX 4096

/* In the order of enum subscription_list. */
static const struct list_kind {
	const char *filter; /* its member of a filter */
	const char *changed;
} list_kinds[] = {
	{"toolsListChanged", "notifications/tools/list_changed"},
	{"promptsListChanged", "notifications/prompts/list_changed"},
	{"resourcesListChanged", "notifications/resources/list_changed"},
};

/* What a listener wants to know. */
struct filter {
	bool lists[COUNT(list_kinds)];
	struct strlist uris;
};

static int find(const struct strlist *list, const char *text)
{
	for (unsigned i = 0; i < list->count; i++)
		if (!strcmp(list->item[i], text))
			return (int)i;
	return -1;
}

static const char *read_uri(struct call *call, const cJSON *params)
{
	const char *uri = json_text(params, "uri");

	if (uri && strlen(uri) <= URI_MAX)
		return uri;
	call_refuse(call, JSONRPC_INVALID_PARAMS,
		"expected params.uri (a string of at most 4096 bytes)", NULL);
	return NULL;
}

void subscriptions_add(struct call *call, const cJSON *params)
{
	struct strlist *uris = &call->peer->subscriptions;
	const char *uri = read_uri(call, params);

	if (!uri)
		return;
	if (find(uris, uri) < 0 && uris->count >= PEER_SUBSCRIPTIONS_MAX) {
		call_refuse(
			call, JSONRPC_INTERNAL_ERROR, "too many subscriptions", NULL);
		return;
	}
	if (find(uris, uri) < 0)
		strlist_add(uris, "%s", uri);
	call_answer(call, cJSON_CreateObject());
}

void subscriptions_remove(struct call *call, const cJSON *params)
{
	struct strlist *uris = &call->peer->subscriptions;
	const char *uri = read_uri(call, params);
	int i = uri ? find(uris, uri) : -1;

	if (!uri)
		return;
	if (i >= 0) {
		free(uris->item[i]);
		uris->item[i] = uris->item[--uris->count];
	}
	call_answer(call, cJSON_CreateObject());
}

/* A listener */

static void filter_done(void *arg)
{
	struct filter *filter = arg;

	strlist_done(&filter->uris);
	free(filter);
}

static struct filter *read_filter(const cJSON *node)
{
	const cJSON *uris = json_get(node, "resourceSubscriptions"), *uri;
	struct filter *filter;

	if (!cJSON_IsObject(node) || (uris && !cJSON_IsArray(uris)))
		return NULL;
	filter = mem_zeroed(sizeof *filter);
	for (unsigned i = 0; i < COUNT(list_kinds); i++)
		filter->lists[i] = json_bool(node, list_kinds[i].filter, false);
	cJSON_ArrayForEach(uri, uris)
		if (cJSON_IsString(uri) && strlen(uri->valuestring) <= URI_MAX &&
			filter->uris.count < PEER_SUBSCRIPTIONS_MAX)
			strlist_add(&filter->uris, "%s", uri->valuestring);
	return filter;
}

/* Adds the id of the listener, which is that of its request. Gives params. */
static cJSON *tag(const struct call *call, cJSON *params)
{
	cJSON *meta = cJSON_AddObjectToObject(params, "_meta");

	cJSON_AddRawToObject(meta, PROTOCOL_META "subscriptionId", call->id);
	return params;
}

static cJSON *honored(const struct filter *filter)
{
	cJSON *node = cJSON_CreateObject(), *uris;

	for (unsigned i = 0; i < COUNT(list_kinds); i++)
		if (filter->lists[i])
			cJSON_AddTrueToObject(node, list_kinds[i].filter);
	if (filter->uris.count == 0)
		return node;
	uris = cJSON_AddArrayToObject(node, "resourceSubscriptions");
	for (unsigned i = 0; i < filter->uris.count; i++)
		cJSON_AddItemToArray(uris, cJSON_CreateString(filter->uris.item[i]));
	return node;
}

void subscriptions_listen(struct call *call, const cJSON *params)
{
	struct filter *filter = read_filter(json_get(params, "notifications"));
	cJSON *first;

	if (!filter) {
		call_refuse(call, JSONRPC_INVALID_PARAMS,
			"Invalid params: 'notifications' is required and must be a "
			"valid SubscriptionFilter",
			NULL);
		return;
	}
	call->filter = filter;
	call->filter_done = filter_done;
	first = cJSON_CreateObject();
	cJSON_AddItemToObject(first, "notifications", honored(filter));
	call_notify(call, "notifications/subscriptions/acknowledged", tag(call, first));
}

/* Changes */

void subscriptions_list_changed(struct peers *peers, enum subscription_list list)
{
	const struct list_kind *kind = &list_kinds[list];
	struct peer *peer;
	struct call *call;

	DL_FOREACH(peers->first, peer) {
		if (peer->version && peer->initialized)
			peer_notify(peer, kind->changed, cJSON_CreateObject());
		DL_FOREACH(peer->calls, call) {
			const struct filter *filter = call->filter;

			if (filter && filter->lists[list])
				call_notify(call, kind->changed,
					tag(call, cJSON_CreateObject()));
		}
	}
}

void subscriptions_updated(struct peers *peers, const char *uri)
{
	static const char updated[] = "notifications/resources/updated";
	struct peer *peer;
	struct call *call;

	DL_FOREACH(peers->first, peer) {
		if (find(&peer->subscriptions, uri) >= 0)
			peer_notify(peer, updated, json_fill(NULL, "{'uri': %s}", uri));
		DL_FOREACH(peer->calls, call) {
			const struct filter *filter = call->filter;

			if (filter && find(&filter->uris, uri) >= 0)
				call_notify(call, updated,
					tag(call, json_fill(NULL, "{'uri': %s}", uri)));
		}
	}
}

void subscriptions_end(struct peer *peer)
{
	struct call *call, *next;

	DL_FOREACH_SAFE(peer->calls, call, next) {
		if (call->filter)
			call_answer(call, tag(call, cJSON_CreateObject()));
	}
}
