#include "kube-fake/deployments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kube-fake/pod_status.h"
#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

#define HASH_LABEL "pod-template-hash"

/* The pods of a replica set. */
struct tally {
	int64_t wanted; /* spec.replicas */
	int64_t alive;  /* neither ended nor being deleted */
	int64_t ready, available;
};

static void put(cJSON *object, const char *key, cJSON *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	cJSON_AddItemToObject(object, key, value);
}

static const char *uid_of(const struct object *object)
{
	return json_text(json_get(object->json, "metadata"), "uid");
}

static const char *owner_of(const struct object *object)
{
	return json_text(json_at(object->json, "metadata.ownerReferences.0"), "uid");
}

static bool is_owned_by(const struct object *object, const struct object *owner)
{
	const char *uid = owner_of(object);

	return uid && !strcmp(uid, uid_of(owner));
}

static bool is_leaving(const struct object *object)
{
	return json_at(object->json, "metadata.deletionTimestamp") != NULL;
}

static bool is_alive(const struct object *pod)
{
	const char *phase = json_text(json_get(pod->json, "status"), "phase");

	return !is_leaving(pod) &&
		(!phase ||
			(strcmp(phase, "Failed") != 0 && strcmp(phase, "Succeeded")));
}

/* Since when it is ready, in ns since 1970. */
static int64_t ready_since(const struct object *pod)
{
	const cJSON *item;
	struct err ignored;
	int64_t ns = 0;

	cJSON_ArrayForEach(item, json_at(pod->json, "status.conditions"))
		if (!strcmp(json_text(item, "type"), "Ready") &&
			!clock_parse_rfc3339(
				&ns, json_text(item, "lastTransitionTime"), &ignored))
			return 0;
	return ns;
}

static bool is_available(const struct object *pod, int64_t min_ready_s)
{
	return pod_status_is_ready(pod->json) &&
		ready_since(pod) / CLOCK_S + min_ready_s <= time(NULL);
}

static struct tally tally_of(const struct store *store, const struct object *set)
{
	struct tally tally = {
		.wanted = json_int(json_get(set->json, "spec"), "replicas", 1)};
	int64_t min_ready_s =
		json_int(json_get(set->json, "spec"), "minReadySeconds", 0);
	const struct object *pod = NULL;

	while ((pod = store_next(store, &resources[RESOURCE_PODS], pod))) {
		if (!is_owned_by(pod, set) || !is_alive(pod))
			continue;
		tally.alive++;
		tally.ready += pod_status_is_ready(pod->json);
		tally.available += is_available(pod, min_ready_s);
	}
	return tally;
}

/* --- replica sets to pods --- */

static void add_pod(struct store *store, const struct object *set)
{
	const cJSON *template = json_at(set->json, "spec.template");
	SCOPED(mem_free) char *name =
		mem_textf("%s-%05llx", set->name, (unsigned long long)store->version);
	cJSON *pod = json_fill(NULL,
		"{'metadata': {'name': %s, 'namespace': %s, "
		"'ownerReferences': [{'apiVersion': 'apps/v1', 'kind': 'ReplicaSet', "
		"'name': %s, 'uid': %s}]}, 'status': {'phase': 'Pending'}}",
		name, set->namespace, set->name, uid_of(set));
	cJSON *meta = cJSON_GetObjectItemCaseSensitive(pod, "metadata");
	cJSON *owner = cJSON_GetArrayItem(json_get(meta, "ownerReferences"), 0);
	static const char *const copied[] = {"labels", "annotations", "finalizers"};

	cJSON_AddTrueToObject(owner, "controller");
	cJSON_AddTrueToObject(owner, "blockOwnerDeletion");
	for (unsigned i = 0; i < COUNT(copied); i++) {
		const cJSON *part = json_get(json_get(template, "metadata"), copied[i]);

		if (part)
			put(meta, copied[i], cJSON_Duplicate(part, true));
	}
	put(pod, "spec", cJSON_Duplicate(json_get(template, "spec"), true));
	store_add(store, &resources[RESOURCE_PODS], pod);
}

/* The pod to delete first: one that is not ready, else the last. */
static struct object *choose_pod(const struct store *store, const struct object *set)
{
	struct object *pod = NULL, *chosen = NULL;

	while ((pod = store_next(store, &resources[RESOURCE_PODS], pod)))
		if (is_owned_by(pod, set) && is_alive(pod) &&
			(!chosen || !pod_status_is_ready(pod->json) ||
				pod_status_is_ready(chosen->json)))
			chosen = pod;
	return chosen;
}

static void delete_pod(struct store *store, struct object *pod)
{
	store_delete(store, pod,
		json_int(json_get(pod->json, "spec"), "terminationGracePeriodSeconds",
			30));
}

static void sync_pods(struct store *store, const struct object *set)
{
	struct tally tally = tally_of(store, set);

	for (; tally.alive < tally.wanted; tally.alive++)
		add_pod(store, set);
	for (; tally.alive > tally.wanted; tally.alive--)
		delete_pod(store, choose_pod(store, set));
}

static void write_set_status(struct store *store, struct object *set)
{
	struct tally tally = tally_of(store, set);
	cJSON *draft = object_draft(set), *status = cJSON_CreateObject();

	json_add_int(status, "replicas", tally.alive);
	json_add_int(status, "fullyLabeledReplicas", tally.alive);
	json_add_int(status, "readyReplicas", tally.ready);
	json_add_int(status, "availableReplicas", tally.available);
	json_add_int(status, "observedGeneration",
		json_int(json_get(set->json, "metadata"), "generation", 1));
	put(draft, "status", status);
	store_replace(store, set, draft);
}

static void set_replicas(struct store *store, struct object *set, int64_t replicas)
{
	cJSON *draft = object_draft(set);
	cJSON *spec = cJSON_GetObjectItemCaseSensitive(draft, "spec");

	cJSON_DeleteItemFromObjectCaseSensitive(spec, "replicas");
	json_add_int(spec, "replicas", replicas < 0 ? 0 : replicas);
	store_replace(store, set, draft);
}

/* --- deployments to replica sets --- */

static void hash_template(const struct object *deployment, char text[11])
{
	SCOPED(mem_free) char *print =
		json_print(json_at(deployment->json, "spec.template"));
	uint64_t hash = hash_text(HASH_BASIS, print);

	snprintf(text, 11, "%010llx",
		(unsigned long long)(hash & UINT64_C(0xffffffffff)));
}

static struct object *find_set(
	const struct store *store, const struct object *deployment, const char *hash)
{
	struct object *set = NULL;

	while ((set = store_next(store, &resources[RESOURCE_REPLICASETS], set))) {
		const char *have =
			json_text(json_at(set->json, "metadata.labels"), HASH_LABEL);

		if (is_owned_by(set, deployment) && have && !strcmp(have, hash))
			return set;
	}
	return NULL;
}

static int64_t revision_of(const struct object *set)
{
	const char *text = json_text(json_at(set->json, "metadata.annotations"),
		"deployment.kubernetes.io/revision");

	return text ? strtoll(text, NULL, 10) : 0;
}

static int64_t next_revision(const struct store *store, const struct object *deployment)
{
	const struct object *set = NULL;
	int64_t last = 0;

	while ((set = store_next(store, &resources[RESOURCE_REPLICASETS], set)))
		if (is_owned_by(set, deployment) && revision_of(set) > last)
			last = revision_of(set);
	return last + 1;
}

static cJSON *object_at(cJSON *object, const char *key)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return item ? item : cJSON_AddObjectToObject(object, key);
}

static void add_hash(cJSON *labels, const char *hash)
{
	put(labels, HASH_LABEL, cJSON_CreateString(hash));
}

static struct object *add_set(
	struct store *store, const struct object *deployment, const char *hash)
{
	const cJSON *spec = json_get(deployment->json, "spec");
	SCOPED(mem_free) char *name = mem_textf("%s-%s", deployment->name, hash);
	SCOPED(mem_free) char *revision =
		mem_textf("%lld", (long long)next_revision(store, deployment));
	cJSON *set = json_fill(NULL,
		"{'metadata': {'name': %s, 'namespace': %s, 'annotations': "
		"{'deployment.kubernetes.io/revision': %s}, 'ownerReferences': "
		"[{'apiVersion': 'apps/v1', 'kind': 'Deployment', 'name': %s, 'uid': "
		"%s}]}, 'spec': {'replicas': 0}}",
		name, deployment->namespace, revision, deployment->name,
		uid_of(deployment));
	cJSON *set_spec = cJSON_GetObjectItemCaseSensitive(set, "spec");
	cJSON *template = cJSON_Duplicate(json_get(spec, "template"), true);
	cJSON *labels = object_at(object_at(template, "metadata"), "labels");
	cJSON *owner = cJSON_GetArrayItem(json_at(set, "metadata.ownerReferences"), 0);

	cJSON_AddTrueToObject(owner, "controller");
	cJSON_AddTrueToObject(owner, "blockOwnerDeletion");
	add_hash(labels, hash);
	put(object_at(set, "metadata"), "labels", cJSON_Duplicate(labels, true));
	put(set_spec, "selector", cJSON_Duplicate(json_get(spec, "selector"), true));
	add_hash(object_at(object_at(set_spec, "selector"), "matchLabels"), hash);
	put(set_spec, "template", template);
	json_add_int(set_spec, "minReadySeconds", json_int(spec, "minReadySeconds", 0));
	return store_add(store, &resources[RESOURCE_REPLICASETS], set);
}

/* "25%" or a number of `replicas`; a share of a surge is rounded up, one of what may be
 * unavailable down. */
static int64_t resolve(const cJSON *value, int64_t replicas, bool up)
{
	int64_t percent;

	if (cJSON_IsNumber(value))
		return (int64_t)value->valuedouble;
	percent = cJSON_IsString(value) ? strtoll(value->valuestring, NULL, 10) : 25;
	return (replicas * percent + (up ? 99 : 0)) / 100;
}

struct rollout {
	struct store *store;
	const struct object *deployment;
	struct object *fresh; /* the replica set of the present template */
	int64_t replicas;
	int64_t sum, available; /* of all replica sets: wanted, and available */
	int64_t old_wanted, old_alive;
	struct tally now; /* of `fresh` */
};

static struct object *next_old(const struct rollout *rollout, struct object *set)
{
	while ((set = store_next(
			rollout->store, &resources[RESOURCE_REPLICASETS], set)))
		if (is_owned_by(set, rollout->deployment) && set != rollout->fresh)
			return set;
	return NULL;
}

/* Pods of old replica sets that run, those that are being stopped among them. */
static int64_t old_pods(const struct rollout *rollout)
{
	struct object *set = NULL;
	int64_t count = 0;

	while ((set = next_old(rollout, set))) {
		const struct object *pod = NULL;

		while ((pod = store_next(
				rollout->store, &resources[RESOURCE_PODS], pod)))
			count += is_owned_by(pod, set);
	}
	return count;
}

static void count(struct rollout *rollout)
{
	struct object *set = NULL;

	rollout->now = tally_of(rollout->store, rollout->fresh);
	rollout->sum = rollout->now.wanted;
	rollout->available = rollout->now.available;
	rollout->old_wanted = rollout->old_alive = 0;
	while ((set = next_old(rollout, set))) {
		struct tally tally = tally_of(rollout->store, set);

		rollout->old_wanted += tally.wanted;
		rollout->old_alive += tally.alive;
		rollout->available += tally.available;
	}
	rollout->sum += rollout->old_wanted;
}

static void scale_up(struct rollout *rollout, int64_t surge)
{
	int64_t room = rollout->replicas + surge - rollout->sum;
	int64_t more = rollout->replicas - rollout->now.wanted;

	if (more < 0)
		set_replicas(rollout->store, rollout->fresh, rollout->replicas);
	else if (more > 0 && room > 0)
		set_replicas(rollout->store, rollout->fresh,
			rollout->now.wanted + (more < room ? more : room));
}

/* Takes away what is not available first, then as many as may be missing. */
static void scale_down(struct rollout *rollout, int64_t unavailable)
{
	int64_t least = rollout->replicas - unavailable;
	int64_t spare =
		rollout->sum - least - (rollout->now.wanted - rollout->now.available);
	struct object *set = NULL;

	while (spare > 0 && (set = next_old(rollout, set))) {
		struct tally tally = tally_of(rollout->store, set);
		int64_t broken = tally.wanted - tally.available;
		int64_t less = broken < spare ? broken : spare;
		int64_t whole = rollout->available - least;

		whole = whole < spare - less ? whole : spare - less;
		whole = whole < tally.available ? whole : tally.available;
		less += whole > 0 ? whole : 0;
		if (less <= 0)
			continue;
		rollout->available -= whole > 0 ? whole : 0;
		spare -= less;
		set_replicas(rollout->store, set, tally.wanted - less);
	}
}

static void recreate(struct rollout *rollout)
{
	struct object *set = NULL;

	while ((set = next_old(rollout, set)))
		set_replicas(rollout->store, set, 0);
	if (old_pods(rollout) == 0)
		set_replicas(rollout->store, rollout->fresh, rollout->replicas);
}

static void roll(struct rollout *rollout)
{
	const cJSON *strategy = json_at(rollout->deployment->json, "spec.strategy");
	const cJSON *rolling = json_get(strategy, "rollingUpdate");
	int64_t surge = resolve(json_get(rolling, "maxSurge"), rollout->replicas, true);
	int64_t unavailable =
		resolve(json_get(rolling, "maxUnavailable"), rollout->replicas, false);

	if (!strcmp(json_text(strategy, "type"), "Recreate")) {
		recreate(rollout);
		return;
	}
	if (surge == 0 && unavailable == 0)
		unavailable = 1;
	scale_up(rollout, surge);
	count(rollout);
	scale_down(rollout, unavailable);
}

static cJSON *condition(const struct object *deployment, const char *type, bool is_so,
	const char *reason)
{
	const char *status = is_so ? "True" : "False";
	const cJSON *item;
	char now[STORE_TIME_SIZE];

	cJSON_ArrayForEach(item, json_at(deployment->json, "status.conditions"))
		if (!strcmp(json_text(item, "type"), type) &&
			!strcmp(json_text(item, "status"), status) &&
			!strcmp(json_text(item, "reason"), reason))
			return cJSON_Duplicate(item, true);
	store_time(0, now);
	return json_fill(NULL,
		"{'type': %s, 'status': %s, 'reason': %s, 'message': '', "
		"'lastUpdateTime': %s, 'lastTransitionTime': %s}",
		type, status, reason, now, now);
}

static void write_status(struct rollout *rollout, struct object *deployment)
{
	struct object *set = NULL;
	cJSON *draft = object_draft(deployment), *status = cJSON_CreateObject();
	cJSON *conditions = cJSON_CreateArray();
	int64_t ready, total, missing;
	bool done;

	count(rollout);
	ready = rollout->now.ready;
	while ((set = next_old(rollout, set)))
		ready += tally_of(rollout->store, set).ready;
	total = rollout->now.alive + rollout->old_alive;
	missing = rollout->sum - rollout->available;
	done = rollout->now.available == rollout->replicas &&
		total == rollout->replicas;
	json_add_int(status, "observedGeneration",
		json_int(json_get(deployment->json, "metadata"), "generation", 1));
	json_add_int(status, "replicas", total);
	json_add_int(status, "updatedReplicas", rollout->now.alive);
	json_add_int(status, "readyReplicas", ready);
	json_add_int(status, "availableReplicas", rollout->available);
	if (missing > 0)
		json_add_int(status, "unavailableReplicas", missing);
	cJSON_AddItemToArray(conditions,
		condition(deployment, "Progressing", true,
			done ? "NewReplicaSetAvailable" : "ReplicaSetUpdated"));
	cJSON_AddItemToArray(conditions,
		condition(deployment, "Available", rollout->available > 0,
			rollout->available > 0 ? "MinimumReplicasAvailable"
					       : "MinimumReplicasUnavailable"));
	cJSON_AddItemToObject(status, "conditions", conditions);
	put(draft, "status", status);
	store_replace(rollout->store, deployment, draft);
}

static void annotate_revision(struct rollout *rollout, struct object *deployment)
{
	SCOPED(mem_free) char *revision =
		mem_textf("%lld", (long long)revision_of(rollout->fresh));
	cJSON *draft = object_draft(deployment);

	put(object_at(object_at(draft, "metadata"), "annotations"),
		"deployment.kubernetes.io/revision", cJSON_CreateString(revision));
	store_replace(rollout->store, deployment, draft);
}

static void reconcile_deployment(struct store *store, struct object *deployment)
{
	struct rollout rollout = {.store = store,
		.deployment = deployment,
		.replicas =
			json_int(json_get(deployment->json, "spec"), "replicas", 1)};
	char hash[11];

	hash_template(deployment, hash);
	rollout.fresh = find_set(store, deployment, hash);
	if (!rollout.fresh)
		rollout.fresh = add_set(store, deployment, hash);
	count(&rollout);
	roll(&rollout);
	annotate_revision(&rollout, deployment);
	write_status(&rollout, deployment);
}

/* --- owners --- */

static bool has_owner(const struct store *store, const struct object *object,
	const struct resource *owners)
{
	const struct object *owner = NULL;

	if (!owner_of(object))
		return true;
	while ((owner = store_next(store, owners, owner)))
		if (is_owned_by(object, owner))
			return true;
	return false;
}

/* Deletes replica sets without their deployment, and pods without their replica set. */
static void collect(struct store *store, const struct resource *resource,
	const struct resource *owners)
{
	struct object *object = store_next(store, resource, NULL);

	while (object) {
		struct object *next = store_next(store, resource, object);

		if (!has_owner(store, object, owners) && !is_leaving(object)) {
			if (resource == &resources[RESOURCE_PODS])
				delete_pod(store, object);
			else
				store_delete(store, object, 0);
		}
		object = next;
	}
}

static bool is_time_needed(const struct store *store)
{
	const struct object *set = NULL;

	while ((set = store_next(store, &resources[RESOURCE_REPLICASETS], set))) {
		struct tally tally = tally_of(store, set);

		if (tally.available < tally.ready)
			return true;
	}
	return false;
}

bool deployments_reconcile(struct store *store)
{
	struct object *object = NULL;

	collect(store, &resources[RESOURCE_REPLICASETS],
		&resources[RESOURCE_DEPLOYMENTS]);
	collect(store, &resources[RESOURCE_PODS], &resources[RESOURCE_REPLICASETS]);
	while ((object = store_next(store, &resources[RESOURCE_DEPLOYMENTS], object)))
		reconcile_deployment(store, object);
	object = NULL;
	while ((object = store_next(store, &resources[RESOURCE_REPLICASETS], object))) {
		sync_pods(store, object);
		write_set_status(store, object);
	}
	return !is_time_needed(store);
}
