#include "harness/cluster/cluster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cluster/task_list.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"

const char *const task_state_names[] = {
	[TASK_PENDING] = "pending",
	[TASK_RUNNING] = "running",
	[TASK_ENDED] = "ended",
	[TASK_GONE] = "gone",
	NULL,
};

const char *const update_order_names[] = {
	[UPDATE_STOP_FIRST] = "stop-first",
	[UPDATE_START_FIRST] = "start-first",
	NULL,
};

const char *const publish_mode_names[] = {
	[PUBLISH_HOST] = "host",
	[PUBLISH_MESH] = "mesh",
	NULL,
};

const char *const cluster_kinds[] = {
#define CLUSTER(name) #name,
#include "harness/scenario/clusters.def"
#undef CLUSTER
	NULL,
};

typedef struct cluster *create_fn(
	uv_loop_t *loop, const struct cluster_options *options, struct err *err);

static const struct kind {
	const char *name;
	create_fn *create;
} kinds[] = {
#define CLUSTER(name) {#name, name##_open},
#include "harness/scenario/clusters.def"
#undef CLUSTER
};

/* Why each of them cannot be had, in one line. */
static struct cluster *create_any(
	uv_loop_t *loop, const struct cluster_options *options, struct err *err)
{
	SCOPED(buf_done) struct buf why = {0};

	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct cluster *cluster = kinds[i].create(loop, options, err);

		if (cluster)
			return cluster;
		buf_addf(&why, "%s%s: %s", i ? "; " : "", kinds[i].name, err->text);
	}
	err_set(err, "no orchestrator: %s", buf_text(&why));
	return NULL;
}

static struct cluster *create_named(uv_loop_t *loop, const char *name,
	const struct cluster_options *options, struct err *err)
{
	SCOPED(buf_done) struct buf known = {0};

	if (!name || strcmp(name, "auto") == 0)
		return create_any(loop, options, err);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (strcmp(name, kinds[i].name) == 0)
			return kinds[i].create(loop, options, err);
		buf_addf(&known, ", %s", kinds[i].name);
	}
	err_set(err, "no orchestrator \"%s\": there are auto%s", name,
		buf_text(&known));
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct cluster_node *first = a, *second = b;

	return strcmp(first->name, second->name);
}

/* An API lists them in any order. */
static void sort_nodes(struct cluster *cluster)
{
	if (cluster->node_count > 1)
		qsort(cluster->nodes, cluster->node_count, sizeof *cluster->nodes,
			by_name);
}

struct cluster *cluster_create(uv_loop_t *loop, const char *name,
	const struct cluster_options *options, struct err *err)
{
	struct cluster *cluster = create_named(loop, name, options, err);

	if (cluster)
		sort_nodes(cluster);
	return cluster;
}

void cluster_destroy(struct cluster *cluster)
{
	if (cluster)
		cluster->ops->destroy(cluster);
}

void cluster_forget_nodes(struct cluster *cluster)
{
	for (unsigned i = 0; i < cluster->node_count; i++) {
		free(cluster->nodes[i].id);
		free(cluster->nodes[i].name);
		free(cluster->nodes[i].address);
	}
	free(cluster->nodes);
	cluster->nodes = NULL;
	cluster->node_count = 0;
}

void cluster_done(struct cluster *cluster)
{
	cluster_forget_nodes(cluster);
	task_list_done(cluster);
	free(cluster->service);
	free(cluster->stop_signal);
	cJSON_Delete(cluster->settings);
}

cJSON *cluster_fingerprint(struct cluster *cluster)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "orchestrator", cluster->kind);
	cJSON_AddNumberToObject(json, "nodes", cluster->node_count);
	cluster->ops->fingerprint(cluster, json);
	return json;
}

/* --- nodes --- */

bool cluster_refresh_nodes(struct cluster *cluster, struct err *err)
{
	if (!cluster->ops->nodes(cluster, err))
		return err_while(err, "list the nodes");
	sort_nodes(cluster);
	return true;
}

const struct cluster_node *cluster_node(const struct cluster *cluster, const char *name)
{
	for (unsigned i = 0; i < cluster->node_count; i++) {
		const struct cluster_node *node = &cluster->nodes[i];

		if (strcmp(node->name, name) == 0 || strcmp(node->id, name) == 0)
			return node;
	}
	return NULL;
}

static bool check_node(const struct cluster *cluster, const char *name, struct err *err)
{
	SCOPED(buf_done) struct buf known = {0};

	if (cluster_node(cluster, name))
		return true;
	for (unsigned i = 0; i < cluster->node_count; i++)
		buf_addf(&known, "%s%s", i ? ", " : "", cluster->nodes[i].name);
	return err_set(
		err, "there is no node \"%s\": there are %s", name, buf_text(&known));
}

/* --- the service --- */

static void begin(struct cluster *cluster, const char *name, bool ours,
	cluster_changed_fn *changed, void *arg)
{
	assert(!cluster->service);
	cluster->service = mem_text(name);
	cluster->ours = ours;
	cluster->changed = changed;
	cluster->arg = arg;
}

bool cluster_deploy(struct cluster *cluster, const struct cluster_spec *spec,
	cluster_changed_fn *changed, void *arg, struct err *err)
{
	begin(cluster, spec->name, true, changed, arg);
	cluster->replicas = spec->replicas;
	cluster->grace_ns = spec->grace_ns;
	cluster->stop_signal = mem_text(spec->stop_signal);
	return (cluster->ops->deploy(cluster, spec, err) &&
		       cluster->ops->watch(cluster, err)) ||
		err_while(err, "deploy %s", spec->name);
}

bool cluster_find(struct cluster *cluster, const char *name,
	cluster_changed_fn *changed, void *arg, struct err *err)
{
	begin(cluster, name, false, changed, arg);
	return cluster->ops->find(cluster, name, err) &&
		cluster->ops->watch(cluster, err);
}

/* --- the actions --- */

static void act(struct cluster *cluster)
{
	assert(cluster->service);
	cluster->gave_up[0] = '\0';
}

void cluster_ignore(struct cluster *cluster)
{
	cluster->changed = NULL;
}

bool cluster_update(struct cluster *cluster, struct err *err)
{
	act(cluster);
	return cluster->ops->update(cluster, err) ||
		err_while(err, "update %s", cluster->service);
}

bool cluster_scale(struct cluster *cluster, unsigned replicas, struct err *err)
{
	act(cluster);
	if (!cluster->ops->scale(cluster, replicas, err))
		return err_while(err, "scale %s to %u", cluster->service, replicas);
	cluster->replicas = replicas;
	return true;
}

bool cluster_drain(struct cluster *cluster, const char *node, struct err *err)
{
	act(cluster);
	return (check_node(cluster, node, err) &&
		       cluster->ops->drain(cluster, node, err)) ||
		err_while(err, "drain %s", node);
}

bool cluster_activate(struct cluster *cluster, const char *node, struct err *err)
{
	act(cluster);
	return (check_node(cluster, node, err) &&
		       cluster->ops->activate(cluster, node, err)) ||
		err_while(err, "activate %s", node);
}

bool cluster_remove(struct cluster *cluster, struct err *err)
{
	act(cluster);
	if (!cluster->ops->remove(cluster, err))
		return err_while(err, "remove %s", cluster->service);
	cluster->replicas = 0;
	return true;
}

bool cluster_has_settled(const struct cluster *cluster)
{
	return cluster->service && !cluster->unobserved[0] &&
		cluster->ops->has_settled(cluster);
}

const struct cluster_task *cluster_task_of_container(
	const struct cluster *cluster, const char *container)
{
	for (unsigned i = 0; i < cluster->task_count; i++)
		if (cluster->tasks[i].container &&
			strcmp(cluster->tasks[i].container, container) == 0)
			return &cluster->tasks[i];
	return NULL;
}

const char *cluster_message(const struct cluster *cluster)
{
	for (unsigned i = cluster->task_count; i-- > 0;) {
		if (cluster->tasks[i].message)
			return cluster->tasks[i].message;
	}
	return cluster->unobserved[0] ? cluster->unobserved : NULL;
}

int cluster_clean(struct cluster *cluster, cluster_is_over_fn *is_over,
	cluster_said_fn *said, void *arg, struct err *err)
{
	return cluster->ops->clean(cluster, is_over, said, arg, err);
}
