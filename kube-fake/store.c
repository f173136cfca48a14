#include "kube-fake/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <utlist.h>

#include "lib/json.h"
#include "lib/mem.h"

const char *store_time(int64_t after_s, char text[STORE_TIME_SIZE])
{
	time_t now = time(NULL) + after_s;
	struct tm parts;

	gmtime_r(&now, &parts);
	strftime(text, STORE_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
	return text;
}

struct store *store_create(store_changed_fn *changed, void *arg)
{
	struct store *store = mem_zeroed(sizeof *store);

	store->changed = changed;
	store->arg = arg;
	return store;
}

static void change_done(struct change *change)
{
	cJSON_Delete(change->now);
	cJSON_Delete(change->before);
	*change = (struct change){0};
}

static void object_free(struct object *object)
{
	free(object->namespace);
	free(object->name);
	cJSON_Delete(object->json);
	free(object);
}

void store_destroy(struct store *store)
{
	struct object *object, *next;

	DL_FOREACH_SAFE(store->objects, object, next)
		object_free(object);
	for (unsigned i = 0; i < STORE_JOURNAL; i++)
		change_done(&store->journal[i]);
	free(store);
}

void store_compact(struct store *store)
{
	store->forgotten = store->version;
}

/* --- changes --- */

static void set_text(cJSON *object, const char *key, const char *text)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	cJSON_AddStringToObject(object, key, text);
}

static cJSON *metadata(const cJSON *json)
{
	return cJSON_GetObjectItemCaseSensitive(json, "metadata");
}

/* Gives json the next version and writes it down. Takes before. */
static void journal(struct store *store, const struct resource *resource, cJSON *now,
	cJSON *before, bool removed)
{
	struct change *change;
	char version[24];

	store->version++;
	snprintf(version, sizeof version, "%lld", (long long)store->version);
	set_text(metadata(now), "resourceVersion", version);
	change = &store->journal[store->version % STORE_JOURNAL];
	change_done(change);
	if (store->version - store->forgotten > STORE_JOURNAL)
		store->forgotten = store->version - STORE_JOURNAL;
	change->version = store->version;
	change->resource = resource;
	/* Of an object that was removed the last state has the version of its removal. */
	if (removed) {
		cJSON_Delete(before);
		change->before = cJSON_Duplicate(now, true);
	} else {
		change->now = cJSON_Duplicate(now, true);
		change->before = before;
	}
	store->changed(store->arg, change);
}

struct object *store_find(const struct store *store, const struct resource *resource,
	const char *namespace, const char *name)
{
	struct object *object;

	DL_FOREACH(store->objects, object)
		if (object->resource == resource && !strcmp(object->name, name) &&
			!strcmp(object->namespace, namespace))
			return object;
	return NULL;
}

struct object *store_next(const struct store *store, const struct resource *resource,
	const struct object *last)
{
	struct object *object = last ? last->next : store->objects;

	while (object && object->resource != resource)
		object = object->next;
	return object;
}

static void draw_uid(char uid[37])
{
	unsigned char raw[16];

	if (getrandom(raw, sizeof raw, 0) != sizeof raw)
		abort();
	raw[6] = (unsigned char)((raw[6] & 0x0f) | 0x40);
	raw[8] = (unsigned char)((raw[8] & 0x3f) | 0x80);
	snprintf(uid, 37,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		raw[0], raw[1], raw[2], raw[3], raw[4], raw[5], raw[6], raw[7], raw[8],
		raw[9], raw[10], raw[11], raw[12], raw[13], raw[14], raw[15]);
}

struct object *store_add(
	struct store *store, const struct resource *resource, cJSON *json)
{
	SCOPED(mem_free) char *api_version = resource_api_version(resource);
	struct object *object = mem_zeroed(sizeof *object);
	cJSON *meta = metadata(json);
	char uid[37], now[STORE_TIME_SIZE];

	draw_uid(uid);
	set_text(json, "apiVersion", api_version);
	set_text(json, "kind", resource->kind);
	set_text(meta, "uid", uid);
	set_text(meta, "creationTimestamp", store_time(0, now));
	if (resource->generations)
		json_add_int(meta, "generation", 1);
	object->resource = resource;
	object->namespace =
		mem_text(resource->namespaced ? json_text(meta, "namespace") : "");
	object->name = mem_text(json_text(meta, "name"));
	object->json = json;
	DL_APPEND(store->objects, object);
	journal(store, resource, json, NULL, false);
	return object;
}

cJSON *object_draft(const struct object *object)
{
	return cJSON_Duplicate(object->json, true);
}

static bool is_held(const cJSON *json)
{
	return cJSON_GetArraySize(json_get(metadata(json), "finalizers")) > 0;
}

static void remove_object(struct store *store, struct object *object)
{
	DL_DELETE(store->objects, object);
	journal(store, object->resource, object->json, NULL, true);
	object_free(object);
}

static void count_generation(const struct object *object, cJSON *json)
{
	cJSON *meta = metadata(json);
	int64_t generation = json_int(metadata(object->json), "generation", 1);

	if (!object->resource->generations)
		return;
	if (!cJSON_Compare(
		    json_get(json, "spec"), json_get(object->json, "spec"), true))
		generation++;
	cJSON_DeleteItemFromObjectCaseSensitive(meta, "generation");
	json_add_int(meta, "generation", generation);
}

bool store_replace(struct store *store, struct object *object, cJSON *json)
{
	cJSON *before = object->json;

	set_text(metadata(json), "resourceVersion",
		json_text(metadata(before), "resourceVersion"));
	count_generation(object, json);
	if (cJSON_Compare(before, json, true)) {
		cJSON_Delete(json);
		return true;
	}
	object->json = json;
	journal(store, object->resource, json, before, false);
	if (json_get(metadata(json), "deletionTimestamp") && !is_held(json) &&
		json_int(metadata(json), "deletionGracePeriodSeconds", 0) == 0) {
		remove_object(store, object);
		return false;
	}
	return true;
}

void store_delete(struct store *store, struct object *object, int64_t grace_s)
{
	cJSON *json = object_draft(object), *meta = metadata(json);
	char at[STORE_TIME_SIZE];

	if (!json_get(meta, "deletionTimestamp"))
		cJSON_AddStringToObject(
			meta, "deletionTimestamp", store_time(grace_s, at));
	cJSON_DeleteItemFromObjectCaseSensitive(meta, "deletionGracePeriodSeconds");
	json_add_int(meta, "deletionGracePeriodSeconds", grace_s);
	if (grace_s == 0 && !is_held(json)) {
		cJSON_Delete(json);
		remove_object(store, object);
		return;
	}
	store_replace(store, object, json);
}
