#include "harness/cluster/swarm/swarm_service.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

/* How long a new task is watched before it counts as one that did not fail. Swarm's own
 * default of 5 s would follow the last task of every update. */
#define MONITOR_NS (1 * CLOCK_S)
/* Docker's, for a service that says none. */
#define DEFAULT_GRACE_NS (10 * CLOCK_S)

static void add_strings(cJSON *json, const char *key, const char *const *list)
{
	cJSON *array;

	if (!list)
		return;
	array = cJSON_AddArrayToObject(json, key);
	for (; *list; list++)
		cJSON_AddItemToArray(array, cJSON_CreateString(*list));
}

/* Docker's "command" is what replaces the entrypoint, "args" what replaces the image's
 * command. */
static cJSON *container(
	const struct cluster_spec *spec, const char *image_id, const cJSON *labels)
{
	cJSON *json = json_fill(NULL, "{'Image': %s, 'Init': false}", image_id);

	add_strings(json, "Command", spec->entrypoint);
	add_strings(json, "Args", spec->command);
	add_strings(json, "Env", spec->env);
	if (spec->stop_signal)
		cJSON_AddStringToObject(json, "StopSignal", spec->stop_signal);
	json_add_int(json, "StopGracePeriod", spec->grace_ns);
	cJSON_AddItemToObject(json, "Labels", cJSON_Duplicate(labels, true));
	return json;
}

static cJSON *endpoint(const struct cluster_spec *spec)
{
	bool mesh = spec->publish == PUBLISH_MESH;
	/* Host ports need no virtual address, and some kernels have no IPVS for one. */
	cJSON *json = json_fill(NULL, "{'Mode': %s}", mesh ? "vip" : "dnsrr");

	if (spec->port)
		cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "Ports"),
			json_fill(NULL,
				"{'Protocol': 'tcp', 'TargetPort': %u, 'PublishMode': %s}",
				spec->port, mesh ? "ingress" : "host"));
	return json;
}

static cJSON *update_config(const struct cluster_spec *spec)
{
	cJSON *json = json_fill(NULL,
		"{'Parallelism': %u, 'FailureAction': 'pause', 'Order': %s}",
		spec->parallelism, update_order_names[spec->order]);

	json_add_int(json, "Delay", spec->delay_ns);
	json_add_int(json, "Monitor", MONITOR_NS);
	return json;
}

cJSON *swarm_service_spec(const struct cluster_spec *spec, const char *image_id,
	const char *network_id, const cJSON *labels)
{
	cJSON *json = json_fill(NULL,
		"{'Name': %s, 'Mode': {'Replicated': {'Replicas': %u}}}", spec->name,
		spec->replicas);
	cJSON *template = cJSON_AddObjectToObject(json, "TaskTemplate");

	cJSON_AddItemToObject(json, "Labels", cJSON_Duplicate(labels, true));
	cJSON_AddItemToObject(
		template, "ContainerSpec", container(spec, image_id, labels));
	if (network_id)
		cJSON_AddItemToArray(cJSON_AddArrayToObject(template, "Networks"),
			json_fill(NULL, "{'Target': %s}", network_id));
	cJSON_AddItemToObject(json, "UpdateConfig", update_config(spec));
	cJSON_AddItemToObject(json, "EndpointSpec", endpoint(spec));
	return json;
}

static void put(cJSON *spec, const char *path, cJSON *value)
{
	struct err err;
	bool ok UNUSED = json_put_at(spec, path, value, &err);
}

void swarm_service_force(cJSON *spec)
{
	int64_t forced = json_int(json_get(spec, "TaskTemplate"), "ForceUpdate", 0);

	put(spec, "TaskTemplate.ForceUpdate", cJSON_CreateNumber((double)(forced + 1)));
}

bool swarm_service_is_global(const cJSON *spec)
{
	return !json_at(spec, "Mode.Replicated");
}

bool swarm_service_scale(cJSON *spec, unsigned replicas, struct err *err)
{
	if (swarm_service_is_global(spec))
		return err_set(err,
			"it is a global service, which has a task on every node: only "
			"replicated ones can be scaled");
	put(spec, "Mode.Replicated.Replicas", cJSON_CreateNumber(replicas));
	return true;
}

void swarm_service_note(struct cluster *cluster, const cJSON *spec)
{
	const cJSON *inside = json_at(spec, "TaskTemplate.ContainerSpec");
	/* A replicated service that says no number has one. */
	int64_t replicas = json_int(json_at(spec, "Mode.Replicated"), "Replicas", 1);

	if (!swarm_service_is_global(spec))
		cluster->replicas = (unsigned)replicas;
	cluster->grace_ns = json_int(inside, "StopGracePeriod", DEFAULT_GRACE_NS);
	free(cluster->stop_signal);
	cluster->stop_signal = mem_text(json_text(inside, "StopSignal"));
}

unsigned swarm_service_mesh_port(const cJSON *service)
{
	const cJSON *port;

	cJSON_ArrayForEach(port, json_at(service, "Endpoint.Ports")) {
		const char *mode = json_text(port, "PublishMode");

		if (mode && strcmp(mode, "ingress") == 0)
			return (unsigned)json_int(port, "PublishedPort", 0);
	}
	return 0;
}

enum swarm_update swarm_service_update(const cJSON *service)
{
	static const struct row {
		const char *state;
		enum swarm_update means;
	} rows[] = {
		{"updating", SWARM_UPDATE_GOING},
		{"completed", SWARM_UPDATE_COMPLETED},
		{"paused", SWARM_UPDATE_GIVEN_UP},
		{"rollback_started", SWARM_UPDATE_GIVEN_UP},
		{"rollback_paused", SWARM_UPDATE_GIVEN_UP},
		{"rollback_completed", SWARM_UPDATE_GIVEN_UP},
	};
	const char *state = json_text(json_get(service, "UpdateStatus"), "State");

	for (size_t i = 0; state && i < COUNT(rows); i++)
		if (strcmp(state, rows[i].state) == 0)
			return rows[i].means;
	return SWARM_UPDATE_NONE;
}

const char *swarm_service_update_message(const cJSON *service)
{
	return json_text(json_get(service, "UpdateStatus"), "Message");
}
