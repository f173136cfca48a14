#include "harness/cluster/kubernetes/kube_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define EVICT_AGAIN_NS (500 * CLOCK_MS)

/* --- what a node says --- */

static const char *address_of(const cJSON *node, const char *type)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, json_at(node, "status.addresses")) {
		const char *have = json_text(item, "type");

		if (have && !strcmp(have, type))
			return json_text(item, "address");
	}
	return NULL;
}

static bool is_ready(const cJSON *node)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, json_at(node, "status.conditions")) {
		const char *type = json_text(item, "type");
		const char *status = json_text(item, "status");

		if (type && status && !strcmp(type, "Ready"))
			return !strcmp(status, "True");
	}
	return false;
}

static bool is_active(const cJSON *node)
{
	return !json_bool(json_get(node, "spec"), "unschedulable", false);
}

static void add_node(struct cluster *cluster, const cJSON *node)
{
	const cJSON *meta = json_get(node, "metadata");
	const char *address = address_of(node, "InternalIP");
	struct cluster_node *added;

	cluster->nodes = mem_grown(
		cluster->nodes, cluster->node_count + 1, sizeof *cluster->nodes);
	added = &cluster->nodes[cluster->node_count++];
	*added = (struct cluster_node){
		.id = mem_text(json_text(meta, "uid")),
		.name = mem_text(json_text(meta, "name")),
		.address = mem_text(address ? address : address_of(node, "Hostname")),
		.manager = json_get(json_get(meta, "labels"),
				   "node-role.kubernetes.io/control-plane") != NULL,
		.ready = is_ready(node),
		.active = is_active(node),
	};
}

bool kube_nodes_list(struct kubernetes *kubernetes, struct err *err)
{
	SCOPED(json_free) cJSON *list = NULL;
	const cJSON *node;
	long status;

	kubernetes->nodes_refused = false;
	if (!kube_api_call(kubernetes->api,
		    &(struct kube_call){.path = "/api/v1/nodes",
			    .answer = &list,
			    .status = &status},
		    err)) {
		kubernetes->nodes_refused = status == 403;
		return kubernetes->nodes_refused;
	}
	cluster_forget_nodes(&kubernetes->cluster);
	cJSON_ArrayForEach(node, json_get(list, "items"))
		if (json_text(json_get(node, "metadata"), "name"))
			add_node(&kubernetes->cluster, node);
	return true;
}

bool kube_nodes_note(struct kubernetes *kubernetes, const cJSON *node)
{
	const char *name = json_text(json_get(node, "metadata"), "name");
	struct cluster *cluster = &kubernetes->cluster;

	for (unsigned i = 0; name && i < cluster->node_count; i++) {
		struct cluster_node *known = &cluster->nodes[i];
		bool changed;

		if (strcmp(known->name, name) != 0)
			continue;
		changed = known->ready != is_ready(node) ||
			known->active != is_active(node);
		known->ready = is_ready(node);
		known->active = is_active(node);
		return changed;
	}
	return false;
}

/* --- cordon --- */

static bool patch_node(
	struct kube_api *api, const char *node, const cJSON *patch, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf("/api/v1/nodes/%s", node);

	return kube_api_call(api,
		&(struct kube_call){.method = "PATCH",
			.path = path,
			.json = patch,
			.type = KUBE_MERGE_PATCH},
		err);
}

static bool cordon(struct kubernetes *kubernetes, const char *node, struct err *err)
{
	SCOPED(mem_free) char *home = run_label_home();
	SCOPED(json_free)
	cJSON *patch = json_fill(NULL,
		"{'metadata': {'labels': {'" KUBE_CORDON_LABEL
		"': %s}, 'annotations': {'" RUN_LABEL_HOME "': %s}}, 'spec': {}}",
		kubernetes->cluster.options.run_id, home);

	cJSON_AddTrueToObject(
		cJSON_GetObjectItemCaseSensitive(patch, "spec"), "unschedulable");
	return patch_node(kubernetes->api, node, patch, err) ||
		err_while(err, "cordon %s", node);
}

bool kube_nodes_uncordon(struct kube_api *api, const char *node, struct err *err)
{
	SCOPED(json_free)
	cJSON *patch = json_fill(NULL,
		"{'metadata': {'labels': {'" KUBE_CORDON_LABEL
		"': null}, 'annotations': {'" RUN_LABEL_HOME
		"': null}}, 'spec': {'unschedulable': null}}");

	return patch_node(api, node, patch, err) || err_while(err, "uncordon %s", node);
}

/* --- evictions --- */

/* True: it was evicted, or is gone. `refused`: a disruption budget says no for now. */
static bool evict(
	struct kubernetes *kubernetes, const char *pod, bool *refused, struct err *err)
{
	SCOPED(mem_free) char *path = kubernetes_path(kubernetes, "", "pods", pod);
	SCOPED(mem_free) char *eviction_path = mem_textf("%s/eviction", path);
	SCOPED(json_free)
	cJSON *eviction = json_fill(NULL,
		"{'apiVersion': 'policy/v1', 'kind': 'Eviction', 'metadata': {'name': %s, "
		"'namespace': %s}}",
		pod, kubernetes->namespace);
	long status;
	bool ok = kube_api_call(kubernetes->api,
		&(struct kube_call){.method = "POST",
			.path = eviction_path,
			.json = eviction,
			.once = true,
			.status = &status},
		err);

	*refused = status == 429;
	return ok || status == 404;
}

/* One of the service's pods that is to run there. NULL: none is left. The list may change
 * with each turn of the loop; names of pods are copied therefore. The caller's. */
static char *next_pod(
	const struct kubernetes *kubernetes, const char *node, unsigned *from)
{
	const struct cluster *cluster = &kubernetes->cluster;

	for (; *from < cluster->task_count; ++*from) {
		const struct cluster_task *task = &cluster->tasks[*from];

		if (task->wanted && task->node && !strcmp(task->node, node) &&
			task->state != TASK_ENDED && task->state != TASK_GONE) {
			++*from;
			return mem_text(task->name);
		}
	}
	return NULL;
}

/* Each pod once. False: one cannot be evicted at all. `refused`: so many were for now. */
static bool evict_each(struct kubernetes *kubernetes, const char *node,
	unsigned *refused, struct err *err)
{
	unsigned from = 0;
	char *pod;

	*refused = 0;
	while ((pod = next_pod(kubernetes, node, &from))) {
		bool no;
		bool ok = evict(kubernetes, pod, &no, err);

		*refused += no;
		if (!ok && !no)
			err_while(err, "evict %s", pod);
		free(pod);
		if (!ok && !no)
			return false;
	}
	return true;
}

static bool never(const void *arg UNUSED)
{
	return false;
}

bool kube_nodes_drain(struct kubernetes *kubernetes, const char *node, struct err *err)
{
	int64_t deadline_ns = clock_now() + CLUSTER_CALL_NS;
	unsigned refused;

	if (!cordon(kubernetes, node, err))
		return false;
	for (;;) {
		if (!evict_each(kubernetes, node, &refused, err))
			return false;
		if (refused == 0)
			return true;
		if (clock_now() + EVICT_AGAIN_NS > deadline_ns)
			return err_while(err, "%u pods were not evicted within %s",
				refused, CLOCK_TEXT(CLUSTER_CALL_NS));
		if (wait_until(kubernetes->cluster.loop, never, NULL,
			    clock_now() + EVICT_AGAIN_NS,
			    kubernetes->cluster.options.interrupted) ==
			WAIT_INTERRUPTED)
			return err_set(err, "interrupted");
	}
}
