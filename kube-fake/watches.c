#include "kube-fake/watches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "kube-fake/answer.h"
#include "kube-fake/selector.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

struct watch {
	struct watches *all;
	struct watch *prev, *next;
	struct web_exchange *exchange;
	const struct resource *resource;
	char *namespace; /* NULL: all */
	char *labels, *fields;
	bool bookmarks;
	struct loop_timer *bookmark, *end;
};

struct watches {
	struct kube_fake *fake;
	struct watch *list;
};

struct watches *watches_create(struct kube_fake *fake)
{
	struct watches *watches = mem_zeroed(sizeof *watches);

	watches->fake = fake;
	return watches;
}

static void watch_free(struct watch *watch)
{
	DL_DELETE(watch->all->list, watch);
	loop_timer_destroy(watch->bookmark);
	loop_timer_destroy(watch->end);
	free(watch->namespace);
	free(watch->labels);
	free(watch->fields);
	free(watch);
}

void watches_destroy(struct watches *watches)
{
	while (watches && watches->list)
		watch_free(watches->list);
	free(watches);
}

void watches_over(struct watches *watches, struct web_exchange *exchange)
{
	struct watch *watch, *next;

	DL_FOREACH_SAFE(watches->list, watch, next)
		if (watch->exchange == exchange)
			watch_free(watch);
}

/* --- what a watch sees --- */

/* Borrows object. */
static void send_event(struct watch *watch, const char *type, const cJSON *object)
{
	SCOPED(mem_free) char *text = json_print(object);
	SCOPED(mem_free) char *line =
		mem_textf("{\"type\":\"%s\",\"object\":%s}\n", type, text);

	web_stream_add(watch->exchange, line, strlen(line));
}

static bool sees(const struct watch *watch, const cJSON *object)
{
	const cJSON *meta = json_get(object, "metadata");
	const char *namespace = json_text(meta, "namespace");

	return object &&
		(!watch->namespace ||
			(namespace && !strcmp(namespace, watch->namespace))) &&
		selector_matches_labels(watch->labels, json_get(meta, "labels")) &&
		selector_matches_fields(watch->fields, object);
}

static void tell(struct watch *watch, const struct change *change)
{
	bool now, before;

	if (change->resource != watch->resource)
		return;
	now = sees(watch, change->now);
	before = sees(watch, change->before);
	if (now)
		send_event(watch, before ? "MODIFIED" : "ADDED", change->now);
	else if (before)
		send_event(
			watch, "DELETED", change->now ? change->now : change->before);
}

void watches_tell(struct watches *watches, const struct change *change)
{
	struct watch *watch;

	DL_FOREACH(watches->list, watch)
		tell(watch, change);
}

static void send_bookmark(struct watch *watch, bool is_initial_end)
{
	SCOPED(mem_free) char *api_version = resource_api_version(watch->resource);
	SCOPED(mem_free) char *version =
		mem_textf("%lld", (long long)watch->all->fake->store->version);
	SCOPED(json_free) cJSON *object = json_fill(NULL,
		"{'kind': %s, 'apiVersion': %s, 'metadata': {'resourceVersion': %s}}",
		watch->resource->kind, api_version, version);

	if (is_initial_end)
		json_fill(cJSON_GetObjectItemCaseSensitive(object, "metadata"),
			"{'annotations': {'k8s.io/initial-events-end': 'true'}}");
	send_event(watch, "BOOKMARK", object);
}

static void on_bookmark(void *arg)
{
	struct watch *watch = arg;

	send_bookmark(watch, false);
	loop_timer_set(watch->bookmark, watch->all->fake->behavior.bookmark_ns);
}

static void on_end(void *arg)
{
	web_stream_end(((struct watch *)arg)->exchange);
}

/* --- its beginning --- */

static void send_all(struct watch *watch)
{
	const struct store *store = watch->all->fake->store;
	const struct object *object = NULL;

	while ((object = store_next(store, watch->resource, object)))
		if (sees(watch, object->json))
			send_event(watch, "ADDED", object->json);
}

static void send_since(struct watch *watch, int64_t version)
{
	const struct store *store = watch->all->fake->store;

	for (version++; version <= store->version; version++)
		tell(watch, &store->journal[version % STORE_JOURNAL]);
}

static bool is_true(const struct web_exchange *exchange, const char *name)
{
	const char *value = web_query(exchange, name, 0);

	return value && (!strcmp(value, "true") || !strcmp(value, "1"));
}

static int64_t bound(const struct watch *watch)
{
	const char *seconds = web_query(watch->exchange, "timeoutSeconds", 0);
	int64_t most = watch->all->fake->behavior.watch_ns;
	int64_t asked = seconds ? strtoll(seconds, NULL, 10) * INT64_C(1000000000) : 0;

	return asked > 0 && asked < most ? asked : most;
}

static void send_gone(struct watch *watch, int64_t version)
{
	SCOPED(mem_free) char *message =
		mem_textf("too old resource version: %lld (%lld)", (long long)version,
			(long long)watch->all->fake->store->forgotten);
	SCOPED(json_free) cJSON *status = status_json(410, "Expired", message);

	send_event(watch, "ERROR", status);
	web_stream_end(watch->exchange);
}

static void begin(struct watch *watch)
{
	const struct kube_fake *fake = watch->all->fake;
	const char *said = web_query(watch->exchange, "resourceVersion", 0);
	int64_t version = said ? strtoll(said, NULL, 10) : 0;
	bool initial = is_true(watch->exchange, "sendInitialEvents");

	web_stream_begin(watch->exchange, 200, "application/json");
	watch->bookmarks = is_true(watch->exchange, "allowWatchBookmarks");
	if (version > 0 && !initial && version < fake->store->forgotten) {
		send_gone(watch, version);
		return;
	}
	if (version == 0 || initial)
		send_all(watch);
	else
		send_since(watch, version);
	if (initial)
		send_bookmark(watch, true);
	if (watch->bookmarks)
		loop_timer_set(watch->bookmark, fake->behavior.bookmark_ns);
	loop_timer_set(watch->end, bound(watch));
}

static char *copy_query(const struct web_exchange *exchange, const char *name)
{
	return mem_text(web_query(exchange, name, 0));
}

void watches_begin(struct watches *watches, struct web_exchange *exchange,
	const struct resource *resource, const char *namespace)
{
	struct watch *watch = mem_zeroed(sizeof *watch);

	watch->all = watches;
	watch->exchange = exchange;
	watch->resource = resource;
	watch->namespace = mem_text(namespace);
	watch->labels = copy_query(exchange, "labelSelector");
	watch->fields = copy_query(exchange, "fieldSelector");
	watch->bookmark = loop_timer_create(watches->fake->loop, on_bookmark, watch);
	watch->end = loop_timer_create(watches->fake->loop, on_end, watch);
	DL_APPEND(watches->list, watch);
	begin(watch);
}
