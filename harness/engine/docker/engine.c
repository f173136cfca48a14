/*
 * The Docker engine: containers, through the Engine API alone. The daemon stops a
 * container; the facts come from the kernel where PID 1 is a process of our kernel, and
 * from the daemon's events and inspection elsewhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/engine/docker/container.h"
#include "harness/engine/docker/container_up.h"
#include "harness/engine/docker/images.h"
#include "harness/engine/docker/prune.h"
#include "harness/engine/proc_monitor.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

static struct docker_engine *of(struct engine *engine)
{
	return (struct docker_engine *)engine;
}

/* --- labels --- */

static cJSON *make_labels(const char *run_id)
{
	const char *temporary = getenv("TMPDIR");
	struct utsname host = {0};
	SCOPED(mem_free) char *home = NULL;

	uname(&host);
	home = mem_textf(
		"%s:%s", host.nodename, temporary && temporary[0] ? temporary : "/tmp");
	return json_fill(NULL,
		"{'" DOCKER_RUN_LABEL "': %s, '" DOCKER_HOME_LABEL "': %s}", run_id,
		home);
}

/* --- images --- */

static bool prepare(struct engine *engine, const char *image, struct err *err)
{
	struct docker_engine *docker = of(engine);

	if (image)
		return docker_images_have(docker, image, err);
	if (!docker->image)
		docker->image = docker_images_load(docker, DOCKER_IMAGE_PROGRAMS, err);
	return docker->image != NULL;
}

static bool load_image(struct docker_engine *docker, enum docker_image image,
	engine_said_fn *said, void *arg, struct err *err)
{
	SCOPED(mem_free) char *name = docker_images_load(docker, image, err);
	SCOPED(mem_free) char *latest =
		name ? docker_images_tag(docker, name, err) : NULL;
	SCOPED(mem_free) char *line = NULL;

	if (!latest)
		return false;
	line = mem_textf("%s (%s)", latest, name);
	said(arg, line);
	return true;
}

static int load_all(
	struct engine *engine, engine_said_fn *said, void *arg, struct err *err)
{
	for (int i = 0; i < DOCKER_IMAGES; i++) {
		if (!load_image(of(engine), (enum docker_image)i, said, arg, err))
			return -1;
	}
	return DOCKER_IMAGES;
}

/* --- containers --- */

static struct subject *up(
	struct engine *engine, const struct subject_spec *spec, struct err *err)
{
	struct docker_engine *docker = of(engine);

	if (!spec->image && !prepare(engine, NULL, err))
		return NULL;
	return container_up(
		docker, spec, spec->image ? spec->image : docker->image, err);
}

/* --- networks --- */

static char *network(struct engine *engine, struct err *err)
{
	struct docker_engine *docker = of(engine);
	char *name = mem_textf("stopbench-%s-%d-%u", engine->options.run_id,
		(int)getpid(), ++docker->made);
	SCOPED(json_free) cJSON *config = json_fill(
		NULL, "{'Name': %s, 'Driver': 'bridge', 'CheckDuplicate': true}", name);

	cJSON_AddItemToObject(config, "Labels", cJSON_Duplicate(docker->labels, true));
	/* Stubborn: without the answer the network could not be removed. */
	if (docker_api_call(docker->api,
		    &(struct docker_call){
			    .method = "POST",
			    .path = "/networks/create",
			    .json = config,
			    .stubborn = true,
		    },
		    err))
		return name;
	err_while(err, "create network %s", name);
	free(name);
	return NULL;
}

static void network_remove(struct engine *engine, const char *name)
{
	docker_api_try(of(engine)->api, "DELETE", "/networks/%s", name);
}

/* --- the daemon --- */

static void copy_text(cJSON *json, const char *key, const cJSON *from, const char *name)
{
	const char *text = json_text(from, name);

	if (text)
		cJSON_AddStringToObject(json, key, text);
}

static void fingerprint(struct engine *engine, cJSON *json)
{
	const struct docker_engine *docker = of(engine);
	const cJSON *component;

	cJSON_AddStringToObject(json, "daemon", docker->api->address);
	copy_text(json, "daemon_version", docker->api->about, "Version");
	cJSON_AddStringToObject(json, "api_version", docker->api->version);
	copy_text(json, "daemon_kernel", docker->info, "KernelVersion");
	copy_text(json, "storage_driver", docker->info, "Driver");
	copy_text(json, "cgroup_version", docker->info, "CgroupVersion");
	copy_text(json, "cgroup_driver", docker->info, "CgroupDriver");
	copy_text(json, "runtime", docker->info, "DefaultRuntime");
	cJSON_ArrayForEach(component, json_get(docker->api->about, "Components")) {
		const char *name = json_text(component, "Name");

		if (name && strcmp(name, "Engine") != 0)
			copy_text(json, name, component, "Version");
	}
}

/* Same machine name, same kernel, a socket in our file system: the containers'
 * processes are on our kernel. Each PID 1 is checked again when it runs. */
static bool is_local(const struct docker_engine *docker)
{
	const char *kernel = json_text(docker->info, "KernelVersion");
	const char *name = json_text(docker->info, "Name");
	struct utsname host;

	return !docker->api->host && kernel && name && uname(&host) == 0 &&
		strcmp(kernel, host.release) == 0 && strcmp(name, host.nodename) == 0;
}

static void note_capabilities(struct docker_engine *docker)
{
	struct engine *engine = &docker->engine;

	engine->capabilities = (struct engine_capabilities){
		.signal = STAMP_ENGINE,
		.kill = STAMP_ENGINE,
		.exit = STAMP_ENGINE,
		.pid1_rules = true,
	};
	docker->local = is_local(docker);
	if (!docker->local) {
		snprintf(engine->capabilities.note, sizeof engine->capabilities.note,
			"the daemon is on another machine or in another container: times "
			"are its own, and its processes cannot be seen");
		return;
	}
	engine->monitors = proc_monitors_open(engine->loop, &engine->capabilities);
	engine->capabilities.snapshots = true;
	engine->capabilities.oom = true;
}

static void destroy(struct engine *engine)
{
	struct docker_engine *docker = of(engine);

	proc_monitors_close(engine->monitors);
	docker_api_close(docker->api);
	cJSON_Delete(docker->info);
	cJSON_Delete(docker->labels);
	free(docker->image);
	free(docker);
}

static const struct engine_ops docker_ops = {
	.destroy = destroy,
	.fingerprint = fingerprint,
	.prepare = prepare,
	.images = load_all,
	.network = network,
	.network_remove = network_remove,
	.up = up,
	.stop = container_stop,
	.inspect = container_inspect,
	.events = container_events,
	.down = container_down,
	.keep = container_keep,
	.clean = prune_runs,
};

struct engine *docker_create(
	uv_loop_t *loop, const struct engine_options *options, struct err *err)
{
	struct docker_engine *docker = mem_zeroed(sizeof *docker);

	docker->engine.kind = &engine_kinds[ENGINE_KIND_docker];
	docker->engine.ops = &docker_ops;
	docker->engine.loop = loop;
	docker->engine.options = *options;
	docker->labels = make_labels(options->run_id);
	docker->api = docker_api_open(loop, options->interrupted, err);
	if (docker->api &&
		docker_api_call(docker->api,
			&(struct docker_call){.path = "/info", .answer = &docker->info},
			err)) {
		note_capabilities(docker);
		return &docker->engine;
	}
	destroy(&docker->engine);
	return NULL;
}
