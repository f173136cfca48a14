#include "harness/engine/proc_monitor.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/engine/proc_events.h"
#include "harness/engine/signal_trace.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/proc_file.h"

/* The threads of a process that exits end within some ms of each other. */
#define LEFT_EARLY_NS (50 * CLOCK_MS)

struct proc_monitors {
	uv_loop_t *loop;
	struct proc_events *events; /* NULL: not possible here */
	struct signal_trace *held;  /* traces no process; NULL: not possible here */
};

/* A traced signal and the command name of its sender. */
struct sent {
	struct signal_trace_record record;
	char sender[40];
};

struct proc_monitor {
	struct proc_monitors *monitors;
	pid_t pid;
	int pidfd;
	uv_poll_t poll;
	int64_t dying_ns;                   /* it began to exit; 0: not traced */
	struct signal_trace *trace;         /* NULL: not possible here */
	const struct proc_lineage *lineage; /* NULL: not possible here */
	int64_t seen_ns; /* when the pidfd reported the end; 0: not yet */
	proc_monitor_ended_fn *ended;
	void *arg;

	struct sent *sent;
	unsigned sent_count;
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
	/* Detaching the last user of a tracepoint waits for all processors, some 80 ms:
	 * held from here on, each case attaches and detaches at once. */
	monitors->held = global ? signal_trace_open(loop, 0, NULL, NULL, &err) : NULL;
	capabilities->signal_delivery = monitors->held != NULL;
	if (monitors->held)
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
	signal_trace_close(monitors->held);
	free(monitors);
}

static void on_ended(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	struct proc_monitor *monitor = poll->data;

	monitor->seen_ns = clock_now();
	uv_poll_stop(poll);
	monitor->ended(monitor->arg);
}

static void name_sender(pid_t pid, char *name, size_t size)
{
	SCOPED(buf_done) struct buf comm = {0};

	if (proc_file_read(&comm, pid, "comm") && comm.len > 0)
		snprintf(name, size, "%.*s", (int)comm.len - 1, comm.data);
	else
		snprintf(name, size, "process %d", (int)pid);
}

/* Inserted by time, since each processor has its own ring. The sender's name is read at
 * once: the sender may end soon. */
static void on_sent(void *arg, const struct signal_trace_record *record)
{
	struct proc_monitor *monitor = arg;
	struct sent *sent;

	if (record->what == SIGNAL_TRACE_DYING) {
		monitor->dying_ns = record->ns;
		return;
	}
	monitor->sent = mem_grown(
		monitor->sent, monitor->sent_count + 1, sizeof *monitor->sent);
	sent = monitor->sent + monitor->sent_count++;
	for (; sent > monitor->sent && sent[-1].record.ns > record->ns; sent--)
		*sent = sent[-1];
	sent->record = *record;
	if (record->from_kernel)
		snprintf(sent->sender, sizeof sent->sender,
			"the kernel (memory or CPU limit)");
	else
		name_sender(record->sender, sent->sender, sizeof sent->sender);
}

struct proc_monitor *proc_monitor_open(struct proc_monitors *monitors, pid_t pid,
	proc_monitor_ended_fn *ended, void *arg, struct err *err)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct proc_monitor *monitor;
	struct err ignored;
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
	monitor->ended = ended;
	monitor->arg = arg;
	if (monitors->events)
		monitor->lineage = proc_events_watch(monitors->events, pid);
	if (monitors->held)
		monitor->trace = signal_trace_open(
			monitors->loop, pid, on_sent, monitor, &ignored);
	monitor->poll.data = monitor;
	uv_poll_start(&monitor->poll, UV_READABLE, on_ended);
	return monitor;
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

static void read_signal(const struct sent *sent, struct stop_facts *facts)
{
	if (sent->record.signal != facts->stop_signal || !facts->asked_ns ||
		sent->record.ns < facts->asked_ns)
		return;
	if (facts->signals_seen++ > 0)
		return;
	facts->signal_ns = sent->record.ns;
	facts->signal_error_ns = 0;
	facts->signal_source = STAMP_KERNEL;
	facts->signal_delivery =
		sent->record.ignored ? DELIVERY_IGNORED : DELIVERY_DELIVERED;
}

static void read_kill(const struct sent *sent, struct stop_facts *facts, pid_t *kill_by)
{
	/* The first SIGKILL before the end is the cause, unless the kernel discarded it
	 * (kill(1, 9) from inside the namespace). */
	if (sent->record.signal != SIGKILL || sent->record.ignored ||
		facts->kill_source == STAMP_KERNEL ||
		(facts->exit_ns && sent->record.ns > facts->exit_ns))
		return;
	facts->kill_ns = sent->record.ns;
	facts->kill_source = STAMP_KERNEL;
	*kill_by = sent->record.from_kernel ? -1 : sent->record.sender;
	snprintf(facts->kill_sender, sizeof facts->kill_sender, "%s", sent->sender);
}

/* A main thread may end long before the other threads: the exit began later then. */
static bool left_early(const struct proc_monitor *monitor)
{
	const struct proc_lineage *lineage = monitor->lineage;

	return lineage && lineage->leader_ns &&
		lineage->self.ended_ns - lineage->leader_ns > LEFT_EARLY_NS;
}

void proc_monitor_read(
	struct proc_monitor *monitor, struct stop_facts *facts, pid_t *kill_by)
{
	if (monitor->lineage)
		proc_events_read(monitor->monitors->events);
	if (monitor->trace)
		signal_trace_read(monitor->trace);
	facts->signals_seen = 0;
	read_exit(monitor, facts);
	if (!left_early(monitor))
		facts->dying_ns = monitor->dying_ns;
	for (unsigned i = 0; i < monitor->sent_count; i++) {
		read_signal(&monitor->sent[i], facts);
		read_kill(&monitor->sent[i], facts, kill_by);
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

static void on_closed(uv_handle_t *handle)
{
	struct proc_monitor *monitor = handle->data;

	close(monitor->pidfd);
	free(monitor);
}

void proc_monitor_close(struct proc_monitor *monitor)
{
	if (!monitor)
		return;
	if (monitor->lineage)
		proc_events_forget(monitor->monitors->events, monitor->lineage);
	signal_trace_close(monitor->trace);
	free(monitor->sent);
	uv_close((uv_handle_t *)&monitor->poll, on_closed);
}
