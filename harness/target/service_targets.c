#include "harness/target/service_targets.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define SETTLED_NS (10 * CLOCK_S)

static void on_changed(void *arg UNUSED)
{
}

static bool is_settled(const void *arg)
{
	return cluster_has_settled(arg);
}

static bool runs(const struct cluster_task *task)
{
	return task->state == TASK_RUNNING && task->wanted && task->container;
}

/* One that does not come to rest is taken as it is. */
static bool await_tasks(
	const struct cluster *cluster, const struct targets *targets, struct err *err)
{
	if (wait_until(cluster->loop, is_settled, cluster, clock_now() + SETTLED_NS,
		    &targets->interrupted) == WAIT_INTERRUPTED)
		return err_set(err, "interrupted");
	return !cluster->unobserved[0] || err_set(err, "%s", cluster->unobserved);
}

static bool has_failed(const struct cluster_task *task)
{
	return task->state == TASK_ENDED && !task->unwanted_ns && !task->lost;
}

/* Swarm lists the last tasks of each slot, five by default. */
static void find_failing(struct service_targets *service)
{
	const struct cluster *cluster = service->cluster;

	for (unsigned i = 0; i < cluster->task_count; i++) {
		const struct cluster_task *task = &cluster->tasks[i];
		unsigned failures = 0;

		for (unsigned k = 0; has_failed(task) && k < cluster->task_count; k++)
			failures += has_failed(&cluster->tasks[k]) &&
				strcmp(cluster->tasks[k].name, task->name) == 0;
		if (failures <= service->failures)
			continue;
		service->failing = task;
		service->failures = failures;
	}
}

static void add_elsewhere(
	struct service_targets *service, const struct cluster_task *task)
{
	const struct cluster_node *node =
		task->node ? cluster_node(service->cluster, task->node) : NULL;

	buf_addf(&service->elsewhere, "%s%s on %s", service->elsewhere.len ? ", " : "",
		task->name, task->node ? task->node : "?");
	if (node && node->address)
		buf_addf(&service->elsewhere, " (%s)", node->address);
}

static void name_tasks(struct service_targets *service, struct targets *targets)
{
	const struct cluster *cluster = service->cluster;
	SCOPED(json_free) cJSON *about = cluster_fingerprint(service->cluster);
	const char *here = json_text(about, "manager_name");

	free(targets->names);
	targets->names = mem_zeroed(sizeof *targets->names * (cluster->task_count + 1));
	for (unsigned i = 0; i < cluster->task_count; i++) {
		const struct cluster_task *task = &cluster->tasks[i];

		if (!runs(task))
			continue;
		service->tasks++;
		if (here && task->node && strcmp(task->node, here) == 0)
			targets->names[targets->name_count++] = task->container;
		else
			add_elsewhere(service, task);
	}
	service->here = targets->name_count;
}

bool service_targets_name(struct service_targets *service, struct targets *targets,
	const char *name, struct err *err)
{
	const char *why;

	service->cluster = cluster_create(&targets->loop, "swarm",
		&(struct cluster_options){
			.run_id = "check",
			.interrupted = &targets->interrupted,
		},
		err);
	if (!service->cluster ||
		!cluster_find(service->cluster, name, on_changed, NULL, err) ||
		!await_tasks(service->cluster, targets, err))
		return false;
	name_tasks(service, targets);
	find_failing(service);
	service->own_grace =
		targets->grace_ns == ATTACH_OWN_GRACE && service->cluster->grace_ns;
	if (service->own_grace)
		targets->grace_ns = service->cluster->grace_ns;
	why = cluster_message(service->cluster);
	return service->tasks > 0 ||
		err_set(err, "nothing runs of the service %s%s%.300s", name,
			why ? ": " : "", why ? why : "");
}

void service_targets_describe(
	struct service_targets *service, const struct targets *targets)
{
	struct err ignored;
	cJSON *whole = targets->containers && targets->name_count > 0
		? engine_describe(targets->containers, ENGINE_CONTAINER,
			  targets->names[0], &ignored)
		: NULL;

	service->container = cJSON_DetachItemFromObjectCaseSensitive(whole, "Config");
	cJSON_Delete(whole);
}

void service_targets_done(struct service_targets *service)
{
	cluster_destroy(service->cluster);
	buf_done(&service->elsewhere);
	cJSON_Delete(service->container);
	*service = (struct service_targets){0};
}
