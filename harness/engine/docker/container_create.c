#include "harness/engine/docker/container_create.h"

#include <string.h>
#include <unistd.h>

#include "harness/engine/docker/container.h"
#include "harness/engine/docker/container_config.h"
#include "harness/engine/docker/container_watch.h"
#include "harness/engine/docker/events.h"
#include "harness/engine/docker/log.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

#define START_NS (60 * CLOCK_S)

/* --- create --- */

static bool create(struct container *container, const struct subject_spec *spec,
	const char *image, struct err *err)
{
	struct docker_engine *docker = container->docker;
	SCOPED(json_free) cJSON *config =
		container_config(spec, image, container->grace_s, docker->labels);
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
		strstr(err->text, "bind source path does not exist") &&
		strstr(err->text, spec->run_folder))
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
	struct container *container = arg;

	container->subject.healthy = container->subject.healthy ||
		docker_events_find(container->events, "health_status: healthy", 0, 0);
	container_settle(container);
}

/* The first network is the one that it was created with. */
static bool join_networks(struct container *container,
	const struct container_options *options, struct err *err)
{
	for (unsigned i = 1; options && i < options->networks.count; i++) {
		SCOPED(mem_free) char *name =
			docker_api_escape(options->networks.item[i]);
		SCOPED(mem_free) char *path = mem_textf("/networks/%s/connect", name);
		SCOPED(json_free) cJSON *body =
			json_fill(NULL, "{'Container': %s}", container->subject.id);

		if (!docker_api_call(container->docker->api,
			    &(struct docker_call){
				    .method = "POST", .path = path, .json = body},
			    err))
			return err_while(
				err, "join network %s", options->networks.item[i]);
	}
	return true;
}

/* A scenario with a command of this machine, and no image that would have it. */
static bool is_not_in_ours(const struct subject_spec *spec, const struct err *err)
{
	return !spec->image &&
		(strstr(err->text, "executable file not found") ||
			strstr(err->text, "no such file or directory"));
}

static bool say_not_started(
	const struct subject_spec *spec, const char *image, struct err *err)
{
	const char *const *words = spec->entrypoint ? spec->entrypoint : spec->command;

	if (words && words[0] && is_not_in_ours(spec, err))
		return err_set(err,
			"there is no %s in stopbench's own image, where a command without "
			"an image runs: name its image, or run it with --engine process",
			words[0]);
	return err_while(err, "start a container of %s", image);
}

static bool start(struct container *container, const struct subject_spec *spec,
	const char *image, struct err *err)
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
		return say_not_started(spec, image, err);
	container->log = docker_log_open(api,
		&(struct docker_log_spec){
			.container = id,
			.tty = spec->container && spec->container->tty,
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
	const char *network = container_config_network(spec);
	const char *host = container->docker->api->host;

	if (strcmp(network, "host") != 0)
		host = json_text(json_get(networks, network), "IPAddress");
	return host && host[0] ? host : SUBJECT_LOOPBACK;
}

static bool has_healthcheck(const cJSON *json)
{
	const cJSON *kind = json_at(json, "Config.Healthcheck.Test.0");

	return cJSON_IsString(kind) && strcmp(kind->valuestring, "NONE") != 0;
}

static bool inspect(struct container *container, const struct subject_spec *spec,
	const char *image, struct err *err)
{
	struct subject *subject = &container->subject;
	SCOPED(json_free) cJSON *json = container_read(container, false, err);

	if (!json)
		return err_while(err, "inspect a container of %s", image);
	subject->address = mem_text(address_of(container, json, spec));
	subject->has_healthcheck = has_healthcheck(json);
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
	if (create(container, spec, image, err) &&
		join_networks(container, spec->container, err) &&
		start(container, spec, image, err) &&
		inspect(container, spec, image, err))
		return &container->subject;
	container_down(&container->subject);
	return NULL;
}
