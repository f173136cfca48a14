#include "harness/engine/docker/container_watch.h"

#include <errno.h>
#include <signal.h>

#include "harness/engine/container_runtime.h"
#include "harness/engine/oom.h"
#include "harness/engine/proc_monitor.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/signals.h"

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
	if (!monitor || !container_runtime_runs(pid, subject->id)) {
		proc_monitor_close(monitor);
		return;
	}
	subject->monitor = monitor;
	subject->pid = pid;
	container->oom_fd = oom_open(pid);
	container->oom_before = oom_kills(container->oom_fd);
}

/* What the daemon will send: the spec's, the image's, or SIGTERM. */
static int stop_signal(const cJSON *json)
{
	const char *name = json_text(json_get(json, "Config"), "StopSignal");
	int number = name ? signal_number(name) : 0;

	return number ? number : SIGTERM;
}

bool container_watch(struct container *container, const cJSON *json, struct err *err)
{
	struct subject *subject = &container->subject;
	const cJSON *state = json_get(json, "State");
	pid_t pid = (pid_t)json_int(state, "Pid", 0);

	subject->facts.stop_signal = stop_signal(json);
	/* A container that is between two starts runs, and has no process. */
	subject->running = json_bool(state, "Running", false) && pid > 0;
	if (!subject->running) {
		container_note_end(container);
		return true;
	}
	monitor_pid1(container, pid);
	/* It ended since the daemon was asked. */
	if (!subject->monitor && container->docker->local && kill(pid, 0) != 0 &&
		errno == ESRCH) {
		container_note_end(container);
		return true;
	}
	return subject->monitor || container_await_end(container, on_waited, err);
}
