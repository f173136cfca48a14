#include "harness/engine/proc_monitor.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/engine/kernel_trace.h"
#include "harness/engine/proc_events.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/proc_file.h"

/* The threads of a process that exits end within some ms of each other. */
#define LEFT_EARLY_NS (50 * CLOCK_MS)
#define SIGNALS_MAX   16384 /* of a process and its descendants */
#define CLOSES_MAX    4096  /* and of the connections that they close */

struct proc_monitors {
	uv_loop_t *loop;
	struct proc_events *events;  /* NULL: not possible here */
	struct kernel_trace *trace;  /* NULL: not possible here */
	struct proc_monitor *opened; /* in a list */
	int64_t read_ns; /* the connector had been read up to here; 0: never */
};

struct proc_monitor {
	struct proc_monitors *monitors;
	struct proc_monitor *next;
	pid_t pid;
	int pidfd;
	uv_poll_t poll;
	int64_t opened_ns; /* the trace is older, and has what came before */
	int64_t dying_ns;  /* it began to exit; 0: not traced */
	const struct proc_lineage *lineage; /* NULL: not possible here */
	int64_t seen_ns; /* when the pidfd reported the end; 0: not yet */
	proc_monitor_ended_fn *ended;
	void *arg;

	struct proc_signal *signals; /* in the order of their stamps */
	unsigned signal_count;
	int64_t gap_ns; /* the last one that was left out, past the bound; 0: none */
	int64_t trimmed_ns; /* what was before is let go of; 0: nothing is */

	proc_monitor_signalled_fn *signalled; /* NULL: nobody is told */
	void *signalled_arg;
	int signalled_number;

	/* DYING, CLOSES and RESET; those past the bound are left out. */
	struct kernel_trace_record *closes;
	unsigned close_count;
};

/* Tracepoints and the connector count processes in the first PID namespace. */
static bool pids_are_global(void)
{
	static const char first[] = "pid:[4026531836]"; /* PROC_PID_INIT_INO */
	char here[sizeof first] = "";

	return readlink("/proc/self/ns/pid", here, sizeof here) ==
		(ssize_t)(sizeof first - 1) &&
		memcmp(here, first, sizeof first - 1) == 0;
}

/* Also of processes that are not our children: since Linux 6.15. */
static bool pidfds_have_status(void)
{
	struct utsname host;
	int major, minor;

	return uname(&host) == 0 &&
		sscanf(host.release, "%d.%d", &major, &minor) == 2 &&
		(major > 6 || (major == 6 && minor >= 15));
}

static void add_note(struct engine_capabilities *capabilities, const char *what,
	const struct err *err)
{
	size_t len = strlen(capabilities->note);

	snprintf(capabilities->note + len, sizeof capabilities->note - len,
		"%s%s (%.80s)", len ? "; " : "", what, err->text);
}

/* --- signals --- */

/* One of its own may have ended since, and is known by its name. */
static void name_sender(
	const struct proc_monitor *monitor, pid_t pid, char *name, size_t size)
{
	SCOPED(buf_done) struct buf comm = {0};
	const struct proc_record *record = monitor->lineage
		? proc_events_find(monitor->monitors->events, monitor->lineage, pid)
		: NULL;

	if (pid == 0)
		snprintf(name, size, "the kernel");
	else if (proc_file_read(&comm, pid, "comm") && comm.len > 0)
		snprintf(name, size, "%.*s", (int)comm.len - 1, comm.data);
	else if (record && record->name[0])
		snprintf(name, size, "%s", record->name);
	else
		snprintf(name, size, "pid %d", (int)pid);
}

/* A supervisor makes thousands of waits: of a long row the second goes. */
static void shorten_row(struct proc_monitor *monitor, const struct proc_signal *signal)
{
	struct proc_signal *end = monitor->signals + monitor->signal_count;
	unsigned row = 0;

	while (row < monitor->signal_count && row < PROC_SIGNAL_WAITS_MAX &&
		end[-1 - (int)row].what == PROC_SIGNAL_WAITS &&
		end[-1 - (int)row].pid == signal->pid)
		row++;
	if (row < PROC_SIGNAL_WAITS_MAX)
		return;
	memmove(end - row + 1, end - row + 2, (row - 2) * sizeof *end);
	monitor->signal_count--;
}

/* Inserted by time, since each processor has its own ring. */
static void add_signal(struct proc_monitor *monitor, const struct proc_signal *signal)
{
	unsigned count;
	struct proc_signal *at;

	if (signal->what == PROC_SIGNAL_WAITS)
		shorten_row(monitor, signal);
	count = monitor->signal_count;
	if (count == SIGNALS_MAX) {
		monitor->gap_ns = signal->ns;
		return;
	}
	/* The room doubles: it is full whenever the count is a power of two. */
	if ((count & (count - 1)) == 0)
		monitor->signals = mem_grown(monitor->signals,
			count ? (size_t)count * 2 : 1, sizeof *monitor->signals);
	at = monitor->signals + monitor->signal_count++;
	for (; at > monitor->signals && at[-1].ns > signal->ns; at--)
		*at = at[-1];
	*at = *signal;
}

static bool has_process(const struct proc_monitor *monitor, pid_t pid)
{
	return pid == monitor->pid ||
		(monitor->lineage &&
			proc_events_find(
				monitor->monitors->events, monitor->lineage, pid));
}

/* The process that a record is about; 0: none of this monitor's. A thread is known by
 * its number alone, unless it is the one that sends. */
static pid_t subject_of(
	const struct proc_monitor *monitor, const struct kernel_trace_record *record)
{
	pid_t pid = record->what == KERNEL_TRACE_SENT ? record->target : record->pid;

	if (has_process(monitor, pid))
		return pid;
	if (record->what == KERNEL_TRACE_SENT && record->to_thread &&
		has_process(monitor, record->pid))
		return record->pid;
	return 0;
}

static void note_signal(struct proc_monitor *monitor,
	const struct kernel_trace_record *record, pid_t pid)
{
	static const enum proc_signal_what whats[] = {
		[KERNEL_TRACE_SENT] = PROC_SIGNAL_SENT,
		[KERNEL_TRACE_HANDLED] = PROC_SIGNAL_HANDLED,
		[KERNEL_TRACE_WAITS] = PROC_SIGNAL_WAITS,
	};
	struct proc_signal signal = {
		.what = whats[record->what],
		.ns = record->ns,
		.pid = pid,
		.signal = record->signal,
		.ignored = record->ignored,
		.restarts = record->restarts,
	};

	if (record->what == KERNEL_TRACE_SENT) {
		signal.sender = record->from_kernel ? 0 : record->pid;
		name_sender(monitor, signal.sender, signal.sender_name,
			sizeof signal.sender_name);
	}
	add_signal(monitor, &signal);
	if (monitor->signalled && signal.what == PROC_SIGNAL_SENT &&
		pid == monitor->pid && signal.signal == monitor->signalled_number)
		monitor->signalled(monitor->signalled_arg, signal.ns);
}

/* Of PID 1 alone: all processes of the machine wait for children. (When PID 1 has exited,
 * the kernel waits in its name for what is left in the namespace.) */
static void note_wait(
	struct proc_monitor *monitor, const struct kernel_trace_record *record)
{
	if (record->pid == monitor->pid && record->ns >= monitor->opened_ns &&
		(!monitor->dying_ns || record->ns < monitor->dying_ns))
		note_signal(monitor, record, record->pid);
}

static void note_dying(
	struct proc_monitor *monitor, const struct kernel_trace_record *record)
{
	if (record->ns < monitor->opened_ns)
		return;
	if (record->pid != monitor->pid && monitor->lineage)
		proc_events_note_dying(monitor->monitors->events, monitor->lineage,
			record->pid, record->ns);
	else if (record->pid == monitor->pid && record->main_thread)
		monitor->dying_ns = record->ns;
}

static void note_close(
	struct proc_monitor *monitor, const struct kernel_trace_record *record)
{
	unsigned count = monitor->close_count;

	if (count == CLOSES_MAX || record->ns < monitor->opened_ns ||
		(record->what != KERNEL_TRACE_RESET &&
			!has_process(monitor, record->pid)))
		return;
	/* The room doubles: it is full whenever the count is a power of two. */
	if ((count & (count - 1)) == 0)
		monitor->closes = mem_grown(monitor->closes,
			count ? (size_t)count * 2 : 1, sizeof *monitor->closes);
	monitor->closes[monitor->close_count++] = *record;
}

static void on_traced(void *arg, const struct kernel_trace_record *record)
{
	struct proc_monitors *monitors = arg;
	bool is_death = record->what == KERNEL_TRACE_DYING;
	bool closes = (is_death && record->main_thread) ||
		record->what == KERNEL_TRACE_CLOSES ||
		record->what == KERNEL_TRACE_RESET;
	bool is_signal = record->what == KERNEL_TRACE_SENT ||
		record->what == KERNEL_TRACE_HANDLED;

	/* Its subject may have been forked a moment ago: read what came before it, and not
	 * again for each of a burst. */
	if (monitors->events && monitors->opened && (is_signal || is_death) &&
		record->ns > monitors->read_ns) {
		monitors->read_ns = clock_now();
		proc_events_read(monitors->events);
	}
	for (struct proc_monitor *monitor = monitors->opened; monitor;
		monitor = monitor->next) {
		if (closes)
			note_close(monitor, record);
		if (is_death)
			note_dying(monitor, record);
		else if (record->what == KERNEL_TRACE_WAITS)
			note_wait(monitor, record);
		else if (is_signal && subject_of(monitor, record))
			note_signal(monitor, record, subject_of(monitor, record));
	}
}

/* --- the monitors of an engine --- */

struct proc_monitors *proc_monitors_open(
	uv_loop_t *loop, struct engine_capabilities *capabilities)
{
	struct proc_monitors *monitors = mem_zeroed(sizeof *monitors);
	bool global = pids_are_global();
	struct err err = {.text = "not in the first PID namespace"};

	monitors->loop = loop;
	monitors->events = global ? proc_events_open(loop, &err) : NULL;
	capabilities->exit = monitors->events ? STAMP_KERNEL : STAMP_SELF;
	if (monitors->events || pidfds_have_status())
		capabilities->wait_status = true;
	if (!monitors->events)
		add_note(capabilities, "no kernel stamp of exits", &err);
	monitors->trace =
		global ? kernel_trace_open(loop, on_traced, monitors, &err) : NULL;
	capabilities->signal_delivery = monitors->trace != NULL;
	if (monitors->trace)
		capabilities->signal = capabilities->kill = STAMP_KERNEL;
	else
		add_note(capabilities, "no kernel trace of signals", &err);
	return monitors;
}

void proc_monitors_close(struct proc_monitors *monitors)
{
	if (!monitors)
		return;
	proc_events_close(monitors->events);
	kernel_trace_close(monitors->trace);
	free(monitors);
}

/* --- one monitor --- */

static void on_ended(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	struct proc_monitor *monitor = poll->data;

	monitor->seen_ns = clock_now();
	uv_poll_stop(poll);
	if (monitor->signalled && monitor->monitors->trace)
		kernel_trace_read(monitor->monitors->trace);
	monitor->ended(monitor->arg);
}

struct proc_monitor *proc_monitor_open(struct proc_monitors *monitors, pid_t pid,
	proc_monitor_ended_fn *ended, void *arg, struct err *err)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct proc_monitor *monitor;
	int failed;

	if (pidfd < 0) {
		err_sys(err, "pidfd of process %d", (int)pid);
		return NULL;
	}
	monitor = mem_zeroed(sizeof *monitor);
	failed = uv_poll_init(monitors->loop, &monitor->poll, pidfd);
	if (failed) {
		err_set(err, "pidfd of process %d: poll: %s", (int)pid,
			uv_strerror(failed));
		close(pidfd);
		free(monitor);
		return NULL;
	}
	monitor->monitors = monitors;
	monitor->pid = pid;
	monitor->pidfd = pidfd;
	monitor->opened_ns = clock_now();
	monitor->ended = ended;
	monitor->arg = arg;
	if (monitors->events)
		monitor->lineage = proc_events_watch(monitors->events, pid);
	monitor->next = monitors->opened;
	monitors->opened = monitor;
	monitor->poll.data = monitor;
	uv_poll_start(&monitor->poll, UV_READABLE, on_ended);
	return monitor;
}

void proc_monitor_on_signal(struct proc_monitor *monitor, int number,
	proc_monitor_signalled_fn *signalled, void *arg)
{
	monitor->signalled = signalled;
	monitor->signalled_arg = arg;
	monitor->signalled_number = number;
}

void proc_monitor_trim(struct proc_monitor *monitor, int64_t before_ns)
{
	unsigned past = 0, kept = 0;

	while (past < monitor->signal_count && monitor->signals[past].ns < before_ns)
		past++;
	monitor->signal_count -= past;
	if (past > 0)
		memmove(monitor->signals, monitor->signals + past,
			monitor->signal_count * sizeof *monitor->signals);
	for (unsigned i = 0; i < monitor->close_count; i++) {
		if (monitor->closes[i].ns >= before_ns)
			monitor->closes[kept++] = monitor->closes[i];
	}
	monitor->close_count = kept;
	if (monitor->gap_ns < before_ns)
		monitor->gap_ns = 0;
	monitor->trimmed_ns = before_ns;
	if (monitor->lineage)
		proc_events_trim(
			monitor->monitors->events, monitor->lineage, before_ns);
}

void proc_monitor_signal(const struct proc_monitor *monitor, int signal_number)
{
	syscall(SYS_pidfd_send_signal, monitor->pidfd, signal_number, NULL, 0);
}

/* struct pidfd_info of Linux 6.13; the exit status came with 6.15. */
struct pidfd_info_v1 {
	uint64_t mask, cgroup_id;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
};

#define PIDFD_INFO_EXIT_BIT (UINT64_C(1) << 3)
#define PIDFD_GET_INFO_V1   _IOWR(0xFF, 11, struct pidfd_info_v1)

static void read_exit(const struct proc_monitor *monitor, struct stop_facts *facts)
{
	struct pidfd_info_v1 info = {.mask = PIDFD_INFO_EXIT_BIT};

	if (!monitor->seen_ns)
		return;
	facts->exit_ns = monitor->seen_ns;
	facts->exit_error_ns = CLOCK_MS;
	facts->exit_source = STAMP_SELF;
	/* Where events were lost, the last thread's may be one of them. */
	if (monitor->lineage && !monitor->lineage->incomplete &&
		monitor->lineage->self.ended_ns) {
		facts->exit_ns = monitor->lineage->self.ended_ns;
		facts->exit_error_ns = 0;
		facts->exit_source = STAMP_KERNEL;
		facts->wait_status_known = true;
		facts->wait_status = monitor->lineage->self.wait_status;
	} else if (ioctl(monitor->pidfd, PIDFD_GET_INFO_V1, &info) == 0 &&
		(info.mask & PIDFD_INFO_EXIT_BIT)) {
		facts->wait_status_known = true;
		facts->wait_status = info.exit_code;
	}
	/* It may have ended while the stop was requested. */
	if (facts->exit_ns < facts->asked_ns)
		facts->exited_before_stop = true;
}

static void read_signal(const struct proc_signal *signal, struct stop_facts *facts)
{
	if (signal->signal != facts->stop_signal || !facts->asked_ns ||
		signal->ns < facts->asked_ns)
		return;
	if (facts->signals_seen++ > 0)
		return;
	facts->signal_ns = signal->ns;
	facts->signal_error_ns = 0;
	facts->signal_source = STAMP_KERNEL;
	facts->signal_delivery =
		signal->ignored ? DELIVERY_IGNORED : DELIVERY_DELIVERED;
}

static void read_kill(
	const struct proc_signal *signal, struct stop_facts *facts, pid_t *kill_by)
{
	/* The first SIGKILL before the end is the cause, unless the kernel discarded it
	 * (kill(1, 9) from inside the namespace). */
	if (signal->signal != SIGKILL || signal->ignored ||
		facts->kill_source == STAMP_KERNEL ||
		(facts->exit_ns && signal->ns > facts->exit_ns))
		return;
	facts->kill_ns = signal->ns;
	facts->kill_source = STAMP_KERNEL;
	*kill_by = signal->sender ? signal->sender : -1;
	snprintf(facts->kill_sender, sizeof facts->kill_sender, "%s%s",
		signal->sender_name, signal->sender ? "" : " (memory or CPU limit)");
}

/* A main thread may end long before the other threads: the exit began later then. */
static bool left_early(const struct proc_monitor *monitor)
{
	const struct proc_lineage *lineage = monitor->lineage;

	return !monitor->seen_ns ||
		(lineage && lineage->leader_ns &&
			lineage->self.ended_ns - lineage->leader_ns > LEFT_EARLY_NS);
}

/* With the last thread of PID 1 its namespace ends: the kernel kills who is left in it,
 * and reports that thread's end when they are dead, on a busy machine much later than
 * the main thread's. 0: nobody was left. */
static int64_t namespace_end_ns(const struct proc_monitor *monitor)
{
	const struct proc_lineage *lineage = monitor->lineage;

	for (unsigned i = 0; monitor->seen_ns && i < monitor->signal_count; i++) {
		const struct proc_signal *signal = &monitor->signals[i];

		if (signal->what == PROC_SIGNAL_SENT && signal->signal == SIGKILL &&
			!signal->sender && signal->pid != monitor->pid &&
			signal->ns >= lineage->leader_ns &&
			signal->ns <= lineage->self.ended_ns)
			return signal->ns;
	}
	return 0;
}

void proc_monitor_read(
	struct proc_monitor *monitor, struct stop_facts *facts, pid_t *kill_by)
{
	if (monitor->lineage)
		proc_events_read(monitor->monitors->events);
	if (monitor->monitors->trace)
		kernel_trace_read(monitor->monitors->trace);
	facts->signals_seen = 0;
	facts->exec_ns = monitor->lineage ? monitor->lineage->self.exec_ns : 0;
	read_exit(monitor, facts);
	facts->dying_ns =
		left_early(monitor) ? namespace_end_ns(monitor) : monitor->dying_ns;
	for (unsigned i = 0; i < monitor->signal_count; i++) {
		const struct proc_signal *signal = &monitor->signals[i];

		if (signal->pid != monitor->pid || signal->what != PROC_SIGNAL_SENT)
			continue;
		read_signal(signal, facts);
		read_kill(signal, facts, kill_by);
	}
}

bool proc_monitor_descendants(struct proc_monitor *monitor,
	const struct proc_record **events, unsigned *count)
{
	if (!monitor->lineage)
		return false;
	proc_events_read(monitor->monitors->events);
	*events = monitor->lineage->descendants;
	*count = monitor->lineage->count;
	return !monitor->lineage->incomplete;
}

bool proc_monitor_signals(struct proc_monitor *monitor,
	const struct proc_signal **signals, unsigned *count)
{
	struct kernel_trace *trace = monitor->monitors->trace;

	if (!trace)
		return false;
	kernel_trace_read(trace);
	*signals = monitor->signals;
	*count = monitor->signal_count;
	return !monitor->gap_ns && !kernel_trace_has_gap(trace, monitor->trimmed_ns);
}

static bool was_dying(const struct proc_monitor *monitor, pid_t pid, int64_t ns)
{
	for (unsigned i = 0; i < monitor->close_count; i++) {
		const struct kernel_trace_record *other = &monitor->closes[i];

		if (other->what == KERNEL_TRACE_DYING && other->pid == pid &&
			other->ns <= ns)
			return true;
	}
	return false;
}

struct connection_close proc_monitor_close_of(
	struct proc_monitor *monitor, unsigned port, unsigned peer_port)
{
	struct connection_close close = {0};

	if (monitor->monitors->trace)
		kernel_trace_read(monitor->monitors->trace);
	for (unsigned i = 0; i < monitor->close_count; i++) {
		const struct kernel_trace_record *record = &monitor->closes[i];

		if (record->what == KERNEL_TRACE_DYING || record->port != port ||
			record->peer_port != peer_port)
			continue;
		if (record->what == KERNEL_TRACE_RESET) {
			close.reset = true;
			continue;
		}
		close.closed = true;
		close.after_peer = record->after_peer;
		close.by_exit = was_dying(monitor, record->pid, record->ns);
	}
	return close;
}

static void on_closed(uv_handle_t *handle)
{
	struct proc_monitor *monitor = handle->data;

	close(monitor->pidfd);
	free(monitor);
}

void proc_monitor_close(struct proc_monitor *monitor)
{
	struct proc_monitor **link;

	if (!monitor)
		return;
	link = &monitor->monitors->opened;
	while (*link != monitor)
		link = &(*link)->next;
	*link = monitor->next;
	if (monitor->lineage)
		proc_events_forget(monitor->monitors->events, monitor->lineage);
	free(monitor->signals);
	free(monitor->closes);
	uv_close((uv_handle_t *)&monitor->poll, on_closed);
}
