#include "harness/cluster/kubernetes/kube_sight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cluster/kubernetes/kube_nodes.h"
#include "harness/cluster/kubernetes/kube_pod.h"
#include "harness/cluster/kubernetes/kube_release.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

/* --- pods --- */

static bool is_node_lost(const struct kubernetes *kubernetes, const char *name)
{
	const struct cluster_node *node =
		name ? cluster_node(&kubernetes->cluster, name) : NULL;

	return node && !node->ready;
}

/* A pod whose kubelet is not heard of any more will not be seen to end. */
static bool see(struct kubernetes *kubernetes, struct kube_pod *pod, bool is_gone)
{
	const char *events = json_text(kubernetes->event_words, pod->sight.id);
	SCOPED(mem_free) char *message = NULL;

	if (events)
		message = pod->sight.message
			? mem_textf("%s; %s", pod->sight.message, events)
			: mem_text(events);
	if (message)
		pod->sight.message = message;
	if (is_gone)
		pod->sight.state = TASK_GONE;
	else if (pod->leaving && pod->sight.state == TASK_RUNNING &&
		is_node_lost(kubernetes, pod->sight.node)) {
		pod->sight.state = TASK_ENDED;
		pod->sight.lost = true;
	}
	pod->sight.wanted = pod->sight.wanted && !is_gone;
	return task_list_see(&kubernetes->cluster, &pod->sight, clock_now());
}

static void name_address(
	const struct kubernetes *kubernetes, struct kube_pod *pod, char address[128])
{
	const struct cluster_node *node = kubernetes->node_port && pod->sight.node
		? cluster_node(&kubernetes->cluster, pod->sight.node)
		: NULL;

	if (!node || !node->address)
		return;
	snprintf(address, 128, "%s:%u", node->address, kubernetes->node_port);
	pod->sight.address = address;
}

/* True: something changed. */
static bool see_pod(struct kubernetes *kubernetes, const cJSON *object, bool is_gone)
{
	struct kube_pod pod;
	char address[128];

	kube_pod_read(&pod, object, kubernetes->port);
	if (!pod.sight.id || !pod.sight.name)
		return false;
	name_address(kubernetes, &pod, address);
	if (pod.held && pod.is_final && !is_gone)
		kube_release_begin(kubernetes, &pod);
	return see(kubernetes, &pod, is_gone);
}

static void on_pods(void *arg, const cJSON *items)
{
	struct kubernetes *kubernetes = arg;
	const cJSON *item;

	task_list_begin(&kubernetes->cluster);
	cJSON_ArrayForEach(item, items)
		see_pod(kubernetes, item, false);
	task_list_end(&kubernetes->cluster, clock_now());
	kubernetes_changed(kubernetes);
}

static void on_pod(void *arg, enum kube_change change, const cJSON *object)
{
	if (see_pod(arg, object, change == KUBE_DELETED))
		kubernetes_changed(arg);
}

/* --- the deployment --- */

static void see_deployment(struct kubernetes *kubernetes, const cJSON *object)
{
	struct cluster *cluster = &kubernetes->cluster;

	kube_deployment_read(&kubernetes->state, object);
	if (kubernetes->state.generation >= kubernetes->generation) {
		cluster->replicas = (unsigned)kubernetes->state.replicas;
		if (kubernetes->state.stuck)
			snprintf(cluster->gave_up, sizeof cluster->gave_up, "%s",
				kubernetes->state.words);
	}
	kubernetes_changed(kubernetes);
}

static void on_deployments(void *arg, const cJSON *items)
{
	struct kubernetes *kubernetes = arg;
	const cJSON *first = cJSON_GetArrayItem(items, 0);

	if (first)
		see_deployment(kubernetes, first);
	else
		kubernetes->removed = true;
}

static void on_deployment(void *arg, enum kube_change change, const cJSON *object)
{
	struct kubernetes *kubernetes = arg;

	if (change == KUBE_DELETED)
		kubernetes->removed = true;
	else
		see_deployment(kubernetes, object);
}

/* --- nodes --- */

static void on_node(void *arg, enum kube_change change UNUSED, const cJSON *object)
{
	if (kube_nodes_note(arg, object))
		kubernetes_changed(arg);
}

static void on_nodes(void *arg, const cJSON *items)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, items)
		on_node(arg, KUBE_MODIFIED, item);
}

/* --- events --- */

static struct cluster_task *task_by_id(struct kubernetes *kubernetes, const char *id)
{
	struct cluster *cluster = &kubernetes->cluster;

	for (unsigned i = 0; id && i < cluster->task_count; i++)
		if (!strcmp(cluster->tasks[i].id, id))
			return &cluster->tasks[i];
	return NULL;
}

/* Behind what is known of the task already; and kept, because the pod's status will be
 * read again. */
static void on_event(void *arg, enum kube_change change UNUSED, const cJSON *object)
{
	struct kubernetes *kubernetes = arg;
	const char *uid = json_text(json_get(object, "involvedObject"), "uid");
	struct cluster_task *task = task_by_id(kubernetes, uid);
	SCOPED(mem_free) char *words = task ? kube_pod_event_words(object) : NULL;
	const char *known = words ? json_text(kubernetes->event_words, uid) : NULL;
	SCOPED(mem_free) char *all = NULL;
	char *whole;

	if (!words || (known && strstr(known, words)))
		return;
	all = known ? mem_textf("%s; %s", known, words) : mem_text(words);
	whole = task->message ? mem_textf("%s; %s", task->message, words)
			      : mem_text(words);
	free(task->message);
	task->message = whole;
	cJSON_DeleteItemFromObjectCaseSensitive(kubernetes->event_words, uid);
	cJSON_AddStringToObject(kubernetes->event_words, uid, all);
	kubernetes_changed(kubernetes);
}

/* --- endpointslices --- */

/* "conditions.ready" that is missing is true, as the API says. */
static bool gets_traffic(const cJSON *endpoint, const char *id)
{
	const char *uid = json_text(json_get(endpoint, "targetRef"), "uid");

	return uid && !strcmp(uid, id) &&
		json_bool(json_get(endpoint, "conditions"), "ready", true);
}

static bool is_routed(const struct kubernetes *kubernetes, const char *id)
{
	const cJSON *slice, *endpoint;

	cJSON_ArrayForEach(slice, kubernetes->slice_list)
		cJSON_ArrayForEach(endpoint, json_get(slice, "endpoints"))
			if (gets_traffic(endpoint, id))
				return true;
	return false;
}

static void note_routes(struct kubernetes *kubernetes)
{
	struct cluster *cluster = &kubernetes->cluster;
	bool changed = false;

	for (unsigned i = 0; i < cluster->task_count; i++) {
		struct cluster_task *task = &cluster->tasks[i];
		bool routed = is_routed(kubernetes, task->id);

		if (routed == (task->routed_ns > task->unrouted_ns))
			continue;
		*(routed ? &task->routed_ns : &task->unrouted_ns) = clock_now();
		changed = true;
	}
	if (changed)
		kubernetes_changed(kubernetes);
}

static void keep_slice(struct kubernetes *kubernetes, const cJSON *slice, bool is_gone)
{
	const char *name = json_text(json_get(slice, "metadata"), "name");

	if (!name)
		return;
	cJSON_DeleteItemFromObjectCaseSensitive(kubernetes->slice_list, name);
	if (!is_gone)
		cJSON_AddItemToObject(
			kubernetes->slice_list, name, cJSON_Duplicate(slice, true));
}

static void on_slices(void *arg, const cJSON *items)
{
	struct kubernetes *kubernetes = arg;
	const cJSON *item;

	cJSON_Delete(kubernetes->slice_list);
	kubernetes->slice_list = cJSON_CreateObject();
	cJSON_ArrayForEach(item, items)
		keep_slice(kubernetes, item, false);
	note_routes(kubernetes);
}

static void on_slice(void *arg, enum kube_change change, const cJSON *object)
{
	keep_slice(arg, object, change == KUBE_DELETED);
	note_routes(arg);
}

/* --- the watches --- */

/* Events, nodes and endpointslices are more than is needed: without them what tasks do is
 * seen all the same. */
static void on_trouble(void *arg, const char *why UNUSED)
{
	struct kubernetes *kubernetes = arg;
	struct cluster *cluster = &kubernetes->cluster;
	const char *pods = kube_watch_trouble(kubernetes->pods);
	const char *deployments = kubernetes->deployments
		? kube_watch_trouble(kubernetes->deployments)
		: "";

	snprintf(cluster->unobserved, sizeof cluster->unobserved, "%s",
		*pods ? pods : deployments);
	kubernetes_changed(kubernetes);
}

static void on_lesser_trouble(void *arg UNUSED, const char *why UNUSED)
{
}

static void watch_pods(struct kubernetes *kubernetes)
{
	SCOPED(mem_free) char *path = kubernetes_path(kubernetes, "", "pods", NULL);
	SCOPED(mem_free) char *escaped = kube_api_escape(kubernetes->selector);
	SCOPED(mem_free) char *query = mem_textf("labelSelector=%s", escaped);

	kubernetes->pods = kube_watch_create(kubernetes->api,
		&(struct kube_watch_options){.path = path,
			.query = query,
			.listed = on_pods,
			.changed = on_pod,
			.troubled = on_trouble,
			.arg = kubernetes});
}

static void watch_deployment(struct kubernetes *kubernetes)
{
	SCOPED(mem_free)
	char *path = kubernetes_path(kubernetes, "apps", "deployments", NULL);
	SCOPED(mem_free)
	char *query =
		mem_textf("fieldSelector=metadata.name%%3D%s", kubernetes->deployment);

	kubernetes->deployments = kube_watch_create(kubernetes->api,
		&(struct kube_watch_options){.path = path,
			.query = query,
			.listed = on_deployments,
			.changed = on_deployment,
			.troubled = on_trouble,
			.arg = kubernetes});
}

static void watch_slices(struct kubernetes *kubernetes)
{
	SCOPED(mem_free)
	char *path =
		kubernetes_path(kubernetes, "discovery.k8s.io", "endpointslices", NULL);
	SCOPED(mem_free)
	char *query = mem_textf("labelSelector=kubernetes.io%%2Fservice-name%%3D%s",
		kubernetes->service);

	kubernetes->slices = kube_watch_create(kubernetes->api,
		&(struct kube_watch_options){.path = path,
			.query = query,
			.listed = on_slices,
			.changed = on_slice,
			.troubled = on_lesser_trouble,
			.arg = kubernetes});
}

static void watch_events(struct kubernetes *kubernetes)
{
	SCOPED(mem_free) char *path = kubernetes_path(kubernetes, "", "events", NULL);

	kubernetes->events = kube_watch_create(kubernetes->api,
		&(struct kube_watch_options){.path = path,
			.query = "fieldSelector=involvedObject.kind%3DPod",
			.only_new = true,
			.changed = on_event,
			.troubled = on_lesser_trouble,
			.arg = kubernetes});
}

static void watch_nodes(struct kubernetes *kubernetes)
{
	kubernetes->nodes = kube_watch_create(kubernetes->api,
		&(struct kube_watch_options){.path = "/api/v1/nodes",
			.listed = on_nodes,
			.changed = on_node,
			.troubled = on_lesser_trouble,
			.arg = kubernetes});
}

void kube_sight_begin(struct kubernetes *kubernetes)
{
	watch_pods(kubernetes);
	watch_deployment(kubernetes);
	watch_events(kubernetes);
	if (kubernetes->service)
		watch_slices(kubernetes);
	if (!kubernetes->nodes_refused)
		watch_nodes(kubernetes);
}

void kube_sight_end(struct kubernetes *kubernetes)
{
	kube_watch_destroy(kubernetes->pods);
	kube_watch_destroy(kubernetes->deployments);
	kube_watch_destroy(kubernetes->events);
	kube_watch_destroy(kubernetes->slices);
	kube_watch_destroy(kubernetes->nodes);
}

bool kube_sight_is_whole(const struct kubernetes *kubernetes)
{
	return kubernetes->pods && kube_watch_has_listed(kubernetes->pods) &&
		kube_watch_has_listed(kubernetes->deployments);
}
