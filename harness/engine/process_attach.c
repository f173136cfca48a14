#include "harness/engine/process_attach.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/engine/proc_monitor.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/proc_file.h"
#include "lib/signals.h"

#define GRACE_NS (10 * CLOCK_S)
#define STUCK_NS (50 * CLOCK_S) /* that a process may take to end after SIGKILL */

struct attached {
	struct subject subject;
	struct subject_about about;
	struct loop_timer *timer; /* until SIGKILL, then until it counts as stuck */
};

static struct attached *of(struct subject *subject)
{
	return (struct attached *)subject;
}

static void finish(struct subject *subject)
{
	subject->facts.returned_ns = clock_now();
	subject->stopped = true;
}

static void on_ended(void *arg)
{
	struct attached *attached = arg;
	struct subject *subject = &attached->subject;

	subject->running = false;
	subject->facts.exited_before_stop = subject->facts.asked_ns == 0;
	loop_timer_stop(attached->timer);
	if (subject->facts.asked_ns)
		finish(subject);
}

/* The grace is over; a second time: not even SIGKILL has ended it. */
static void on_timer(void *arg)
{
	struct attached *attached = arg;
	struct stop_facts *facts = &attached->subject.facts;

	if (facts->kill_ns) {
		facts->stuck = true;
		finish(&attached->subject);
		return;
	}
	stop_facts_kill(facts);
	proc_monitor_signal(attached->subject.monitor, SIGKILL);
	loop_timer_set(attached->timer, STUCK_NS);
}

void process_attached_stop(struct subject *subject)
{
	struct attached *attached = of(subject);
	struct stop_facts *facts = &subject->facts;

	facts->asked_ns = clock_now();
	if (!subject->running) {
		finish(subject);
		return;
	}
	if (attached->about.grace_ns != ATTACH_NO_GRACE_NS)
		loop_timer_set(attached->timer, attached->about.grace_ns);
	facts->signal_ns = clock_now();
	if (facts->stop_signal == SIGKILL)
		stop_facts_kill(facts);
	proc_monitor_signal(subject->monitor, facts->stop_signal);
	facts->signal_error_ns = clock_now() - facts->signal_ns;
	facts->signal_source = STAMP_SELF;
}

void process_attached_inspect(struct subject *subject)
{
	struct stop_facts *facts = &subject->facts;
	pid_t kill_by = 0;
	int status;

	proc_monitor_read(subject->monitor, facts, &kill_by);
	/* The SIGKILL of another process came before ours. */
	if (kill_by && kill_by != getpid())
		facts->kill_by_engine = false;
	if (!facts->wait_status_known)
		return;
	status = facts->wait_status;
	facts->exit_code =
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void process_attached_detach(struct subject *subject)
{
	struct attached *attached = of(subject);

	proc_monitor_close(subject->monitor);
	loop_timer_destroy(attached->timer);
	free(attached->about.name);
	free(attached->about.image);
	free(attached->about.restart_policy);
	free(attached->about.no_log);
	free(subject->id);
	free(subject->address);
	free(attached);
}

/* This process and those above it, up to PID 1. */
static bool is_above_us(pid_t pid)
{
	pid_t above = getpid();

	while (above > 0 && above != pid) {
		SCOPED(buf_done) struct buf stat = {0};
		const char *fields;
		int parent = 0;

		if (proc_file_read(&stat, above, "stat") &&
			(fields = strrchr(buf_text(&stat), ')')))
			sscanf(fields + 1, " %*c %d", &parent);
		above = parent;
	}
	return above == pid;
}

/* 0 with err: it is no pid, or not one that may be signalled. */
static pid_t read_pid(const char *text, struct err *err)
{
	char *end;
	long pid = strtol(text, &end, 10);

	if (!text[0] || *end || pid <= 0 || pid > INT32_MAX || pid == getpid()) {
		err_set(err, "\"%s\" is no pid of a process to stop", text);
		return 0;
	}
	if (pid == 1 || is_above_us((pid_t)pid)) {
		err_set(err,
			pid == 1
				? "process 1 is the init of this machine or container, "
				  "which no process in it can stop"
				: "process %ld has started this one, which would end with it",
			pid);
		return 0;
	}
	if (kill((pid_t)pid, 0) == 0)
		return (pid_t)pid;
	err_sys(err, "process %ld", pid);
	return 0;
}

/* "python3 -m http.server", or "" of a kernel thread; the caller's. */
static char *command_of(pid_t pid)
{
	struct buf command = {.ceiling = 4096};

	if (proc_file_read(&command, pid, "cmdline")) {
		for (size_t i = 0; i + 1 < command.len; i++)
			command.data[i] = command.data[i] ? command.data[i] : ' ';
	}
	return command.len ? buf_take(&command) : mem_text("");
}

static char *name_of(pid_t pid)
{
	SCOPED(buf_done) struct buf comm = {0};

	if (!proc_file_read(&comm, pid, "comm"))
		return mem_textf("process %d", (int)pid);
	return mem_textf("%.*s (pid %d)", (int)strcspn(buf_text(&comm), "\n"),
		buf_text(&comm), (int)pid);
}

struct subject *process_attach(
	struct engine *engine, const struct attach_spec *spec, struct err *err)
{
	pid_t pid = read_pid(spec->name, err);
	struct attached *attached;
	struct subject *subject;

	if (!pid)
		return NULL;
	attached = mem_zeroed(sizeof *attached);
	subject = &attached->subject;
	subject->engine = engine;
	subject->id = mem_text(spec->name);
	subject->address = mem_text(SUBJECT_LOOPBACK);
	subject->pid = pid;
	subject->facts.exit_code = -1;
	subject->facts.oom_kills = -1;
	subject->facts.stop_signal =
		spec->stop_signal ? signal_number(spec->stop_signal) : SIGTERM;
	subject->about = &attached->about;
	attached->about = (struct subject_about){
		.name = name_of(pid),
		.image = command_of(pid),
		.grace_ns =
			spec->grace_ns == ATTACH_OWN_GRACE ? GRACE_NS : spec->grace_ns,
		.restart_policy = mem_text("no"),
		.exit_code = -1,
		.no_log =
			mem_text("what it prints: a process has no log to be followed"),
	};
	attached->timer = loop_timer_create(engine->loop, on_timer, attached);
	subject->monitor =
		proc_monitor_open(engine->monitors, pid, on_ended, attached, err);
	subject->running = subject->monitor != NULL;
	if (subject->monitor)
		return subject;
	process_attached_detach(subject);
	return NULL;
}
