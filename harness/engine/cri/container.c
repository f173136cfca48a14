#include "harness/engine/cri/container.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/engine/container_runtime.h"
#include "harness/engine/cri/log.h"
#include "harness/engine/cri/sandbox.h"
#include "harness/engine/oom.h"
#include "harness/engine/proc_monitor.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/signals.h"

#define GONE_NS   (10 * CLOCK_S) /* until the runtime notices an end that we saw */
#define UNSEEN_NS (3 * CLOCK_S)  /* the same of one that we did not see */
#define STUCK_NS  (50 * CLOCK_S) /* beyond the grace period */
#define REST_NS   (3 * CLOCK_S)  /* for the rest of the log */
/* Of FinishedAt, the time at which the shim reaped PID 1. */
#define FINISHED_ERROR_NS (5 * CLOCK_MS)

static struct cri_container *of(struct subject *subject)
{
	return (struct cri_container *)subject;
}

struct cri_container *cri_container_new(struct cri_engine *cri, int64_t grace_s)
{
	struct cri_container *container = mem_zeroed(sizeof *container);

	container->cri = cri;
	container->grace_s = grace_s;
	container->oom_fd = -1;
	container->oom_before = -1;
	container->subject.engine = &cri->engine;
	container->subject.address = mem_text(SUBJECT_LOOPBACK);
	container->subject.facts.exit_code = -1;
	container->subject.facts.oom_kills = -1;
	container->subject.facts.stop_signal = SIGTERM;
	return container;
}

const Cri__ContainerStatus *cri_container_read(
	struct cri_container *container, bool stubborn, struct err *err)
{
	Cri__ContainerStatusRequest request = CRI__CONTAINER_STATUS_REQUEST__INIT;
	Cri__ContainerStatusResponse *answer;

	request.container_id = container->subject.id;
	request.verbose = true;
	answer = runtime_service_call(container->cri->service,
		&(struct cri_call){
			.method = CRI_CONTAINER_STATUS,
			.request = &request,
			.stubborn = stubborn,
		},
		err);
	if (answer && !answer->status) {
		message_free(&answer);
		answer = NULL;
		err_set(err, "CRI ContainerStatus: the answer has no status");
	}
	if (!answer)
		return NULL;
	message_free(&container->status);
	container->status = answer;
	return answer->status;
}

/* --- PID 1 --- */

static void note_end(struct cri_container *container)
{
	container->subject.running = false;
	container->subject.facts.exited_before_stop =
		container->subject.facts.asked_ns == 0;
	cri_container_settle(container);
}

static void on_ended(void *arg)
{
	struct cri_container *container = arg;
	int64_t kills = oom_kills(container->oom_fd);

	/* The counter disappears with the cgroup, some 30 ms from now. */
	if (kills >= 0 && container->oom_before >= 0)
		container->subject.facts.oom_kills = kills - container->oom_before;
	note_end(container);
}

static pid_t pid_of(const Cri__ContainerStatusResponse *status)
{
	const char *text = message_pair(status->info, status->n_info, "info");
	SCOPED(json_free) cJSON *info = text ? json_parse(text, strlen(text)) : NULL;

	return (pid_t)json_int(info, "pid", 0);
}

static bool is_running(const struct cri_container *container)
{
	return container->status->status->state == CRI__CONTAINER_STATE__RUNNING;
}

/* The monitor is opened first: the check then holds for the monitored process. */
static bool monitor_pid1(struct cri_container *container, pid_t pid)
{
	struct subject *subject = &container->subject;
	struct err ignored;

	if (pid > 0)
		subject->monitor = proc_monitor_open(
			subject->engine->monitors, pid, on_ended, container, &ignored);
	if (subject->monitor && container_runtime_runs(pid, subject->id)) {
		subject->pid = pid;
		container->oom_fd = oom_open(pid);
		container->oom_before = oom_kills(container->oom_fd);
		return true;
	}
	proc_monitor_close(subject->monitor);
	subject->monitor = NULL;
	return false;
}

/* The runtime notices the end of PID 1 a little later than we do. Reads the status until
 * it has, or the time is over. */
static bool await_end(struct cri_container *container, int64_t within_ns, bool stubborn,
	struct err *err)
{
	int64_t deadline_ns = clock_now() + within_ns;

	do {
		if (!cri_container_read(container, stubborn, err))
			return false;
	} while (is_running(container) && clock_now() < deadline_ns &&
		runtime_service_pause(container->cri->service, stubborn));
	return true;
}

bool cri_container_watch(struct cri_container *container, struct err *err)
{
	container->subject.running = is_running(container) &&
		monitor_pid1(container, pid_of(container->status));
	if (container->subject.running)
		return true;
	/* A process that is not there has ended, or is in a PID namespace that is not ours. */
	if (is_running(container) && !await_end(container, UNSEEN_NS, false, err))
		return false;
	if (is_running(container))
		return err_set(err,
			"PID 1 of container %.12s is not seen here: stopbench has to run on "
			"the node, in its PID namespace (a pod: hostPID)",
			container->subject.id);
	note_end(container);
	return true;
}

/* --- the stop --- */

static void finish(struct cri_container *container)
{
	loop_timer_stop(container->patience);
	container->subject.stopped = true;
}

/* Too late for the rest of the log, or for the stop itself. */
static void on_patience_over(void *arg)
{
	struct cri_container *container = arg;

	container->subject.facts.stuck =
		!container->answered || container->subject.running;
	finish(container);
}

void cri_container_settle(void *arg)
{
	struct cri_container *container = arg;
	struct subject *subject = &container->subject;

	if (!container->answered || subject->running || subject->stopped)
		return;
	if (cri_log_is_over(container->log))
		finish(container);
	else
		loop_timer_set(container->patience, REST_NS);
}

static void on_stop_answered(void *arg, const struct grpc_result *result)
{
	struct cri_container *container = arg;

	container->stop = NULL;
	if (result->status != GRPC_OK)
		snprintf(container->stop_error, sizeof container->stop_error, "%.250s",
			result->why);
	/* Without an answer, on_patience_over() decides. */
	if (result->status == GRPC_NONE)
		return;
	container->subject.facts.returned_ns = result->ended_ns;
	container->answered = true;
	cri_container_settle(container);
}

/* Where PID 1 has ended, the runtime answers when it has noticed that. */
bool cri_container_stop(struct subject *subject, struct err *err)
{
	struct cri_container *container = of(subject);
	Cri__StopContainerRequest request = CRI__STOP_CONTAINER_REQUEST__INIT;

	request.container_id = subject->id;
	request.timeout = container->grace_s;
	/* Without a timeout the runtime sends that alone. */
	if (container->grace_s == 0)
		subject->facts.stop_signal = SIGKILL;
	container->oom_before = oom_kills(container->oom_fd);
	container->patience =
		loop_timer_create(subject->engine->loop, on_patience_over, container);
	loop_timer_set(container->patience, container->grace_s * CLOCK_S + STUCK_NS);
	subject->facts.asked_ns = clock_now();
	container->stop = runtime_service_begin(container->cri->service,
		CRI_STOP_CONTAINER, &request, on_stop_answered, container, err);
	return container->stop != NULL;
}

/* CRI has no call for a signal. */
bool cri_container_signal(
	struct subject *subject, int signal_number, struct err *err UNUSED)
{
	if (subject->monitor)
		proc_monitor_signal(subject->monitor, signal_number);
	return true;
}

/* --- the inspection --- */

static void note_status(
	const Cri__ContainerStatus *status, bool runs, struct stop_facts *facts)
{
	bool ended = status->state == CRI__CONTAINER_STATE__EXITED;

	if (ended && runs) {
		facts->runs_on = true;
		facts->claimed_exit_code = status->exit_code;
		return;
	}
	if (!ended)
		return;
	facts->exit_code = status->exit_code;
	facts->oom_flag = strcmp(status->reason, "OOMKilled") == 0;
	if (facts->exit_source != STAMP_NONE || status->finished_at <= 0)
		return;
	facts->exit_source = STAMP_ENGINE;
	facts->exit_ns = clock_of_wall(status->finished_at);
	facts->exit_error_ns = FINISHED_ERROR_NS;
}

/* The runtime reports no signals: that SIGKILL was sent is the kernel's word. Its sender
 * may have ended before its name was read, as a quick runc does: one that came when the
 * grace was over, while StopContainer was not answered, is StopContainer's. A SIGKILL to
 * a process that had already ended is not the cause. */
static void note_kill(struct cri_container *container, pid_t kill_by)
{
	struct stop_facts *facts = &container->subject.facts;
	bool ended_itself =
		facts->wait_status_known && !WIFSIGNALED(facts->wait_status);
	bool unnamed = strncmp(facts->kill_sender, "pid ", strlen("pid ")) == 0;
	bool due = facts->asked_ns &&
		facts->kill_ns >= facts->asked_ns + container->grace_s * CLOCK_S;

	facts->kill_by_engine = facts->kill_source == STAMP_KERNEL && kill_by > 0 &&
		!ended_itself &&
		(container_runtime_is(facts->kill_sender) || (unnamed && due));
}

/* Of a container that somebody began to stop before, containerd sends no second signal,
 * and kills it when the timeout is over. */
static void note_no_signal(const struct subject *subject, struct stop_facts *facts)
{
	char text[SIGNAL_TEXT_SIZE];

	if (subject->engine->capabilities.signal_delivery && facts->kill_by_engine &&
		facts->signals_seen == 0)
		snprintf(facts->unobserved, sizeof facts->unobserved,
			"the runtime sent no %s: somebody had begun to stop it before",
			signal_name(facts->stop_signal, text));
}

bool cri_container_inspect(struct subject *subject, struct err *err)
{
	struct cri_container *container = of(subject);
	struct stop_facts *facts = &subject->facts;
	/* A StopContainer whose SIGKILL met the end of PID 1 fails before the status has it. */
	bool known = await_end(container, subject->running ? 0 : GONE_NS, true, err);
	pid_t kill_by = 0;

	if (subject->monitor)
		proc_monitor_read(subject->monitor, facts, &kill_by);
	note_kill(container, kill_by);
	note_no_signal(subject, facts);
	if (known)
		note_status(container->status->status,
			subject->monitor && subject->running, facts);
	else if (!facts->stuck)
		snprintf(facts->unobserved, sizeof facts->unobserved, "%.120s",
			err->text);
	return known || err_while(err, "inspect container %.12s", subject->id);
}

static void add_status(cJSON *json, const Cri__ContainerStatus *status)
{
	static const char *const states[] = {"created", "running", "exited", "unknown"};
	unsigned state = (unsigned)status->state;

	cJSON_AddStringToObject(
		json, "state", state < COUNT(states) ? states[state] : "unknown");
	json_add_int(json, "started_at", status->started_at);
	json_add_int(json, "finished_at", status->finished_at);
	json_add_int(json, "exit_code", status->exit_code);
	cJSON_AddStringToObject(json, "reason", status->reason);
	cJSON_AddStringToObject(json, "message", status->message);
}

cJSON *cri_container_events(const struct subject *subject)
{
	const struct cri_container *container = (const struct cri_container *)subject;
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "container", subject->id);
	if (container->sandbox)
		cJSON_AddStringToObject(json, "sandbox", container->sandbox);
	if (container->stop_error[0])
		cJSON_AddStringToObject(json, "stop_error", container->stop_error);
	if (container->status)
		add_status(cJSON_AddObjectToObject(json, "status"),
			container->status->status);
	return json;
}

/* --- the end --- */

static void release_about(struct subject_about *about)
{
	if (!about)
		return;
	free(about->name);
	free(about->image);
	free(about->restart_policy);
	free(about->no_log);
	free(about);
}

static void release(struct cri_container *container)
{
	grpc_call_cancel(container->stop);
	for (unsigned i = 0; i < container->exec_count; i++)
		grpc_call_cancel(container->execs[i].call);
	cri_log_close(container->log);
	proc_monitor_close(container->subject.monitor);
	loop_timer_destroy(container->patience);
	message_free(&container->status);
	if (container->oom_fd >= 0)
		close(container->oom_fd);
	release_about(container->about);
	free(container->sandbox);
	free(container->subject.id);
	free(container->subject.address);
	free(container);
}

void cri_container_detach(struct subject *subject)
{
	release(of(subject));
}

void cri_container_down(struct subject *subject)
{
	struct cri_container *container = of(subject);
	struct err ignored; /* engine_clean() finds the run's label */

	if (subject->monitor)
		proc_monitor_signal(subject->monitor, SIGKILL);
	if (container->sandbox)
		cri_sandbox_remove(
			container->cri->service, container->sandbox, &ignored);
	release(container);
}

void cri_container_keep(struct subject *subject)
{
	struct cri_container *container = of(subject);
	Cri__StopContainerRequest request = CRI__STOP_CONTAINER_REQUEST__INIT;

	request.container_id = subject->id;
	if (subject->running)
		runtime_service_try(
			container->cri->service, CRI_STOP_CONTAINER, &request);
	release(container);
}
