#include "harness/engine/docker/daemon_times.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/cc.h"
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

/* What to subtract from the daemon's wall clock for our monotonic one. On another
 * kernel it is only good for differences: anchored at the event's arrival. */
static int64_t wall_offset(
	const struct daemon_times *testimony, const struct docker_event *kill)
{
	int64_t before_ns = clock_now();
	int64_t wall_ns = wall_now();

	if (!testimony->our_clock)
		return kill ? kill->wall_ns - kill->seen_ns : 0;
	return wall_ns - (before_ns + clock_now()) / 2;
}

static void tell_signal(const struct daemon_times *testimony, struct stop_facts *facts,
	const struct docker_event *event, int64_t offset_ns)
{
	int64_t at_ns = event->wall_ns - offset_ns;

	facts->signal_source = STAMP_ENGINE;
	if (!testimony->our_clock) {
		facts->signal_ns = at_ns;
		facts->signal_error_ns = OTHER_CLOCK_ERROR_NS;
		return;
	}
	/* A wall clock that was set meanwhile is of no use: the arrival is. */
	if (at_ns < facts->asked_ns || at_ns > event->seen_ns)
		at_ns = event->seen_ns;
	facts->signal_error_ns = (at_ns - facts->asked_ns) / 2;
	facts->signal_ns = facts->asked_ns + facts->signal_error_ns;
}

/* Command names of what a daemon kills with. */
static bool is_runtime(const char *name)
{
	static const char *const runtimes[] = {"runc", "crun", "youki", "runsc",
		"conmon", "podman", "dockerd", "containerd", "containerd-shim"};

	for (size_t i = 0; i < COUNT(runtimes); i++) {
		if (strcmp(name, runtimes[i]) == 0)
			return true;
	}
	return false;
}

static void tell_kill(const struct daemon_times *testimony, struct stop_facts *facts,
	int64_t offset_ns)
{
	/* One that found nobody alive any more killed nobody. */
	bool spared = facts->wait_status_known && !WIFSIGNALED(facts->wait_status);
	const struct docker_event *event = spared
		? NULL
		: docker_events_find(testimony->events, "kill", SIGKILL, 0);
	bool traced = facts->kill_source == STAMP_KERNEL;

	facts->kill_by_engine = event ||
		(traced && !testimony->complete && is_runtime(facts->kill_sender));
	if (traced || !event)
		return;
	facts->kill_source = STAMP_ENGINE;
	facts->kill_ns = event->wall_ns - offset_ns;
}

static void tell_exit(const struct daemon_times *testimony, struct stop_facts *facts,
	int64_t offset_ns)
{
	const char *finished = json_text(testimony->state, "FinishedAt");
	struct err never;
	int64_t wall_ns;

	if (json_bool(testimony->state, "Running", false) || !finished ||
		!clock_parse_rfc3339(&wall_ns, finished, &never))
		return;
	facts->exit_code = (int)json_int(testimony->state, "ExitCode", -1);
	facts->oom_flag = json_bool(testimony->state, "OOMKilled", false);
	if (facts->exit_source != STAMP_NONE || (!testimony->our_clock && !offset_ns))
		return;
	facts->exit_source = STAMP_ENGINE;
	facts->exit_ns = wall_ns - offset_ns;
	/* Of a difference, the error is counted once: with the signal. */
	facts->exit_error_ns = testimony->our_clock ? FINISHED_ERROR_NS : 0;
}

void daemon_times_tell(const struct daemon_times *testimony, struct stop_facts *facts)
{
	const struct docker_event *stop = facts->asked_ns
		? docker_events_find(testimony->events, "kill", facts->stop_signal,
			  facts->asked_ns)
		: NULL;
	int64_t offset_ns = wall_offset(testimony, stop);

	if (stop && facts->signal_source != STAMP_KERNEL)
		tell_signal(testimony, facts, stop, offset_ns);
	tell_kill(testimony, facts, offset_ns);
	tell_exit(testimony, facts, offset_ns);
	/* The event is late: what ended by a kill was killed before its end. */
	if (facts->kill_source == STAMP_ENGINE && facts->exit_ns &&
		facts->kill_ns > facts->exit_ns)
		facts->kill_ns = facts->exit_ns;
}
