#include "harness/engine/docker/container_config.h"

static cJSON *strings(const char *const *list)
{
	cJSON *array = cJSON_CreateArray();

	for (; list && *list; list++)
		cJSON_AddItemToArray(array, cJSON_CreateString(*list));
	return array;
}

/* Mounted read-only: a container that could write would leave setuid programs on the
 * host or replace the ledger's socket. A socket accepts connections all the same. Docker
 * offers no nosuid or nodev for a bind mount; read-only, no such file can be made. */
static cJSON *host_config(const struct subject_spec *spec)
{
	cJSON *host = cJSON_CreateObject();
	cJSON *mounts = cJSON_AddArrayToObject(host, "Mounts");
	cJSON *mount = cJSON_CreateObject();

	cJSON_AddStringToObject(mount, "Type", "bind");
	cJSON_AddStringToObject(mount, "Source", spec->run_folder);
	cJSON_AddStringToObject(mount, "Target", spec->run_folder);
	cJSON_AddBoolToObject(mount, "ReadOnly", true);
	cJSON_AddItemToArray(mounts, mount);
	cJSON_AddStringToObject(
		host, "NetworkMode", spec->network ? spec->network : "host");
	cJSON_AddBoolToObject(host, "Init", spec->init);
	cJSON_AddBoolToObject(host, "AutoRemove", false);
	cJSON_AddStringToObject(
		cJSON_AddObjectToObject(host, "RestartPolicy"), "Name", "no");
	cJSON_AddStringToObject(
		cJSON_AddObjectToObject(host, "LogConfig"), "Type", "json-file");
	return host;
}

/* On a network of its own it is known by its name. */
static void add_alias(cJSON *config, const struct subject_spec *spec)
{
	cJSON *networking = cJSON_AddObjectToObject(config, "NetworkingConfig");
	cJSON *endpoints = cJSON_AddObjectToObject(networking, "EndpointsConfig");
	cJSON *endpoint = cJSON_AddObjectToObject(endpoints, spec->network);
	const char *const names[] = {spec->name, NULL};

	cJSON_AddItemToObject(endpoint, "Aliases", strings(names));
}

cJSON *container_config(const struct subject_spec *spec, const char *image,
	int64_t grace_s, cJSON *labels)
{
	cJSON *config = cJSON_CreateObject();

	cJSON_AddStringToObject(config, "Image", image);
	if (spec->entrypoint)
		cJSON_AddItemToObject(config, "Entrypoint", strings(spec->entrypoint));
	if (spec->command)
		cJSON_AddItemToObject(config, "Cmd", strings(spec->command));
	cJSON_AddItemToObject(config, "Env", strings(spec->env));
	cJSON_AddItemToObject(config, "Labels", labels);
	if (spec->stop_signal)
		cJSON_AddStringToObject(config, "StopSignal", spec->stop_signal);
	cJSON_AddNumberToObject(config, "StopTimeout", (double)grace_s);
	cJSON_AddBoolToObject(config, "Tty", false);
	cJSON_AddItemToObject(config, "HostConfig", host_config(spec));
	if (spec->network)
		add_alias(config, spec);
	return config;
}
