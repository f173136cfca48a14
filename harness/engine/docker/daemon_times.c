#include "harness/engine/docker/daemon_times.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "harness/engine/container_runtime.h"
#include "lib/clock.h"
#include "lib/err.h"
#include "lib/json.h"

/* Measured: FinishedAt - kill event against the kernel's own stamps, -5.3 to +3.2. */
#define OTHER_CLOCK_ERROR_NS (5 * CLOCK_MS)
#define FINISHED_ERROR_NS    (5 * CLOCK_MS)

static int64_t wall_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * CLOCK_S + now.tv_nsec;
}

/* The daemon's wall clock minus this is our monotonic clock. On another kernel the
 * arrival of the kill event is the anchor, and only differences are true. */
static int64_t wall_offset(
	const struct daemon_times *times, const struct docker_event *kill)
{
	int64_t before_ns = clock_now();
	int64_t wall_ns = wall_now();

	if (!times->our_clock)
		return kill ? kill->wall_ns - kill->seen_ns : 0;
	return wall_ns - (before_ns + clock_now()) / 2;
}

static void note_signal(const struct daemon_times *times, struct stop_facts *facts,
	const struct docker_event *event, int64_t offset_ns)
{
	int64_t at_ns = event->wall_ns - offset_ns;

	facts->signal_source = STAMP_ENGINE;
	if (!times->our_clock) {
		facts->signal_ns = at_ns;
		facts->signal_error_ns = OTHER_CLOCK_ERROR_NS;
		return;
	}
	/* The wall clock was set in between: use the arrival. */
	if (at_ns < facts->asked_ns || at_ns > event->seen_ns)
		at_ns = event->seen_ns;
	facts->signal_error_ns = (at_ns - facts->asked_ns) / 2;
	facts->signal_ns = facts->asked_ns + facts->signal_error_ns;
}

static void note_kill(
	const struct daemon_times *times, struct stop_facts *facts, int64_t offset_ns)
{
	/* A SIGKILL to a process that had already ended is not the cause. */
	bool ended_itself =
		facts->wait_status_known && !WIFSIGNALED(facts->wait_status);
	const struct docker_event *event = ended_itself
		? NULL
		: docker_events_find(times->events, "kill", SIGKILL, 0);
	bool traced = facts->kill_source == STAMP_KERNEL;

	facts->kill_by_engine = event ||
		(traced && !times->complete &&
			container_runtime_is(facts->kill_sender));
	if (traced || !event)
		return;
	facts->kill_source = STAMP_ENGINE;
	facts->kill_ns = event->wall_ns - offset_ns;
}

static void note_exit(
	const struct daemon_times *times, struct stop_facts *facts, int64_t offset_ns)
{
	const char *finished = json_text(times->state, "FinishedAt");
	const struct docker_event *die =
		docker_events_find(times->events, "die", 0, facts->asked_ns);
	struct err never;
	int64_t wall_ns;

	if (times->state && !json_bool(times->state, "Running", false) && finished &&
		clock_parse_rfc3339(&wall_ns, finished, &never)) {
		facts->exit_code = (int)json_int(times->state, "ExitCode", -1);
		facts->oom_flag = json_bool(times->state, "OOMKilled", false);
	} else if (die) {
		/* It is removed, or runs again. */
		wall_ns = die->wall_ns;
		facts->exit_code = die->exit_code;
		facts->oom_flag = docker_events_find(times->events, "oom", 0, 0);
	} else {
		return;
	}
	if (facts->exit_source != STAMP_NONE || (!times->our_clock && !offset_ns))
		return;
	facts->exit_source = STAMP_ENGINE;
	facts->exit_ns = wall_ns - offset_ns;
	/* The error of a difference is already in the signal's. */
	facts->exit_error_ns = times->our_clock ? FINISHED_ERROR_NS : 0;
}

void daemon_times_apply(const struct daemon_times *times, struct stop_facts *facts)
{
	const struct docker_event *stop = facts->asked_ns
		? docker_events_find(
			  times->events, "kill", facts->stop_signal, facts->asked_ns)
		: NULL;
	int64_t offset_ns = wall_offset(times, stop);

	if (times->runs && times->state && !json_bool(times->state, "Running", false)) {
		facts->runs_on = true;
		facts->claimed_exit_code = (int)json_int(times->state, "ExitCode", -1);
		return;
	}

	if (stop && facts->signal_source != STAMP_KERNEL)
		note_signal(times, facts, stop, offset_ns);
	note_kill(times, facts, offset_ns);
	note_exit(times, facts, offset_ns);
	/* The event comes after the kill, here even after the end. */
	if (facts->kill_source == STAMP_ENGINE && facts->exit_ns &&
		facts->kill_ns > facts->exit_ns)
		facts->kill_ns = facts->exit_ns;
}
