#include "harness/engine/docker/container_create.h"

#include <string.h>
#include <unistd.h>

#include "harness/engine/docker/container.h"
#include "harness/engine/docker/container_watch.h"
#include "harness/engine/docker/events.h"
#include "harness/engine/docker/log.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

#define START_NS (60 * CLOCK_S)

/* --- create --- */

static void add_strings(cJSON *json, const char *key, const char *const *list)
{
	cJSON *array = cJSON_AddArrayToObject(json, key);

	for (; list && *list; list++)
		cJSON_AddItemToArray(array, cJSON_CreateString(*list));
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
		"'RestartPolicy': {'Name': 'no'}, 'LogConfig': {'Type': 'json-file'}}",
		spec->run_folder, spec->run_folder,
		spec->network ? spec->network : "host");

	cJSON_AddBoolToObject(host, "Init", spec->init);
	return host;
}

/* The body of /containers/create, the caller's. What the spec leaves NULL is not in it,
 * and the image's own value holds. */
static cJSON *config_of(const struct subject_spec *spec, const char *image,
	const struct container *container)
{
	cJSON *config =
		json_fill(NULL, "{'Image': %s, 'StopTimeout': %g, 'Tty': false}", image,
			(double)container->grace_s);

	if (spec->entrypoint)
		add_strings(config, "Entrypoint", spec->entrypoint);
	if (spec->command)
		add_strings(config, "Cmd", spec->command);
	add_strings(config, "Env", spec->env);
	if (spec->stop_signal)
		cJSON_AddStringToObject(config, "StopSignal", spec->stop_signal);
	cJSON_AddItemToObject(
		config, "Labels", cJSON_Duplicate(container->docker->labels, true));
	cJSON_AddItemToObject(config, "HostConfig", host_config(spec));
	/* On a network of its own its name is its address. */
	if (spec->network)
		json_fill(config,
			"{'NetworkingConfig': {'EndpointsConfig': {%s: {'Aliases': "
			"[%s]}}}}",
			spec->network, spec->name);
	return config;
}

static bool create(struct container *container, const struct subject_spec *spec,
	const char *image, struct err *err)
{
	struct docker_engine *docker = container->docker;
	SCOPED(json_free) cJSON *config = config_of(spec, image, container);
	SCOPED(mem_free) char *path =
		mem_textf("/containers/create?name=stopbench-%s-%d-%u-%s",
			docker->engine.options.run_id, (int)getpid(), ++docker->made,
			spec->name);
	SCOPED(json_free) cJSON *answer = NULL;

	/* Stubborn: without the answer the container could not be removed. */
	if (docker_api_call(docker->api,
		    &(struct docker_call){
			    .method = "POST",
			    .path = path,
			    .json = config,
			    .stubborn = true,
			    .answer = &answer,
		    },
		    err))
		container->subject.id = mem_text(json_text(answer, "Id"));
	if (!container->subject.id &&
		strstr(err->text, "bind source path does not exist"))
		return err_set(err,
			"the Docker daemon does not see the folder %s: it runs on another "
			"machine, or stopbench runs in a container; set TMPDIR to a folder "
			"that both have at the same path (docker run -v /tmp:/tmp)",
			spec->run_folder);
	return container->subject.id ||
		err_while(err, "create a container of %s", image);
}

/* --- start --- */

static void on_change(void *arg)
{
	container_settle(arg);
}

static bool start(
	struct container *container, const struct subject_spec *spec, struct err *err)
{
	struct docker_api *api = container->docker->api;
	const char *id = container->subject.id;

	container->events = docker_events_open(api, id, 0, on_change, container, err);
	if (!container->events)
		return false;
	if (!container_call(container,
		    &(struct docker_call){
			    .method = "POST", .path = "/start", .within_ns = START_NS},
		    err))
		return err_while(err, "start the container of %s", spec->name);
	container->log = docker_log_open(api,
		&(struct docker_log_spec){
			.container = id,
			.line = spec->log,
			.line_arg = spec->arg,
			.over = on_change,
			.over_arg = container,
		},
		err);
	return container->log != NULL;
}

/* --- PID 1 --- */

static const char *address_of(const struct container *container, const cJSON *json,
	const struct subject_spec *spec)
{
	const cJSON *networks = json_at(json, "NetworkSettings.Networks");
	const char *host = container->docker->api->host;

	if (spec->network)
		host = json_text(json_get(networks, spec->network), "IPAddress");
	return host ? host : SUBJECT_LOOPBACK;
}

static bool inspect(
	struct container *container, const struct subject_spec *spec, struct err *err)
{
	struct subject *subject = &container->subject;
	SCOPED(json_free) cJSON *json = container_read(container, false, err);

	if (!json)
		return err_while(err, "inspect the container of %s", spec->name);
	subject->address = mem_text(address_of(container, json, spec));
	return container_watch(container, json, err);
}

struct subject *container_create(struct docker_engine *docker,
	const struct subject_spec *spec, const char *image, struct err *err)
{
	struct container *container;

	if (spec->grace_ns % CLOCK_S != 0) {
		err_set(err, "the grace of %s is %s: Docker counts it in whole seconds",
			spec->name, CLOCK_TEXT(spec->grace_ns));
		return NULL;
	}
	container = container_new(docker, spec->grace_ns / CLOCK_S);
	if (create(container, spec, image, err) && start(container, spec, err) &&
		inspect(container, spec, err))
		return &container->subject;
	container_down(&container->subject);
	return NULL;
}
