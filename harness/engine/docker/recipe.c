#include "harness/engine/docker/recipe.h"

static cJSON *strings(const char *const *list)
{
	cJSON *array = cJSON_CreateArray();

	for (; list && *list; list++)
		cJSON_AddItemToArray(array, cJSON_CreateString(*list));
	return array;
}

static cJSON *host_config(const struct unit *unit)
{
	cJSON *host = cJSON_CreateObject();
	cJSON *mounts = cJSON_AddArrayToObject(host, "Mounts");
	cJSON *mount = cJSON_CreateObject();

	cJSON_AddStringToObject(mount, "Type", "bind");
	cJSON_AddStringToObject(mount, "Source", unit->run_folder);
	cJSON_AddStringToObject(mount, "Target", unit->run_folder);
	cJSON_AddItemToArray(mounts, mount);
	cJSON_AddStringToObject(
		host, "NetworkMode", unit->network ? unit->network : "host");
	cJSON_AddBoolToObject(host, "Init", unit->init);
	cJSON_AddBoolToObject(host, "AutoRemove", false);
	cJSON_AddStringToObject(
		cJSON_AddObjectToObject(host, "RestartPolicy"), "Name", "no");
	cJSON_AddStringToObject(
		cJSON_AddObjectToObject(host, "LogConfig"), "Type", "json-file");
	return host;
}

/* On a network of its own it is known by its name. */
static void add_alias(cJSON *config, const struct unit *unit)
{
	cJSON *networking = cJSON_AddObjectToObject(config, "NetworkingConfig");
	cJSON *endpoints = cJSON_AddObjectToObject(networking, "EndpointsConfig");
	cJSON *endpoint = cJSON_AddObjectToObject(endpoints, unit->network);
	const char *const names[] = {unit->name, NULL};

	cJSON_AddItemToObject(endpoint, "Aliases", strings(names));
}

cJSON *recipe_of(const struct docker_engine *docker, const struct unit *unit,
	const char *image, int64_t grace_s)
{
	cJSON *config = cJSON_CreateObject();

	cJSON_AddStringToObject(config, "Image", image);
	if (unit->argv)
		cJSON_AddItemToObject(config, "Entrypoint", strings(unit->argv));
	cJSON_AddItemToObject(config, "Env", strings(unit->env));
	cJSON_AddItemToObject(config, "Labels", docker_labels(docker));
	cJSON_AddStringToObject(config, "StopSignal", unit->stop_signal);
	cJSON_AddNumberToObject(config, "StopTimeout", (double)grace_s);
	cJSON_AddBoolToObject(config, "Tty", false);
	cJSON_AddItemToObject(config, "HostConfig", host_config(unit));
	if (unit->network)
		add_alias(config, unit);
	return config;
}
