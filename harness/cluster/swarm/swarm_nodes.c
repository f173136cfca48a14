#include "harness/cluster/swarm/swarm_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "harness/cluster/swarm/swarm_object.h"
#include "harness/engine/run_label.h"
#include "lib/json.h"
#include "lib/mem.h"

static bool is_text(const cJSON *json, const char *path, const char *text)
{
	const cJSON *node = json_at(json, path);

	return cJSON_IsString(node) && strcmp(node->valuestring, text) == 0;
}

/* A manager may not know its own address but by the one of its raft: "10.0.0.5:2377". The
 * caller's. */
static char *address_of(const cJSON *node)
{
	const char *address = json_text(json_get(node, "Status"), "Addr");
	const char *manager = json_text(json_get(node, "ManagerStatus"), "Addr");
	const char *colon = manager ? strrchr(manager, ':') : NULL;

	if (colon &&
		(!address || !address[0] || strcmp(address, "0.0.0.0") == 0 ||
			strncmp(address, "127.", 4) == 0))
		return mem_textf("%.*s", (int)(colon - manager), manager);
	return mem_text(address ? address : "");
}

static void note(struct cluster_node *known, const cJSON *node)
{
	known->manager = is_text(node, "Spec.Role", "manager");
	known->ready = is_text(node, "Status.State", "ready");
	known->active = is_text(node, "Spec.Availability", "active");
}

void swarm_nodes_read(struct cluster *cluster, const cJSON *nodes)
{
	const cJSON *node;

	cluster_forget_nodes(cluster);
	cJSON_ArrayForEach(node, nodes) {
		const char *id = json_text(node, "ID");
		const char *name = json_text(json_get(node, "Description"), "Hostname");
		struct cluster_node *known;

		/* A node that was told to join and has not yet spoken has no name. */
		if (!id)
			continue;
		cluster->nodes = mem_grown(cluster->nodes, cluster->node_count + 1,
			sizeof *cluster->nodes);
		known = &cluster->nodes[cluster->node_count++];
		*known = (struct cluster_node){
			.id = mem_text(id),
			.name = mem_text(name ? name : id),
			.address = address_of(node),
		};
		note(known, node);
	}
}

static struct cluster_node *known_node(struct cluster *cluster, const char *name)
{
	for (unsigned i = 0; name && i < cluster->node_count; i++) {
		struct cluster_node *node = &cluster->nodes[i];

		if (strcmp(node->id, name) == 0 || strcmp(node->name, name) == 0)
			return node;
	}
	return NULL;
}

bool swarm_nodes_note(struct cluster *cluster, const cJSON *nodes)
{
	const cJSON *node;
	bool changed = false;

	cJSON_ArrayForEach(node, nodes) {
		struct cluster_node *known = known_node(cluster, json_text(node, "ID"));
		struct cluster_node before;

		if (!known)
			continue;
		before = *known;
		note(known, node);
		changed = changed || before.ready != known->ready ||
			before.active != known->active;
	}
	return changed;
}

bool swarm_nodes_refresh(struct swarm *swarm, struct err *err)
{
	SCOPED(json_free) cJSON *nodes = NULL;

	if (!swarm_call(swarm,
		    &(struct docker_call){.path = "/nodes", .answer = &nodes}, err))
		return false;
	swarm_nodes_read(&swarm->cluster, nodes);
	return true;
}

/* --- availability --- */

static cJSON *labels_of(cJSON *spec)
{
	cJSON *labels = cJSON_GetObjectItemCaseSensitive(spec, "Labels");

	if (cJSON_IsObject(labels))
		return labels;
	cJSON_DeleteItemFromObjectCaseSensitive(spec, "Labels");
	return cJSON_AddObjectToObject(spec, "Labels");
}

static void set_text(cJSON *object, const char *key, const char *text)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	cJSON_AddStringToObject(object, key, text);
}

static bool drain(struct swarm_object *object, const void *arg, struct err *err)
{
	const cJSON *ours = arg, *label;
	const char *before = json_text(object->spec, "Availability");
	cJSON *labels = labels_of(object->spec);

	if (before && strcmp(before, "drain") == 0)
		return err_set(err, "it is drained already");
	set_text(labels, SWARM_AVAILABILITY_LABEL, before ? before : "active");
	cJSON_ArrayForEach(label, ours)
		set_text(labels, label->string, label->valuestring);
	set_text(object->spec, "Availability", "drain");
	return true;
}

static bool activate(
	struct swarm_object *object, const void *arg UNUSED, struct err *err UNUSED)
{
	cJSON *labels = labels_of(object->spec);
	SCOPED(mem_free)
	char *before = mem_text(json_text(labels, SWARM_AVAILABILITY_LABEL));

	set_text(object->spec, "Availability", before ? before : "active");
	cJSON_DeleteItemFromObjectCaseSensitive(labels, SWARM_AVAILABILITY_LABEL);
	cJSON_DeleteItemFromObjectCaseSensitive(labels, RUN_LABEL);
	cJSON_DeleteItemFromObjectCaseSensitive(labels, RUN_LABEL_HOME);
	return true;
}

static bool change(struct swarm *swarm, const char *name, swarm_change_fn *how,
	const void *arg, bool active, struct err *err)
{
	struct cluster_node *node = known_node(&swarm->cluster, name);
	SCOPED(mem_free) char *path = mem_textf("/nodes/%s", node ? node->id : name);

	if (!swarm_object_change(swarm, path, how, arg, err))
		return false;
	if (node)
		node->active = active;
	return true;
}

bool swarm_node_drain(struct swarm *swarm, const char *name, struct err *err)
{
	return change(swarm, name, drain, swarm->labels, false, err);
}

bool swarm_node_activate(struct swarm *swarm, const char *name, struct err *err)
{
	return change(swarm, name, activate, NULL, true, err);
}
