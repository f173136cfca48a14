#include "harness/engine/docker/container_create.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "harness/engine/docker/container.h"
#include "harness/engine/docker/events.h"
#include "harness/engine/docker/log.h"
#include "harness/engine/docker/oom.h"
#include "harness/engine/proc_monitor.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/proc_file.h"
#include "lib/signals.h"

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

	container->events = docker_events_open(api, id, on_change, container, err);
	if (!container->events)
		return false;
	if (!container_call(container,
		    &(struct docker_call){
			    .method = "POST", .path = "/start", .within_ns = START_NS},
		    err))
		return err_while(err, "start the container of %s", spec->name);
	container->log = docker_log_open(
		api, id, spec->log, spec->arg, on_change, container, err);
	return container->log != NULL;
}

/* --- PID 1 --- */

static void on_ended(void *arg)
{
	struct container *container = arg;
	int64_t kills = oom_kills(container->oom_fd);

	/* The counter disappears with the cgroup, some 30 ms from now. */
	if (kills >= 0 && container->oom_before >= 0)
		container->subject.facts.oom_kills = kills - container->oom_before;
	container_note_end(container);
}

static void on_waited(void *arg, const struct fetch_result *result)
{
	struct container *container = arg;
	struct err err;

	container->wait = NULL;
	if (docker_api_went_well(result, &err) || result->status == 404)
		container_note_end(container);
}

/* On another machine's kernel the same pid is another process. */
static bool is_in_container(pid_t pid, const char *id)
{
	SCOPED(buf_done) struct buf groups = {0};

	return proc_file_read(&groups, pid, "cgroup") && strstr(buf_text(&groups), id);
}

/* The monitor is opened first: the check then holds for the monitored process. */
static void monitor_pid1(struct container *container, pid_t pid)
{
	struct subject *subject = &container->subject;
	struct proc_monitor *monitor;
	struct err ignored;

	if (!subject->engine->monitors || pid <= 0)
		return;
	monitor = proc_monitor_open(
		subject->engine->monitors, pid, on_ended, container, &ignored);
	if (!monitor || !is_in_container(pid, subject->id)) {
		proc_monitor_close(monitor);
		return;
	}
	subject->monitor = monitor;
	subject->pid = pid;
	container->oom_fd = oom_open(pid);
	container->oom_before = oom_kills(container->oom_fd);
}

static const char *address_of(const struct container *container, const cJSON *json,
	const struct subject_spec *spec)
{
	const cJSON *networks = json_at(json, "NetworkSettings.Networks");
	const char *host = container->docker->api->host;

	if (spec->network)
		host = json_text(json_get(networks, spec->network), "IPAddress");
	return host ? host : SUBJECT_LOOPBACK;
}

/* What the daemon will send: the spec's, the image's, or SIGTERM. */
static int stop_signal(const cJSON *json)
{
	const char *name = json_text(json_get(json, "Config"), "StopSignal");
	int number = name ? signal_number(name) : 0;

	return number ? number : SIGTERM;
}

static bool inspect(
	struct container *container, const struct subject_spec *spec, struct err *err)
{
	struct subject *subject = &container->subject;
	SCOPED(json_free) cJSON *json = container_read(container, false, err);

	if (!json)
		return err_while(err, "inspect the container of %s", spec->name);
	subject->address = mem_text(address_of(container, json, spec));
	subject->facts.stop_signal = stop_signal(json);
	subject->running = json_bool(container->state, "Running", false);
	if (!subject->running) {
		container_note_end(container);
		return true;
	}
	monitor_pid1(container, (pid_t)json_int(container->state, "Pid", 0));
	return subject->monitor || container_await_end(container, on_waited, err);
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
	container = mem_zeroed(sizeof *container);
	container->docker = docker;
	container->grace_s = spec->grace_ns / CLOCK_S;
	container->oom_fd = -1;
	container->oom_before = -1;
	container->subject.engine = &docker->engine;
	container->subject.facts.exit_code = -1;
	container->subject.facts.oom_kills = -1;
	if (create(container, spec, image, err) && start(container, spec, err) &&
		inspect(container, spec, err))
		return &container->subject;
	container_down(&container->subject);
	return NULL;
}
