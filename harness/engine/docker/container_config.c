#include "harness/engine/docker/container_config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

static void add_strings(cJSON *json, const char *key, const char *const *list)
{
	cJSON *array = cJSON_AddArrayToObject(json, key);

	for (; list && *list; list++)
		cJSON_AddItemToArray(array, cJSON_CreateString(*list));
}

static void add_list(cJSON *json, const char *key, const struct strlist *list)
{
	if (list->count > 0)
		add_strings(json, key, (const char *const *)list->item);
}

static void add_text(cJSON *json, const char *key, const char *text)
{
	if (text)
		cJSON_AddStringToObject(json, key, text);
}

static void add_number(cJSON *json, const char *key, int64_t number)
{
	if (number)
		json_add_int(json, key, number);
}

const char *container_config_network(const struct subject_spec *spec)
{
	const struct container_options *options = spec->container;

	if (spec->network)
		return spec->network;
	if (options && options->networks.count > 0)
		return options->networks.item[0];
	return options && options->ports.count > 0 ? "bridge" : "host";
}

/* As a mount and not as a "bind": a path of the host that does not exist is an error,
 * and no folder is made there. */
static void add_volumes(cJSON *mounts, const struct volumes *volumes)
{
	for (unsigned i = 0; i < volumes->count; i++) {
		const struct volume *volume = &volumes->item[i];
		bool is_path = volume->source && volume->source[0] == '/';
		cJSON *mount = json_fill(NULL, "{'Type': %s, 'Target': %s}",
			is_path ? "bind" : "volume", volume->target);

		add_text(mount, "Source", volume->source);
		cJSON_AddBoolToObject(mount, "ReadOnly", volume->read_only);
		cJSON_AddItemToArray(mounts, mount);
	}
}

static void add_tmpfs(cJSON *host, const struct strlist *tmpfs)
{
	cJSON *paths = tmpfs->count ? cJSON_AddObjectToObject(host, "Tmpfs") : NULL;

	for (unsigned i = 0; i < tmpfs->count; i++) {
		const char *colon = strchr(tmpfs->item[i], ':');
		SCOPED(mem_free)
		char *path = mem_textf(
			"%.*s", (int)strcspn(tmpfs->item[i], ":"), tmpfs->item[i]);

		cJSON_AddStringToObject(paths, path, colon ? colon + 1 : "");
	}
}

/* The port inside has to be exposed as well. */
static void add_ports(cJSON *config, cJSON *host, const struct published_ports *ports)
{
	cJSON *exposed, *bindings;

	if (ports->count == 0)
		return;
	exposed = cJSON_AddObjectToObject(config, "ExposedPorts");
	bindings = cJSON_AddObjectToObject(host, "PortBindings");
	for (unsigned i = 0; i < ports->count; i++) {
		const struct published_port *port = &ports->item[i];
		SCOPED(mem_free)
		char *inside = mem_textf("%d/%s", port->port, port->protocol);
		SCOPED(mem_free) char *outside = port->host_port
			? mem_textf("%d", port->host_port)
			: mem_text("");
		cJSON *list = cJSON_GetObjectItemCaseSensitive(bindings, inside);

		if (!list) {
			list = cJSON_AddArrayToObject(bindings, inside);
			cJSON_AddObjectToObject(exposed, inside);
		}
		cJSON_AddItemToArray(list,
			json_fill(NULL, "{'HostIp': %s, 'HostPort': %s}",
				port->host_ip ? port->host_ip : "", outside));
	}
}

static void add_ulimits(cJSON *host, const struct ulimits *ulimits)
{
	cJSON *list = ulimits->count ? cJSON_AddArrayToObject(host, "Ulimits") : NULL;

	for (unsigned i = 0; i < ulimits->count; i++) {
		const struct ulimit *limit = &ulimits->item[i];
		cJSON *one = json_fill(NULL, "{'Name': %s}", limit->name);

		json_add_int(one, "Soft", limit->soft);
		json_add_int(one, "Hard", limit->hard);
		cJSON_AddItemToArray(list, one);
	}
}

static void add_restart(cJSON *host, const char *restart)
{
	const char *policy = restart ? restart : "no";
	const char *colon = strchr(policy, ':');
	SCOPED(mem_free)
	char *name = mem_textf("%.*s", (int)strcspn(policy, ":"), policy);
	cJSON *json = cJSON_AddObjectToObject(host, "RestartPolicy");

	cJSON_AddStringToObject(json, "Name", name);
	if (colon)
		json_add_int(json, "MaximumRetryCount", strtol(colon + 1, NULL, 10));
}

static void add_healthcheck(cJSON *config, const struct healthcheck *check)
{
	static const char *const none[] = {"NONE", NULL};
	cJSON *json = cJSON_CreateObject();

	if (check->disable)
		add_strings(json, "Test", none);
	add_list(json, "Test", &check->test);
	add_number(json, "Interval", check->interval_ns);
	add_number(json, "Timeout", check->timeout_ns);
	add_number(json, "StartPeriod", check->start_period_ns);
	add_number(json, "Retries", check->retries);
	if (json->child)
		cJSON_AddItemToObject(config, "Healthcheck", json);
	else
		cJSON_Delete(json);
}

static void add_options(
	cJSON *config, cJSON *host, const struct container_options *options)
{
	add_text(config, "User", options->user);
	add_text(config, "WorkingDir", options->working_dir);
	add_healthcheck(config, &options->healthcheck);
	add_volumes(
		cJSON_GetObjectItemCaseSensitive(host, "Mounts"), &options->volumes);
	add_tmpfs(host, &options->tmpfs);
	add_ports(config, host, &options->ports);
	add_number(host, "Memory", options->mem_limit);
	add_number(host, "NanoCpus", options->nano_cpus);
	add_number(host, "PidsLimit", options->pids_limit);
	add_list(host, "CapAdd", &options->cap_add);
	add_list(host, "CapDrop", &options->cap_drop);
	cJSON_AddBoolToObject(host, "ReadonlyRootfs", options->read_only);
	add_ulimits(host, &options->ulimits);
}

/* The folder is mounted read-only: a container that could write would leave setuid
 * programs on the host or replace the ledger's socket. A socket accepts connections all
 * the same. Docker offers no nosuid or nodev for a bind mount; read-only, no such file
 * can be made. */
static cJSON *host_config(const struct subject_spec *spec)
{
	cJSON *host = json_fill(NULL,
		"{'Mounts': [{'Type': 'bind', 'Source': %s, 'Target': %s, "
		"'ReadOnly': true}], 'NetworkMode': %s, 'AutoRemove': false, "
		"'LogConfig': {'Type': 'json-file'}}",
		spec->run_folder, spec->run_folder, container_config_network(spec));

	cJSON_AddBoolToObject(host, "Init", spec->init);
	add_restart(host, spec->container ? spec->container->restart : NULL);
	return host;
}

cJSON *container_config(const struct subject_spec *spec, const char *image,
	int64_t grace_s, const cJSON *labels)
{
	cJSON *config = json_fill(
		NULL, "{'Image': %s, 'StopTimeout': %g}", image, (double)grace_s);
	cJSON *host = host_config(spec);

	if (spec->entrypoint)
		add_strings(config, "Entrypoint", spec->entrypoint);
	if (spec->command)
		add_strings(config, "Cmd", spec->command);
	add_strings(config, "Env", spec->env);
	add_text(config, "StopSignal", spec->stop_signal);
	cJSON_AddBoolToObject(config, "Tty", spec->container && spec->container->tty);
	cJSON_AddItemToObject(config, "Labels", cJSON_Duplicate(labels, true));
	if (spec->container)
		add_options(config, host, spec->container);
	cJSON_AddItemToObject(config, "HostConfig", host);
	/* On a network of its own its name is its address. */
	if (spec->network)
		json_fill(config,
			"{'NetworkingConfig': {'EndpointsConfig': {%s: {'Aliases': "
			"[%s]}}}}",
			spec->network, spec->name);
	return config;
}
