/*
 * store - the objects of the cluster, and the journal of their changes.
 *
 * Every change has a number, the resourceVersion that the object has from then on. The
 * journal keeps the latest STORE_JOURNAL changes: a watch can begin at any of them, and
 * an older one is gone (410), as etcd's is after a compaction.
 *
 * An object that is marked as deleted stays until its finalizers are empty.
 */
#ifndef KUBE_FAKE_STORE_H
#define KUBE_FAKE_STORE_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "kube-fake/resource.h"

#define STORE_JOURNAL 4096

struct object {
	const struct resource *resource;
	char *namespace; /* "": not namespaced */
	char *name;
	cJSON *json; /* read only: store_replace() changes it */
	struct object *prev, *next;
};

struct change {
	int64_t version;
	const struct resource *resource;
	cJSON *now;    /* NULL: the object was removed */
	cJSON *before; /* its last state; NULL: it is new */
};

/* After each change; borrowed. It may change the store: later. */
typedef void store_changed_fn(void *arg, const struct change *change);

struct store {
	struct object *objects;
	int64_t version;
	struct change journal[STORE_JOURNAL]; /* change V is at V % STORE_JOURNAL */
	int64_t forgotten;                    /* changes up to this one */
	store_changed_fn *changed;
	void *arg;
};

/* A store of its own, to store_destroy(). */
struct store *store_create(store_changed_fn *changed, void *arg) MUST_CHECK;
void store_destroy(struct store *store);

/* NULL: there is none. */
struct object *store_find(const struct store *store, const struct resource *resource,
	const char *namespace, const char *name);

/* The first object of a resource behind `last` (NULL: of all), in the order of their
 * creation. */
struct object *store_next(const struct store *store, const struct resource *resource,
	const struct object *last);

/* Takes json, which has metadata.name (and namespace); gives it uid, creationTimestamp
 * and the rest that the server writes. */
struct object *store_add(
	struct store *store, const struct resource *resource, cJSON *json);

/* A copy to change, for store_replace(). */
cJSON *object_draft(const struct object *object) MUST_CHECK;

/* Takes json. Nothing happens where it says what the object says already. An object that
 * is deleted is removed when its last finalizer is; returns false then. */
bool store_replace(struct store *store, struct object *object, cJSON *json);

/* Marks it as deleted, and removes it at once unless it has finalizers. A pod that runs
 * gets `grace_s` seconds: its kubelet calls this with 0 at its end. */
void store_delete(struct store *store, struct object *object, int64_t grace_s);

/* Forgets the journal: every watch of an earlier version is told that it is gone. */
void store_compact(struct store *store);

/* "2026-11-30T21:00:00Z": whole seconds, as the API writes times. */
#define STORE_TIME_SIZE 32
const char *store_time(int64_t after_s, char text[STORE_TIME_SIZE]);

#endif
