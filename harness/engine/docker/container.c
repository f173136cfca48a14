#include "harness/engine/docker/container.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/engine/docker/container_follow.h"
#include "harness/engine/docker/container_kill.h"
#include "harness/engine/docker/daemon_times.h"
#include "harness/engine/docker/events.h"
#include "harness/engine/docker/log.h"
#include "harness/engine/oom.h"
#include "harness/engine/proc_monitor.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

#define GONE_NS  (10 * CLOCK_S) /* until the daemon notices an end that we saw */
#define STUCK_NS (50 * CLOCK_S) /* beyond the grace period */
#define REST_NS  (3 * CLOCK_S)  /* for the rest of log and events */

static struct container *of(struct subject *subject)
{
	return (struct container *)subject;
}

struct container *container_new(struct docker_engine *docker, int64_t grace_s)
{
	struct container *container = mem_zeroed(sizeof *container);

	container->docker = docker;
	container->grace_s = grace_s;
	container->oom_fd = -1;
	container->oom_before = -1;
	container->subject.engine = &docker->engine;
	container->subject.facts.exit_code = -1;
	container->subject.facts.oom_kills = -1;
	return container;
}

/* --- calls about it --- */

bool container_call(
	struct container *container, const struct docker_call *call, struct err *err)
{
	SCOPED(mem_free) char *path =
		mem_textf("/containers/%s%s", container->subject.id, call->path);
	struct docker_call whole = *call;

	whole.path = path;
	return docker_api_call(container->docker->api, &whole, err);
}

struct fetch_call *container_post(struct container *container, const char *version,
	const char *what, fetch_done_fn *done, struct err *err)
{
	SCOPED(mem_free) char *path =
		mem_textf("%s%s/containers/%s/%s", version ? "/v" : "",
			version ? version : "", container->subject.id, what);

	return docker_api_begin(container->docker->api,
		&(struct fetch_request){
			.method = "POST", .done = done, .arg = container},
		path, err);
}

bool container_await_end(
	struct container *container, fetch_done_fn *done, struct err *err)
{
	container->wait = container_post(container, NULL, "wait", done, err);
	return container->wait != NULL;
}

cJSON *container_read(struct container *container, bool stubborn, struct err *err)
{
	cJSON *json = NULL;

	if (!container_call(container,
		    &(struct docker_call){
			    .path = "/json", .stubborn = stubborn, .answer = &json},
		    err))
		return NULL;
	cJSON_Delete(container->state);
	container->state = cJSON_Duplicate(json_get(json, "State"), true);
	return json;
}

/* --- the stop --- */

static bool has_event(const struct container *container, const char *action)
{
	return docker_events_find(
		container->events, action, 0, container->subject.facts.asked_ns);
}

/* The exit code of a container that the daemon removes is in its "die" event alone. */
static bool has_exit_code(const struct container *container)
{
	return !container->about || !container->about->auto_remove ||
		has_event(container, "die");
}

/* The "stop" event is the last one of a stop; newer daemons send "die" after it. Podman
 * reports none. */
static bool has_all_events(const struct container *container)
{
	if (container->stopping)
		return container_follow_is_told(container);
	return !container->acted || container->docker->api->is_podman ||
		docker_events_broken(container->events) ||
		(has_event(container, "stop") && has_exit_code(container));
}

static void finish(struct container *container)
{
	loop_timer_stop(container->patience);
	container->subject.facts.no_stop =
		container->stopping && !container->subject.facts.asked_ns;
	container->subject.stopped = true;
}

/* Too late for the rest of log and events, or for the stop itself. */
void container_on_patience_over(void *arg)
{
	struct container *container = arg;

	if (container->stopping && container->subject.running) {
		container_follow_again(container);
		return;
	}
	container->subject.facts.stuck =
		!container->answered || container->subject.running;
	finish(container);
}

void container_settle(struct container *container)
{
	struct subject *subject = &container->subject;

	if (container->stopping)
		container_follow_events(container);
	if (!container->answered || subject->running || subject->stopped)
		return;
	if (docker_log_is_over(container->log) && has_all_events(container))
		finish(container);
	else
		loop_timer_set(container->patience, REST_NS);
}

void container_note_end(struct container *container)
{
	container->subject.running = false;
	if (container->stopping)
		container_follow_end(container);
	container->subject.facts.exited_before_stop =
		container->subject.facts.asked_ns == 0;
	container_kill_over(container);
	container_settle(container);
}

void container_note_failure(struct container *container, const struct err *err)
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
		container_note_failure(container, &err);
	/* Without an answer, on_patience_over() decides. */
	if (result->end != FETCH_ANSWERED)
		return;
	container->subject.facts.returned_ns = result->ended_ns;
	container->answered = true;
	container->acted = result->status / 100 == 2;
	container_settle(container);
}

bool container_post_stop(struct container *container, const char *version,
	const char *what, struct err *err)
{
	container->stop =
		container_post(container, version, what, on_stop_answered, err);
	return container->stop != NULL;
}

static bool begin_stop(struct container *container, struct err *err)
{
	SCOPED(mem_free) char *grace = container->own_grace
		? mem_text("stop")
		: mem_textf("stop?t=%lld", (long long)container->grace_s);

	return container_post_stop(container, NULL, grace, err);
}

/* Whether the wait succeeded or not: the stop call reports the error. */
static void on_end_known(void *arg, const struct fetch_result *result UNUSED)
{
	struct container *container = arg;
	struct err err;

	container->wait = NULL;
	if (!begin_stop(container, &err))
		container_note_failure(container, &err);
}

bool container_stop(struct subject *subject, struct err *err)
{
	struct container *container = of(subject);

	subject->facts.asked_ns = clock_now();
	container->patience = loop_timer_create(
		subject->engine->loop, container_on_patience_over, container);
	if (container->grace_s >= 0)
		loop_timer_set(
			container->patience, container->grace_s * CLOCK_S + STUCK_NS);
	/* If PID 1 has ended, wait until the daemon has noticed: it would report a
	 * kill. (An attached one may be started again by its restart policy.) */
	if (!subject->running && !container->about)
		return container_await_end(container, on_end_known, err);
	container->oom_before = oom_kills(container->oom_fd);
	return container->stop_signal && subject->running
		? container_kill_begin(container, err)
		: begin_stop(container, err);
}

/* Whether it was sent is told by the daemon's events. */
static void on_signalled(void *arg UNUSED, const struct fetch_result *result UNUSED)
{
}

bool container_signal(struct subject *subject, int signal_number, struct err *err)
{
	SCOPED(mem_free)
	char *what = mem_textf("kill?signal=%d", signal_number);

	return container_post(of(subject), NULL, what, on_signalled, err) != NULL;
}

/* --- the inspection --- */

/* The daemon notices the end of PID 1 a little later than we do. When it has answered that
 * the container is stopped, it has. */
static bool await_daemon(struct container *container, struct err *err)
{
	return container->subject.running || container->acted ||
		container_call(container,
			&(struct docker_call){
				.method = "POST",
				.path = "/wait",
				.within_ns = GONE_NS,
				.stubborn = true,
			},
			err);
}

/* A daemon that is restarted during a case ends its events, stops the container itself
 * and may not answer. A daemon that is stuck is another matter. */
static void note_lost_sight(struct container *container, const char *no_answer)
{
	struct stop_facts *facts = &container->subject.facts;
	const char *why = container->docker->api->is_podman
		? NULL
		: docker_events_broken(container->events);

	if (!why)
		why = no_answer;
	/* Of a stop by somebody else the kernel's word is enough. */
	if (container->stopping &&
		(facts->wait_status_known || has_event(container, "die")))
		why = NULL;
	if (why && !facts->stuck)
		snprintf(facts->unobserved, sizeof facts->unobserved, "%.120s", why);
}

bool container_inspect(struct subject *subject, struct err *err)
{
	struct container *container = of(subject);
	/* The daemon removes it, now or soon: its "die" event says how it ended. */
	bool removed = container->stopping ||
		(container->about && container->about->auto_remove &&
			has_event(container, "die"));
	SCOPED(json_free) cJSON *json = NULL;
	pid_t kill_by;

	if (removed) {
		cJSON_Delete(container->state);
		container->state = NULL;
	} else if (await_daemon(container, err)) {
		json = container_read(container, true, err);
	}
	if (subject->monitor)
		proc_monitor_read(subject->monitor, &subject->facts, &kill_by);
	daemon_times_apply(
		&(struct daemon_times){
			.events = container->events,
			.state = container->state,
			.our_clock = container->docker->local,
			.runs = subject->monitor && subject->running,
			.complete = !container->docker->api->is_podman &&
				!docker_events_broken(container->events) &&
				has_all_events(container),
		},
		&subject->facts);
	if (container->stopping)
		container_follow_conclude(container);
	note_lost_sight(container, json || removed ? NULL : err->text);
	return json || removed ||
		err_while(err, "inspect container %.12s", subject->id);
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

/* --- the end --- */

static void release(struct container *container)
{
	if (container->stop)
		fetch_cancel(container->stop);
	if (container->wait)
		fetch_cancel(container->wait);
	container_kill_release(container);
	docker_log_close(container->log);
	docker_events_close(container->events);
	proc_monitor_close(container->subject.monitor);
	loop_timer_destroy(container->patience);
	cJSON_Delete(container->state);
	if (container->oom_fd >= 0)
		close(container->oom_fd);
	if (container->about) {
		free(container->about->name);
		free(container->about->image);
		free(container->about->restart_policy);
		free(container->about->no_log);
		cJSON_Delete(container->about->labels);
		free(container->about);
	}
	free(container->subject.id);
	free(container->subject.address);
	free(container);
}

void container_trim(struct subject *subject, int64_t before_ns)
{
	struct container *container = of(subject);

	if (subject->monitor)
		proc_monitor_trim(subject->monitor, before_ns);
	docker_events_trim(container->events, before_ns);
	container->oom_before = oom_kills(container->oom_fd);
}

void container_detach(struct subject *subject)
{
	release(of(subject));
}

void container_down(struct subject *subject)
{
	struct container *container = of(subject);

	if (subject->id)
		docker_api_try(container->docker->api, "DELETE",
			"/containers/%s?force=1&v=1", subject->id);
	/* The daemon removes a container whose PID 1 has lost its main thread, although
	 * other threads run on. */
	if (subject->monitor)
		proc_monitor_signal(subject->monitor, SIGKILL);
	release(container);
}

void container_keep(struct subject *subject)
{
	struct container *container = of(subject);

	if (subject->running)
		docker_api_try(container->docker->api, "POST", "/containers/%s/kill",
			subject->id);
	release(container);
}
