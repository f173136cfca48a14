#include "harness/engine/docker/container.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/engine/docker/container_config.h"
#include "harness/engine/docker/container_stop.h"
#include "harness/engine/docker/daemon_times.h"
#include "harness/engine/docker/events.h"
#include "harness/engine/docker/log.h"
#include "harness/engine/docker/oom.h"
#include "harness/engine/proc_monitor.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/proc_file.h"
#include "lib/signals.h"

#define START_NS (60 * CLOCK_S)
#define GONE_NS  (10 * CLOCK_S) /* until the daemon notices an end that we saw */

static struct container *of(struct subject *subject)
{
	return (struct container *)subject;
}

/* --- what is reported of it --- */

static void on_change(void *arg)
{
	container_stop_settle(arg);
}

static void on_log(void *arg, int64_t ns, const char *line, size_t len)
{
	struct container *container = arg;

	if (container->line)
		container->line(container->arg, ns, line, len);
}

static void note_end(struct container *container)
{
	container->subject.running = false;
	container->subject.facts.exited_before_stop =
		container->subject.facts.asked_ns == 0;
}

static void on_ended(void *arg)
{
	struct container *container = arg;
	int64_t kills = oom_kills(container->oom_fd);

	/* The counter disappears with the cgroup, some 30 ms from now. */
	if (kills >= 0 && container->oom_before >= 0)
		container->subject.facts.oom_kills = kills - container->oom_before;
	note_end(container);
	container_stop_settle(container);
}

static void on_waited(void *arg, const struct fetch_result *result)
{
	struct container *container = arg;
	struct err err;

	container->wait = NULL;
	if (!docker_api_went_well(result, &err) && result->status != 404)
		return;
	note_end(container);
	container_stop_settle(container);
}

/* --- inspection --- */

/* The daemon notices the end of PID 1 a little later than we do. */
static bool await_daemon(struct container *container, struct err *err)
{
	SCOPED(mem_free) char *path =
		mem_textf("/containers/%s/wait", container->subject.id);

	return container->subject.running ||
		docker_api_call(container->docker->api,
			&(struct docker_call){
				.method = "POST",
				.path = path,
				.within_ns = GONE_NS,
				.stubborn = true,
			},
			err);
}

/* The whole inspection, the caller's. */
static cJSON *inspect(struct container *container, bool stubborn, struct err *err)
{
	SCOPED(mem_free) char *path =
		mem_textf("/containers/%s/json", container->subject.id);
	cJSON *json = NULL;

	if (!docker_api_call(container->docker->api,
		    &(struct docker_call){
			    .path = path, .stubborn = stubborn, .answer = &json},
		    err))
		return NULL;
	cJSON_Delete(container->state);
	container->state = cJSON_Duplicate(json_get(json, "State"), true);
	return json;
}

/* A daemon that is restarted during a case ends its events, stops the container itself
 * and may not answer. A daemon that is stuck is another matter. */
static void note_lost_sight(struct container *container, const char *no_answer)
{
	struct stop_facts *facts = &container->subject.facts;
	const char *why = docker_api_daemon(container->docker->api)->is_podman
		? NULL
		: docker_events_broken(container->events);

	if (!why)
		why = no_answer;
	if (why && !facts->stuck)
		snprintf(facts->unobserved, sizeof facts->unobserved, "%.120s", why);
}

bool container_inspect(struct subject *subject, struct err *err)
{
	struct container *container = of(subject);
	SCOPED(json_free) cJSON *json = NULL;
	pid_t kill_by;

	if (await_daemon(container, err))
		json = inspect(container, true, err);
	if (subject->monitor)
		proc_monitor_read(subject->monitor, &subject->facts, &kill_by);
	daemon_times_apply(
		&(struct daemon_times){
			.events = container->events,
			.state = container->state,
			.our_clock = container->docker->local,
			.complete =
				!docker_api_daemon(container->docker->api)->is_podman &&
				!docker_events_broken(container->events) &&
				container_stop_has_all_events(container),
		},
		&subject->facts);
	note_lost_sight(container, json ? NULL : err->text);
	return json || err_while(err, "inspect container %.12s", subject->id);
}

cJSON *container_events(const struct subject *subject)
{
	const struct container *container = (const struct container *)subject;
	const char *broken = docker_events_broken(container->events);
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "container", subject->id);
	cJSON_AddItemToObject(json, "events", docker_events_json(container->events));
	if (broken)
		cJSON_AddStringToObject(json, "events_ended", broken);
	if (container->stop_error[0])
		cJSON_AddStringToObject(json, "stop_error", container->stop_error);
	if (container->state)
		cJSON_AddItemToObject(
			json, "state", cJSON_Duplicate(container->state, true));
	return json;
}

/* --- up --- */

static bool create(struct container *container, const struct subject_spec *spec,
	const char *image, struct err *err)
{
	struct docker_engine *docker = container->docker;
	SCOPED(json_free) cJSON *config = container_config(
		spec, image, container->grace_s, cJSON_Duplicate(docker->labels, true));
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

static bool start(
	struct container *container, const struct subject_spec *spec, struct err *err)
{
	struct docker_api *api = container->docker->api;
	SCOPED(mem_free) char *path =
		mem_textf("/containers/%s/start", container->subject.id);

	container->events = docker_events_open(
		api, container->subject.id, on_change, container, err);
	if (!container->events)
		return false;
	if (!docker_api_call(api,
		    &(struct docker_call){
			    .method = "POST", .path = path, .within_ns = START_NS},
		    err))
		return err_while(err, "start the container of %s", spec->name);
	container->log = docker_log_open(
		api, container->subject.id, on_log, on_change, container, err);
	return container->log != NULL;
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
	struct err ignored;

	if (!subject->engine->monitors || pid <= 0)
		return;
	subject->monitor = proc_monitor_open(
		subject->engine->monitors, pid, on_ended, container, &ignored);
	if (!subject->monitor)
		return;
	if (!is_in_container(pid, subject->id)) {
		proc_monitor_close(subject->monitor);
		subject->monitor = NULL;
		return;
	}
	subject->pid = pid;
	container->oom_fd = oom_open(pid);
	container->oom_before = oom_kills(container->oom_fd);
}

static void note_address(
	struct container *container, const cJSON *json, const char *network)
{
	const cJSON *networks = json_at(json, "NetworkSettings.Networks");
	const char *host = docker_api_daemon(container->docker->api)->host;

	if (network)
		host = json_text(json_get(networks, network), "IPAddress");
	container->subject.address = mem_text(host ? host : SUBJECT_LOOPBACK);
}

/* What the daemon will send: the spec's, the image's, or SIGTERM. */
static int stop_signal(const cJSON *json)
{
	const char *name = json_text(json_get(json, "Config"), "StopSignal");
	int number = name ? signal_number(name) : 0;

	return number ? number : SIGTERM;
}

static bool inspect_started(
	struct container *container, const struct subject_spec *spec, struct err *err)
{
	struct subject *subject = &container->subject;
	SCOPED(json_free) cJSON *json = inspect(container, false, err);

	if (!json)
		return err_while(err, "inspect the container of %s", spec->name);
	note_address(container, json, spec->network);
	subject->facts.stop_signal = stop_signal(json);
	subject->running = json_bool(container->state, "Running", false);
	if (!subject->running) {
		note_end(container);
		return true;
	}
	monitor_pid1(container, (pid_t)json_int(container->state, "Pid", 0));
	return subject->monitor || container_await_end(container, on_waited, err);
}

struct subject *container_up(struct docker_engine *docker,
	const struct subject_spec *spec, const char *image, struct err *err)
{
	struct container *container;
	struct subject *subject;

	if (spec->grace_ns % CLOCK_S != 0) {
		err_set(err, "the grace of %s is %s: Docker counts it in whole seconds",
			spec->name, CLOCK_TEXT(spec->grace_ns));
		return NULL;
	}
	container = mem_zeroed(sizeof *container);
	subject = &container->subject;
	container->docker = docker;
	container->grace_s = spec->grace_ns / CLOCK_S;
	container->oom_fd = -1;
	container->oom_before = -1;
	container->line = spec->log;
	container->arg = spec->arg;
	subject->engine = &docker->engine;
	subject->facts.exit_code = -1;
	subject->facts.oom_kills = -1;
	container->patience = container_stop_timer(container);
	if (create(container, spec, image, err) && start(container, spec, err) &&
		inspect_started(container, spec, err))
		return subject;
	container_down(subject);
	return NULL;
}

/* --- down --- */

static void release(struct container *container)
{
	if (container->stop)
		fetch_cancel(container->stop);
	if (container->wait)
		fetch_cancel(container->wait);
	docker_log_close(container->log);
	docker_events_close(container->events);
	proc_monitor_close(container->subject.monitor);
	loop_timer_destroy(container->patience);
	cJSON_Delete(container->state);
	if (container->oom_fd >= 0)
		close(container->oom_fd);
	free(container->subject.id);
	free(container->subject.address);
	free(container);
}

/* What fails here is left to engine_clean(), which finds the run's label. */
static void remove_or_kill(
	struct container *container, const char *method, const char *path)
{
	struct err ignored;

	if (docker_api_call(container->docker->api,
		    &(struct docker_call){
			    .method = method, .path = path, .stubborn = true},
		    &ignored))
		container->subject.running = false;
}

/* The daemon removes a container whose PID 1 has lost its main thread, although other
 * threads run on. */
static void kill_survivor(const struct subject *subject)
{
	if (subject->monitor && !proc_monitor_ended(subject->monitor))
		syscall(SYS_pidfd_send_signal, proc_monitor_pidfd(subject->monitor),
			SIGKILL, NULL, 0);
}

void container_down(struct subject *subject)
{
	struct container *container = of(subject);
	SCOPED(mem_free) char *path =
		mem_textf("/containers/%s?force=1&v=1", subject->id ? subject->id : "");

	if (subject->id)
		remove_or_kill(container, "DELETE", path);
	kill_survivor(&container->subject);
	release(container);
}

void container_keep(struct subject *subject)
{
	struct container *container = of(subject);
	SCOPED(mem_free) char *path = mem_textf("/containers/%s/kill", subject->id);

	if (subject->running)
		remove_or_kill(container, "POST", path);
	release(container);
}
