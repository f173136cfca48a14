#include "harness/engine/docker/container_follow.h"

#include <sys/wait.h>
#include <time.h>

#include "harness/engine/docker/events.h"
#include "harness/engine/docker/log.h"
#include "harness/engine/oom.h"
#include "harness/engine/proc_monitor.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

/* The kill event comes after the signal: 2 to 25 ms were seen. */
#define KILL_EVENT_LATE_NS (25 * CLOCK_MS)
/* Of what was printed before, the last minute is read. */
#define LOG_BEFORE_NS (60 * CLOCK_S)
/* A later stop signal is that of another stop: the first one was no stop. */
#define ANOTHER_STOP_NS (2 * CLOCK_S)
#define STUCK_NS        (50 * CLOCK_S) /* beyond the grace period */

int64_t container_follow_wall_ns(const struct docker_engine *docker)
{
	const char *time = json_text(docker->info, "SystemTime");
	struct timespec now;
	struct err ignored;
	int64_t ns;

	clock_gettime(CLOCK_REALTIME, &now);
	if (docker->local || !time || !clock_parse_rfc3339(&ns, time, &ignored))
		return now.tv_sec * CLOCK_S + now.tv_nsec;
	return ns + clock_now() - docker->info_ns;
}

/* A log that cannot be read is none. */
static void follow_log(struct container *container)
{
	struct docker_log_spec *spec = &container->log_spec;
	struct err err;

	docker_log_close(container->log);
	spec->since_ns = container_follow_wall_ns(container->docker) - LOG_BEFORE_NS;
	container->log = docker_log_open(container->docker->api, spec, &err);
}

static bool is_another(const struct container *container, int64_t ns)
{
	int64_t asked_ns = container->subject.facts.asked_ns;

	return container->grace_s >= 0 &&
		ns > asked_ns + container->grace_s * CLOCK_S + ANOTHER_STOP_NS;
}

static void begin(struct container *container, int64_t ns)
{
	struct subject *subject = &container->subject;

	if (subject->stopped || (subject->facts.asked_ns && !is_another(container, ns)))
		return;
	subject->facts.asked_ns = ns;
	container->oom_before = oom_kills(container->oom_fd);
	if (container->grace_s >= 0)
		loop_timer_set(
			container->patience, container->grace_s * CLOCK_S + STUCK_NS);
	container->stopping(container->stopping_arg);
	follow_log(container);
}

static void on_signal(void *arg, int64_t ns)
{
	begin(arg, ns);
}

void container_follow(struct container *container, const struct attach_spec *spec,
	const struct docker_log_spec *log)
{
	struct subject *subject = &container->subject;

	container->stopping = spec->stopping;
	container->stopping_arg = spec->arg;
	container->log_spec = *log;
	container->answered = true; /* nobody here has asked the daemon */
	if (subject->monitor)
		proc_monitor_on_signal(subject->monitor, subject->facts.stop_signal,
			on_signal, container);
}

void container_follow_events(struct container *container)
{
	const struct stop_facts *facts = &container->subject.facts;
	const struct docker_event *kill =
		docker_events_find(container->events, "kill", facts->stop_signal, 0);

	if (kill && !facts->asked_ns)
		begin(container, kill->seen_ns - KILL_EVENT_LATE_NS);
}

void container_follow_end(struct container *container)
{
	container_follow_events(container);
	if (!container->subject.facts.asked_ns)
		follow_log(container);
}

bool container_follow_is_told(const struct container *container)
{
	return docker_events_find(container->events, "die", 0,
		       container->subject.facts.asked_ns) ||
		docker_events_broken(container->events);
}

/* As the daemon writes it. */
static int code_of(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status)
					: WEXITSTATUS(wait_status);
}

void container_follow_conclude(struct container *container)
{
	struct stop_facts *facts = &container->subject.facts;
	const char *failed = container->log ? docker_log_failure(container->log) : NULL;

	if (facts->exit_code < 0 && facts->wait_status_known)
		facts->exit_code = code_of(facts->wait_status);
	if (failed && !container->about->no_log)
		container->about->no_log = mem_textf("its log (%s)", failed);
}

void container_follow_again(struct container *container)
{
	container->subject.facts.asked_ns = 0;
	docker_events_trim(container->events, clock_now());
	docker_log_close(container->log);
	container->log = NULL;
}
