/*
 * The Docker engine: containers, through the Engine API alone. The daemon stops a
 * container; the facts come from the kernel where PID 1 is a process of our kernel, and
 * from the daemon's events and inspection elsewhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/engine/docker/container.h"
#include "harness/engine/docker/container_attach.h"
#include "harness/engine/docker/container_create.h"
#include "harness/engine/docker/container_exec.h"
#include "harness/engine/docker/container_starts.h"
#include "harness/engine/docker/images.h"
#include "harness/engine/proc_monitor.h"
#include "harness/engine/run_label.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/proc_file.h"

#define LIST_CONTAINERS "/containers/json?all=1&filters="

static struct docker_engine *of(struct engine *engine)
{
	return (struct docker_engine *)engine;
}

static bool prepare(struct engine *engine, const char *image, struct err *err)
{
	struct docker_engine *docker = of(engine);

	if (image)
		return docker_images_have(docker, image, err);
	if (!engine->own_image)
		engine->own_image = docker_images_load(docker, OWN_IMAGE_PROGRAMS, err);
	return engine->own_image != NULL;
}

static int load_all(
	struct engine *engine, engine_said_fn *said, void *arg, struct err *err)
{
	for (int i = 0; i < OWN_IMAGES; i++) {
		SCOPED(mem_free) char *line =
			docker_images_load_latest(of(engine), (enum own_image)i, err);

		if (!line)
			return -1;
		said(arg, line);
	}
	return OWN_IMAGES;
}

static struct subject *up(
	struct engine *engine, const struct subject_spec *spec, struct err *err)
{
	const char *image = spec->image;

	if (!image && prepare(engine, NULL, err))
		image = engine->own_image;
	return image ? container_create(of(engine), spec, image, err) : NULL;
}

static struct subject *attach(
	struct engine *engine, const struct attach_spec *spec, struct err *err)
{
	return container_attach(of(engine), spec, err);
}

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

/* `where` gets the filters behind it. */
static cJSON *list(struct docker_engine *docker, const char *where, const char *label,
	struct err *err)
{
	SCOPED(mem_free)
	char *filters =
		label ? mem_textf("{\"label\":[\"%s\"]}", label) : mem_text("{}");
	SCOPED(mem_free) char *query = docker_api_escape(filters);
	SCOPED(mem_free) char *path = mem_textf("%s%s", where, query);
	cJSON *found = NULL;

	return docker_api_call(docker->api,
		       &(struct docker_call){.path = path, .answer = &found}, err)
		? found
		: NULL;
}

static cJSON *containers(struct engine *engine, const char *label, struct err *err)
{
	return list(of(engine), LIST_CONTAINERS, label, err);
}

static bool watch_starts(struct engine *engine, const char *label,
	engine_started_fn *started, void *arg, struct err *err)
{
	struct docker_engine *docker = of(engine);

	container_starts_close(docker->starts);
	docker->starts = container_starts_open(docker, label, started, arg, err);
	return docker->starts != NULL;
}

/* An image's name may have slashes, which the daemon wants as they are. */
static cJSON *describe(struct engine *engine, enum engine_thing thing, const char *name,
	struct err *err)
{
	SCOPED(mem_free) char *escaped = docker_api_escape(name);
	SCOPED(mem_free)
	char *path = thing == ENGINE_IMAGE ? mem_textf("/images/%s/json", name)
					   : mem_textf("/containers/%s/json", escaped);
	cJSON *json = NULL;

	return docker_api_call(of(engine)->api,
		       &(struct docker_call){.path = path, .answer = &json}, err)
		? json
		: NULL;
}

/* --- what earlier runs left --- */

/* Containers first: a network with containers cannot be removed. */
static const struct sort {
	const char *what;
	const char *list;   /* gets the filters behind it */
	const char *remove; /* gets the id */
	const char *suffix;
} sorts[] = {
	{"container", LIST_CONTAINERS, "/containers/", "?force=1&v=1"},
	{"network", "/networks?filters=", "/networks/", ""},
};

struct prune {
	struct docker_engine *docker;
	engine_is_over_fn *is_over;
	engine_said_fn *said;
	void *arg;
	int removed;
};

/* "/stopbench-1a2b3c4d-1-service", of a container's "Names" or a network's "Name". */
static const char *name_of(const cJSON *thing)
{
	const cJSON *first = json_at(thing, "Names.0");
	const char *name =
		cJSON_IsString(first) ? first->valuestring : json_text(thing, "Name");

	return name ? name + (*name == '/') : "?";
}

static bool remove_one(struct prune *prune, const struct sort *sort, const cJSON *thing,
	const char *run_id, struct err *err)
{
	SCOPED(mem_free) char *path =
		mem_textf("%s%s%s", sort->remove, json_text(thing, "Id"), sort->suffix);
	SCOPED(mem_free) char *line = mem_textf(
		"removed %s %s of run %s", sort->what, name_of(thing), run_id);
	long status;
	bool ok = docker_api_call(prune->docker->api,
		&(struct docker_call){
			.method = "DELETE",
			.path = path,
			.stubborn = true,
			.status = &status,
		},
		err);

	if (!ok)
		return status == 404 || /* another run has removed it */
			err_while(err, "remove %s %s", sort->what, name_of(thing));
	prune->removed++;
	prune->said(prune->arg, line);
	return true;
}

/* Containers of its tasks and overlay networks are Swarm's to remove. */
static bool is_of_swarm(const cJSON *thing)
{
	const char *scope = json_text(thing, "Scope");

	return json_get(json_get(thing, "Labels"), "com.docker.swarm.task.id") ||
		(scope && strcmp(scope, "swarm") == 0);
}

static bool remove_sort(struct prune *prune, const struct sort *sort, struct err *err)
{
	SCOPED(json_free)
	cJSON *things = list(prune->docker, sort->list, RUN_LABEL, err);
	const cJSON *thing;
	bool ok = true;

	if (!things)
		return err_while(err, "list what has our label");
	cJSON_ArrayForEach(thing, things) {
		const char *run_id = run_label_of(json_get(thing, "Labels"));

		if (run_id && json_text(thing, "Id") && !is_of_swarm(thing) &&
			prune->is_over(run_id))
			ok = remove_one(prune, sort, thing, run_id, err) && ok;
	}
	return ok;
}

static int prune_runs(struct engine *engine, engine_is_over_fn *is_over,
	engine_said_fn *said, void *arg, struct err *err)
{
	struct prune prune = {(struct docker_engine *)engine, is_over, said, arg, 0};
	bool ok = true;

	for (size_t i = 0; i < COUNT(sorts); i++)
		ok = remove_sort(&prune, &sorts[i], err) && ok;
	return ok ? prune.removed : -1;
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

/* Who listens at the socket is a dockerd that we see: not a tunnel to another machine's. */
static bool is_dockerd(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	SCOPED(buf_done) struct buf name = {0};
	struct ucred peer = {0};
	socklen_t len = sizeof peer;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool known = false;

	if (fd >= 0 && strlen(path) < sizeof address.sun_path) {
		strcpy(address.sun_path, path);
		known = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
			getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
			peer.pid > 0 && proc_file_read(&name, peer.pid, "comm") &&
			strcmp(buf_text(&name), "dockerd\n") == 0;
	}
	if (fd >= 0)
		close(fd);
	return known;
}

/* Same kernel, a socket in our file system, and the same machine name or a daemon that is
 * a process of ours (which may have a name of its own): the containers' processes are on
 * our kernel. Each PID 1 is checked again when it runs. */
static bool is_local(const struct docker_engine *docker)
{
	const char *kernel = json_text(docker->info, "KernelVersion");
	const char *name = json_text(docker->info, "Name");
	struct utsname host;

	return !docker->api->host && kernel && name && uname(&host) == 0 &&
		strcmp(kernel, host.release) == 0 &&
		(strcmp(name, host.nodename) == 0 || is_dockerd(docker->api->socket));
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
	container_starts_close(docker->starts);
	docker_api_close(docker->api);
	cJSON_Delete(docker->info);
	cJSON_Delete(docker->labels);
	free(docker->engine.own_image);
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
	.attach = attach,
	.detach = container_detach,
	.trim = container_trim,
	.containers = containers,
	.watch_starts = watch_starts,
	.describe = describe,
	.stop = container_stop,
	.exec = container_exec,
	.signal = container_signal,
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
	if (options->own_image)
		docker->engine.own_image = mem_text(options->own_image);
	docker->labels = run_labels(options->run_id);
	docker->api = docker_api_open(loop, NULL, options->interrupted, err);
	if (docker->api &&
		docker_api_call(docker->api,
			&(struct docker_call){.path = "/info", .answer = &docker->info},
			err)) {
		docker->info_ns = clock_now();
		docker->engine.machine = json_text(docker->info, "Name");
		note_capabilities(docker);
		return &docker->engine;
	}
	destroy(&docker->engine);
	return NULL;
}
