#include "harness/engine/docker/container_kill.h"

#include <signal.h>

#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

/* For the daemon to notice the end, which we saw; with less it sends SIGKILL. */
#define NOTICE_S 10

/* The stop's own answer comes with the last step; a step that fails is for the
 * report. */
static void on_kill_answered(void *arg, const struct fetch_result *result)
{
	struct container *container = arg;
	struct err err;

	container->kill = NULL;
	if (!docker_api_went_well(result, &err))
		container_note_failure(container, &err);
}

/* As of the daemon's own stop, the grace begins when the signal has been sent. */
static void on_signal_answered(void *arg, const struct fetch_result *result)
{
	struct container *container = arg;

	on_kill_answered(container, result);
	if (container->grace_s >= 0 && !container->stop)
		loop_timer_set(container->kill_timer, container->grace_s * CLOCK_S);
}

static bool post_kill(
	struct container *container, int number, fetch_done_fn *done, struct err *err)
{
	SCOPED(mem_free) char *what = mem_textf("kill?signal=%d", number);

	if (container->kill)
		fetch_cancel(container->kill);
	container->kill = container_post(container, NULL, what, done, err);
	return container->kill != NULL;
}

static void on_grace_over(void *arg)
{
	struct container *container = arg;
	struct err err;

	if (!post_kill(container, SIGKILL, on_kill_answered, &err))
		container_note_failure(container, &err);
}

bool container_kill_begin(struct container *container, struct err *err)
{
	const char *version = container->docker->api->version_with_stop_signal;

	if (version) {
		SCOPED(mem_free) char *what = mem_textf("stop?signal=%d&t=%lld",
			container->stop_signal, (long long)container->grace_s);

		return container_post_stop(container, version, what, err);
	}
	container->kill_timer = loop_timer_create(
		container->subject.engine->loop, on_grace_over, container);
	return post_kill(container, container->stop_signal, on_signal_answered, err);
}

void container_kill_over(struct container *container)
{
	SCOPED(mem_free) char *what = mem_textf("stop?t=%d", NOTICE_S);
	struct err err;

	if (!container->kill_timer || container->stop)
		return;
	loop_timer_stop(container->kill_timer);
	if (!container_post_stop(container, NULL, what, &err))
		container_note_failure(container, &err);
}

void container_kill_release(struct container *container)
{
	if (container->kill)
		fetch_cancel(container->kill);
	loop_timer_destroy(container->kill_timer);
}
