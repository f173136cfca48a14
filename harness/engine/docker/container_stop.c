#include "harness/engine/docker/container_stop.h"

#include <stdio.h>

#include "harness/engine/docker/events.h"
#include "harness/engine/docker/log.h"
#include "harness/engine/docker/oom.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define STUCK_NS (50 * CLOCK_S) /* beyond the grace period */
#define REST_NS  (3 * CLOCK_S)  /* for the rest of log and events */

static void finish(struct container *container)
{
	loop_timer_stop(container->patience);
	container->subject.stopped = true;
}

/* Too late for the rest of log and events, or for the stop itself. */
static void on_patience_over(void *arg)
{
	struct container *container = arg;

	container->subject.facts.stuck =
		!container->answered || container->subject.running;
	finish(container);
}

struct loop_timer *container_stop_timer(struct container *container)
{
	return loop_timer_create(
		container->docker->engine.loop, on_patience_over, container);
}

/* The "stop" event is the last one of a stop. Podman reports none. */
bool container_stop_has_all_events(const struct container *container)
{
	return !container->acted ||
		docker_api_daemon(container->docker->api)->is_podman ||
		docker_events_broken(container->events) ||
		docker_events_find(container->events, "stop", 0,
			container->subject.facts.asked_ns);
}

void container_stop_settle(struct container *container)
{
	struct subject *subject = &container->subject;

	if (!container->answered || subject->running || subject->stopped)
		return;
	if (docker_log_is_over(container->log) &&
		container_stop_has_all_events(container))
		finish(container);
	else
		loop_timer_set(container->patience, REST_NS);
}

static void note_failure(struct container *container, const struct err *err)
{
	snprintf(container->stop_error, sizeof container->stop_error, "%.250s",
		err->text);
}

static void on_stop_answered(void *arg, const struct fetch_result *result)
{
	struct container *container = arg;
	struct err err;

	container->stop = NULL;
	if (!docker_api_went_well(result, &err))
		note_failure(container, &err);
	/* Without an answer, on_stuck() decides. */
	if (result->end != FETCH_ANSWERED)
		return;
	container->subject.facts.returned_ns = result->ended_ns;
	container->answered = true;
	container->acted = result->status / 100 == 2;
	container_stop_settle(container);
}

bool container_await_end(
	struct container *container, fetch_done_fn *done, struct err *err)
{
	SCOPED(mem_free) char *path =
		mem_textf("/containers/%s/wait", container->subject.id);

	container->wait = docker_api_begin(container->docker->api,
		&(struct fetch_request){
			.method = "POST",
			.done = done,
			.arg = container,
		},
		path, err);
	return container->wait != NULL;
}

static bool begin_stop(struct container *container, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf("/containers/%s/stop?t=%lld",
		container->subject.id, (long long)container->grace_s);

	container->stop = docker_api_begin(container->docker->api,
		&(struct fetch_request){
			.method = "POST",
			.done = on_stop_answered,
			.arg = container,
		},
		path, err);
	return container->stop != NULL;
}

/* Whether the wait succeeded or not: the stop call reports the error. */
static void on_end_known(void *arg, const struct fetch_result *result UNUSED)
{
	struct container *container = arg;
	struct err err;

	container->wait = NULL;
	if (!begin_stop(container, &err))
		note_failure(container, &err);
}

bool container_stop(struct subject *subject, struct err *err)
{
	struct container *container = (struct container *)subject;
	bool running = subject->running;

	if (running)
		container->oom_before = oom_kills(container->oom_fd);
	subject->facts.asked_ns = clock_now();
	loop_timer_set(container->patience, container->grace_s * CLOCK_S + STUCK_NS);
	/* If PID 1 has ended, wait until the daemon knows it: it would report a
	 * kill. */
	return running ? begin_stop(container, err)
		       : container_await_end(container, on_end_known, err);
}
