/*
 * Docker Swarm: services with replicas, through the API of a manager alone. Swarm
 * schedules, updates and stops; what comes of it is asked for.
 */
#include "harness/cluster/swarm/swarm.h"

#include <stdlib.h>
#include <string.h>

#include "harness/cluster/swarm/mesh.h"
#include "harness/cluster/swarm/swarm_clean.h"
#include "harness/cluster/swarm/swarm_nodes.h"
#include "harness/cluster/swarm/swarm_object.h"
#include "harness/cluster/swarm/swarm_service.h"
#include "harness/cluster/swarm/swarm_watch.h"
#include "harness/cluster/task_list.h"
#include "harness/engine/run_label.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/wait.h"

static struct swarm *of(struct cluster *cluster)
{
	return (struct swarm *)cluster;
}

/* --- calls --- */

static bool never(const void *arg UNUSED)
{
	return false;
}

/* Swarm did not take the call, and may soon: an election goes on, or the manager's daemon
 * starts again. */
static bool may_come_back(long status, const struct err *err)
{
	return strstr(err->text, "does not have a leader") ||
		strstr(err->text, "has no leader") ||
		(status == 0 && strstr(err->text, "onnect to "));
}

bool swarm_call(struct swarm *swarm, const struct docker_call *call, struct err *err)
{
	int64_t deadline_ns = clock_now() + CLUSTER_CALL_NS;
	struct docker_call once = *call;
	long status;

	if (!once.status)
		once.status = &status;
	once.stubborn = once.stubborn || swarm->mending;
	for (int64_t pause_ns = 100 * CLOCK_MS;; pause_ns *= 2) {
		if (docker_api_call(swarm->api, &once, err))
			return true;
		if (!may_come_back(*once.status, err) ||
			clock_now() + pause_ns > deadline_ns)
			return err_while(err, "manager %s", swarm->api->address);
		if (wait_until(swarm->cluster.loop, never, NULL, clock_now() + pause_ns,
			    once.stubborn ? NULL : swarm->api->interrupted) ==
			WAIT_INTERRUPTED)
			return err_set(err, "interrupted");
	}
}

/* --- the service --- */

/* By its id no node asks a registry for it. The caller's. */
static char *image_id(struct swarm *swarm, const char *image, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf("/images/%s/json", image);
	SCOPED(json_free) cJSON *json = NULL;
	long status;
	char *id;

	if (!swarm_call(swarm,
		    &(struct docker_call){
			    .path = path, .answer = &json, .status = &status},
		    err)) {
		if (status == 404)
			err_set(err,
				"there is no image %s on the manager, and none is "
				"pulled: every node needs it with the same id (docker "
				"save, docker load)",
				image);
		return NULL;
	}
	id = mem_text(json_text(json, "Id"));
	if (!id)
		err_set(err, "image %s has no id", image);
	return id;
}

static bool create_network(struct swarm *swarm, const char *service, struct err *err)
{
	SCOPED(mem_free) char *name = mem_textf("%s-net", service);
	SCOPED(json_free)
	cJSON *config = json_fill(NULL,
		"{'Name': %s, 'Driver': 'overlay', 'CheckDuplicate': true}", name);
	SCOPED(json_free) cJSON *answer = NULL;

	cJSON_AddItemToObject(config, "Labels", cJSON_Duplicate(swarm->labels, true));
	if (!swarm_call(swarm,
		    &(struct docker_call){
			    .method = "POST",
			    .path = "/networks/create",
			    .json = config,
			    .answer = &answer,
		    },
		    err))
		return err_while(err, "create network %s", name);
	swarm->network_id = mem_text(json_text(answer, "Id"));
	return swarm->network_id || err_set(err, "network %s has no id", name);
}

static void note_action(struct swarm *swarm, bool is_update)
{
	swarm->acted_ns = clock_now();
	swarm->updating = is_update;
	if (swarm->watch)
		swarm_watch_hurry(swarm->watch);
}

static bool create_service(struct swarm *swarm, const struct cluster_spec *spec,
	const char *image, struct err *err)
{
	SCOPED(json_free)
	cJSON *config =
		swarm_service_spec(spec, image, swarm->network_id, swarm->labels);
	SCOPED(json_free) cJSON *answer = NULL;

	if (!swarm_call(swarm,
		    &(struct docker_call){
			    .method = "POST",
			    .path = "/services/create",
			    .json = config,
			    .answer = &answer,
		    },
		    err))
		return false;
	swarm->service_id = mem_text(json_text(answer, "ID"));
	return swarm->service_id || err_set(err, "the service has no id");
}

static bool deploy(
	struct cluster *cluster, const struct cluster_spec *spec, struct err *err)
{
	struct swarm *swarm = of(cluster);
	SCOPED(mem_free) char *image = NULL;

	if (spec->publish == PUBLISH_MESH && spec->port &&
		!mesh_is_possible(swarm->info, err))
		return false;
	image = image_id(swarm, spec->image, err);
	if (!image || (spec->overlay && !create_network(swarm, spec->name, err)) ||
		!create_service(swarm, spec, image, err))
		return false;
	note_action(swarm, false);
	return true;
}

static bool find(struct cluster *cluster, const char *name, struct err *err)
{
	struct swarm *swarm = of(cluster);
	SCOPED(mem_free) char *escaped = docker_api_escape(name);
	SCOPED(mem_free) char *path = mem_textf("/services/%s", escaped);
	SCOPED(json_free) cJSON *service = NULL;

	if (!swarm_call(swarm, &(struct docker_call){.path = path, .answer = &service},
		    err))
		return false;
	swarm->service_id = mem_text(json_text(service, "ID"));
	if (!swarm->service_id)
		return err_set(err, "service %s has no id", name);
	/* Names of tasks begin with its name, though it was found by its id. */
	free(cluster->service);
	cluster->service = mem_text(json_text(json_get(service, "Spec"), "Name"));
	if (!cluster->service)
		cluster->service = mem_text(name);
	swarm_service_note(cluster, json_get(service, "Spec"));
	cluster->settings = cJSON_Duplicate(json_get(service, "Spec"), true);
	return true;
}

static bool watch(struct cluster *cluster, struct err *err UNUSED)
{
	of(cluster)->watch = swarm_watch_create(of(cluster));
	return true;
}

/* --- the actions --- */

static bool force(
	struct swarm_object *object, const void *arg UNUSED, struct err *err UNUSED)
{
	swarm_service_force(object->spec);
	return true;
}

static bool set_replicas(struct swarm_object *object, const void *arg, struct err *err)
{
	return swarm_service_scale(object->spec, *(const unsigned *)arg, err);
}

static bool change_service(struct swarm *swarm, swarm_change_fn *change,
	const void *arg, bool is_update, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf("/services/%s", swarm->service_id);

	if (!swarm_object_change(swarm, path, change, arg, err))
		return false;
	note_action(swarm, is_update);
	return true;
}

static bool update(struct cluster *cluster, struct err *err)
{
	return change_service(of(cluster), force, NULL, true, err);
}

static bool scale(struct cluster *cluster, unsigned replicas, struct err *err)
{
	return change_service(of(cluster), set_replicas, &replicas, false, err);
}

static bool drain(struct cluster *cluster, const char *node, struct err *err)
{
	if (!swarm_node_drain(of(cluster), node, err))
		return false;
	note_action(of(cluster), false);
	return true;
}

static bool activate(struct cluster *cluster, const char *node, struct err *err)
{
	struct swarm *swarm = of(cluster);
	bool ok;

	swarm->mending = true;
	ok = swarm_node_activate(swarm, node, err);
	swarm->mending = false;
	if (ok)
		note_action(swarm, false);
	return ok;
}

static bool remove_service(struct cluster *cluster, struct err *err)
{
	struct swarm *swarm = of(cluster);
	SCOPED(mem_free) char *path = mem_textf("/services/%s", swarm->service_id);

	if (!swarm_call(swarm, &(struct docker_call){.method = "DELETE", .path = path},
		    err))
		return false;
	swarm->removed = true;
	note_action(swarm, false);
	return true;
}

static bool one_is_misplaced(const struct cluster *cluster)
{
	for (unsigned i = 0; i < cluster->task_count; i++) {
		const struct cluster_task *task = &cluster->tasks[i];
		const struct cluster_node *node =
			task->node ? cluster_node(cluster, task->node) : NULL;

		if (task->wanted && node && !(node->ready && node->active))
			return true;
	}
	return false;
}

static bool has_settled(const struct cluster *cluster)
{
	const struct swarm *swarm = (const struct swarm *)cluster;
	struct task_counts counts = task_list_count(cluster);

	if (!swarm->watch || swarm_watch_seen_ns(swarm->watch) <= swarm->acted_ns)
		return false;
	if (swarm->updating && !swarm->removed && cluster->replicas > 0 &&
		swarm_watch_update(swarm->watch) != SWARM_UPDATE_COMPLETED)
		return false;
	return counts.ready == cluster->replicas && counts.wanted == counts.ready &&
		counts.ending == 0 && !one_is_misplaced(cluster);
}

/* --- the swarm --- */

static bool nodes(struct cluster *cluster, struct err *err)
{
	return swarm_nodes_refresh(of(cluster), err);
}

static void fingerprint(struct cluster *cluster, cJSON *json)
{
	const struct swarm *swarm = of(cluster);

	cJSON_AddStringToObject(json, "manager", swarm->api->address);
	json_add_text(json, "manager_name", json_text(swarm->info, "Name"));
	json_add_text(json, "manager_version", json_text(swarm->api->about, "Version"));
	cJSON_AddStringToObject(json, "api_version", swarm->api->version);
	json_add_text(json, "manager_kernel", json_text(swarm->info, "KernelVersion"));
	cJSON_AddNumberToObject(json, "managers",
		(double)json_int(json_get(swarm->info, "Swarm"), "Managers", 0));
}

static void destroy(struct cluster *cluster)
{
	struct swarm *swarm = of(cluster);

	swarm_watch_destroy(swarm->watch);
	docker_api_close(swarm->api);
	cJSON_Delete(swarm->info);
	cJSON_Delete(swarm->labels);
	free(swarm->service_id);
	free(swarm->network_id);
	cluster_done(cluster);
	free(swarm);
}

static const struct cluster_ops swarm_ops = {
	.destroy = destroy,
	.fingerprint = fingerprint,
	.nodes = nodes,
	.deploy = deploy,
	.find = find,
	.watch = watch,
	.update = update,
	.scale = scale,
	.drain = drain,
	.activate = activate,
	.remove = remove_service,
	.has_settled = has_settled,
	.clean = swarm_clean,
};

static bool check_manager(const struct swarm *swarm, struct err *err)
{
	const cJSON *about = json_get(swarm->info, "Swarm");
	const char *state = json_text(about, "LocalNodeState");

	if (json_bool(about, "ControlAvailable", false))
		return true;
	if (state && strcmp(state, "active") == 0)
		return err_set(err,
			"%s is a worker of its swarm: let DOCKER_HOST name a manager",
			swarm->api->address);
	return err_set(err, "%s is in no swarm (%s): `docker swarm init` makes one",
		swarm->api->address, state ? state : "unknown");
}

struct cluster *swarm_open(
	uv_loop_t *loop, const struct cluster_options *options, struct err *err)
{
	struct swarm *swarm = mem_zeroed(sizeof *swarm);

	swarm->cluster.kind = "swarm";
	swarm->cluster.ops = &swarm_ops;
	swarm->cluster.loop = loop;
	swarm->cluster.options = *options;
	swarm->labels = run_labels(options->run_id);
	swarm->api = docker_api_open(loop, options->address, options->interrupted, err);
	if (swarm->api &&
		swarm_call(swarm,
			&(struct docker_call){.path = "/info", .answer = &swarm->info},
			err) &&
		check_manager(swarm, err) && swarm_nodes_refresh(swarm, err))
		return &swarm->cluster;
	destroy(&swarm->cluster);
	return NULL;
}
