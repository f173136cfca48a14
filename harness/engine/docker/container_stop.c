#include "harness/engine/docker/container_stop.h"

#include <stdio.h>

#include "harness/engine/docker/events.h"
#include "harness/engine/docker/log.h"
#include "harness/engine/docker/oom.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define STUCK_NS      (50 * CLOCK_S) /* over the grace: the engine does not come back */
#define LAST_WORDS_NS (3 * CLOCK_S)  /* for log and events, when all else is over */

static void finish(struct container *container)
{
	uv_timer_stop(&container->patience);
	container->subject.stopped = true;
}

static void on_last_words_over(uv_timer_t *patience)
{
	finish(patience->data);
}

static void on_stuck(uv_timer_t *patience)
{
	struct container *container = patience->data;

	container->subject.facts.stuck = true;
	finish(container);
}

/* Kills are reported before the stop that they were part of. Podman reports neither. */
bool container_stop_heard_all(const struct container *container)
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
	if (docker_log_is_over(container->log) && container_stop_heard_all(container))
		finish(container);
	else
		uv_timer_start(&container->patience, on_last_words_over,
			clock_ms_up(LAST_WORDS_NS), 0);
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
	/* Whatever ended without an answer is waited for until it counts as stuck. */
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

static void on_known(void *arg, const struct fetch_result *result)
{
	struct container *container = arg;
	struct err err;

	(void)result; /* if the wait failed the stop may still say why */
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
	uv_update_time(subject->engine->loop);
	uv_timer_start(&container->patience, on_stuck,
		clock_ms_up(container->grace_s * CLOCK_S + STUCK_NS), 0);
	/* What has ended is to have ended for the daemon as well, or it would still try
	 * to signal it, and report that it did. */
	return running ? begin_stop(container, err)
		       : container_await_end(container, on_known, err);
}
