#include "harness/judge/processes.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/signals.h"

#define SIGNAL(number) signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})

/* --- finding them --- */

static int64_t stop_ns(const struct evidence *evidence)
{
	const struct stop_facts *facts = &evidence->facts;

	return facts->signal_ns ? facts->signal_ns : facts->asked_ns;
}

static struct process *find(const struct processes *processes, pid_t pid)
{
	struct process *process;

	HASH_FIND(hh, processes->by_pid, &pid, sizeof pid, process);
	return process;
}

/* A pid that is used again belongs to the newer process. */
static struct process *add(struct processes *processes, pid_t pid)
{
	struct process *process = &processes->list[processes->count++], *older;

	*process = (struct process){.pid = pid, .name = ""};
	HASH_REPLACE(hh, processes->by_pid, pid, sizeof pid, process, older);
	return process;
}

/* The threads of a process that ends do so within some ms of each other. */
#define THREADS_END_NS (50 * CLOCK_MS)

/* It began to exit, where that was traced: from then on its parent may know of it. */
static int64_t end_of(const struct proc_record *record)
{
	return record->dying_ns && record->dying_ns <= record->ended_ns &&
			record->ended_ns - record->dying_ns < THREADS_END_NS
		? record->dying_ns
		: record->ended_ns;
}

static void add_records(struct processes *processes, const struct evidence *evidence)
{
	struct death death = evidence_death(evidence);

	for (unsigned i = 0; i < evidence->descendant_count; i++) {
		const struct proc_record *record = &evidence->descendants[i];
		struct process *process = add(processes, record->pid);

		process->record = record;
		process->ns_pid = record->ns_pid;
		process->name = record->name;
		process->lifeline = evidence_lifeline_of(evidence, record);
		process->was_there = record->born_ns < stop_ns(evidence) &&
			(!record->ended_ns || record->ended_ns > stop_ns(evidence));
		process->of_the_stop = record->born_ns >= stop_ns(evidence);
		process->ended =
			record->ended_ns && (!death.ns || end_of(record) <= death.ns);
		process->ended_ns = process->ended ? end_of(record) : 0;
		process->status_known =
			process->ended && record->ended_ns != PROC_ENDED_BEFORE;
		process->wait_status = record->wait_status;
	}
}

static void add_snapshot(
	struct processes *processes, const struct snapshot *snapshot, bool is_before)
{
	for (unsigned i = 0; snapshot && i < snapshot->count; i++) {
		const struct proc *proc = &snapshot->procs[i];
		struct process *process =
			i == 0 ? processes->list : find(processes, proc->pid);

		if (!process)
			process = add(processes, proc->pid);
		if (is_before)
			process->before = proc;
		else
			process->last = proc;
		process->was_there = process->was_there ||
			(!process->record && is_before && proc->state != 'Z');
		process->pid = proc->pid;
		process->ns_pid = proc->ns_pid;
		/* The shell's name, as it had not executed its program yet. */
		if (process->record && process->record->exec_ns > snapshot->ns &&
			process->record->name[0])
			continue;
		/* The longer name: a command name has 15 bytes, and is "exe" of one
		 * that executed /proc/self/exe. */
		process->name = strcmp(proc->name, "exe") == 0 && proc->exe[0]
			? proc->exe
			: proc->name;
	}
}

static void add_parents(struct processes *processes)
{
	for (unsigned i = 1; i < processes->count; i++) {
		struct process *process = &processes->list[i];
		const struct proc *seen =
			process->last ? process->last : process->before;
		pid_t parent = seen       ? seen->ppid
			: process->record ? process->record->parent
					  : 0;

		process->parent = parent ? processes_by_pid(processes, parent) : NULL;
	}
}

/* Signals with which one process asks another to end, in the ways of those that people
 * stop. (SIGCONT and SIGSTOP do not.) */
static bool asks_to_end(int number, int stop_signal)
{
	return number == stop_signal || number == SIGTERM || number == SIGINT ||
		number == SIGQUIT || number == SIGHUP || number == SIGUSR1 ||
		number == SIGUSR2 || number == SIGWINCH || number >= SIGRTMIN;
}

static void note_sent(struct process *process, const struct proc_signal *signal,
	int stop_signal, bool is_pid1)
{
	if (signal->sender == process->pid)
		process->raised = signal;
	else if (signal->signal == SIGKILL)
		process->killed = process->killed ? process->killed : signal;
	else if (!process->told &&
		(is_pid1 ? signal->signal == stop_signal
			 : asks_to_end(signal->signal, stop_signal)))
		process->told = signal;
}

static void add_signals(struct processes *processes, const struct evidence *evidence)
{
	for (unsigned i = 0; i < evidence->signal_count; i++) {
		const struct proc_signal *signal = &evidence->signals[i];
		struct process *process = find(processes, signal->pid);

		if (!process || signal->ns < stop_ns(evidence) ||
			(process->record && signal->ns < process->record->born_ns))
			continue;
		if (signal->what == PROC_SIGNAL_SENT)
			note_sent(process, signal, evidence->facts.stop_signal,
				process == processes->list);
		else if (signal->what == PROC_SIGNAL_HANDLED && process->told &&
			!process->handled && process->told->signal == signal->signal)
			process->handled = signal;
	}
}

/* The last one before the signal, of those with the connections if there is one: where
 * an engine takes its time, the next ones are taken before it as well. */
static const struct snapshot *snapshot_before(const struct evidence *evidence)
{
	const struct snapshot *before = NULL;

	for (unsigned i = 0; i < evidence->snapshot_count; i++) {
		const struct snapshot *snapshot = &evidence->snapshots[i];

		if ((!stop_ns(evidence) || snapshot->ns <= stop_ns(evidence)) &&
			(!before || snapshot->has_sockets || !before->has_sockets))
			before = snapshot;
	}
	return before;
}

void processes_find(struct processes *processes, const struct evidence *evidence)
{
	const struct snapshot *last = evidence_last_snapshot(evidence);
	const struct snapshot *before = snapshot_before(evidence);
	size_t room = 1 + (size_t)evidence->descendant_count;

	room += (before ? before->count : 0) + (last ? last->count : 0);
	*processes = (struct processes){
		.list = mem_zeroed(room * sizeof *processes->list),
		.signals_known = evidence->signals_known && evidence->descendants_known,
		.connections_known = before && before->has_sockets,
	};
	add(processes,
		before && before->count       ? before->procs[0].pid
			: last && last->count ? last->procs[0].pid
					      : -1);
	processes->list[0].was_there = true;
	add_records(processes, evidence);
	add_snapshot(processes, before, true);
	add_snapshot(processes, last, false);
	add_parents(processes);
	add_signals(processes, evidence);
}

void processes_done(struct processes *processes)
{
	HASH_CLEAR(hh, processes->by_pid);
	free(processes->list);
	*processes = (struct processes){0};
}

const struct process *processes_by_pid(const struct processes *processes, pid_t pid)
{
	return find(processes, pid);
}

const struct process *processes_child(const struct processes *processes,
	const struct process *parent, const struct process *child)
{
	const struct process *end = processes->list + processes->count;

	for (child = child ? child + 1 : processes->list + 1; child < end; child++) {
		if (child->parent == parent && child->last && !child->ended &&
			(child->last->state != 'Z' || child->last->threads > 1))
			return child;
	}
	return NULL;
}

/* --- what they did --- */

/* By the name of its process or program, as an applet of busybox too. */
static bool is_named(const struct process *process, const char *name)
{
	const struct proc *seen = process->before ? process->before : process->last;
	size_t len = strlen(name);

	return strcmp(process->name, name) == 0 ||
		(seen && strcmp(seen->exe, name) == 0) ||
		(seen && strncmp(seen->command, "busybox ", 8) == 0 &&
			strncmp(seen->command + 8, name, len) == 0 &&
			strchr(" ", seen->command[8 + len]));
}

/* Without that, tail keeps what it reads until the end. */
static bool follows(const struct process *process)
{
	const struct proc *seen = process->before ? process->before : process->last;

	return seen &&
		(strstr(seen->command, " -f") || strstr(seen->command, " -F") ||
			strstr(seen->command, " --follow"));
}

static bool waits_to_read(const struct process *process)
{
	static const char *const calls[] = {"read", "readv", "pread64", "splice"};
	const struct proc *seen = process->last ? process->last : process->before;

	for (size_t i = 0; seen && i < COUNT(calls); i++) {
		if (strcmp(proc_syscall_name(seen), calls[i]) == 0)
			return true;
	}
	return false;
}

enum process_work process_work(const struct process *process)
{
	static const char *const passers[] = {"cat", "tee", "inotifywait", "logger"};

	if (is_named(process, "sleep"))
		return PROCESS_SLEEPS;
	if (is_named(process, "tail") && follows(process))
		return PROCESS_PASSES_ON;
	for (size_t i = 0; i < COUNT(passers); i++) {
		if (is_named(process, passers[i]))
			return PROCESS_PASSES_ON;
	}
	return waits_to_read(process) ? PROCESS_READS : PROCESS_WORK_UNKNOWN;
}

bool process_ends_with_parent(const struct process *process)
{
	const struct proc *seen = process->before ? process->before : process->last;

	return seen && strstr(seen->command, "multiprocessing.resource_tracker");
}

bool process_was_idle(const struct process *process)
{
	static const char *const idle[] = {"accept", "accept4", "epoll_wait",
		"epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6",
		"flock", "fcntl"};
	const struct proc *before = process->before;

	enum process_work work = process_work(process);

	if (work == PROCESS_SLEEPS || work == PROCESS_PASSES_ON)
		return true;
	if (!before || !proc_listens(before) || before->connections > 0)
		return false;
	for (size_t i = 0; i < COUNT(idle); i++) {
		if (strcmp(proc_syscall_name(before), idle[i]) == 0)
			return true;
	}
	return false;
}

bool process_is_session(const struct process *process)
{
	for (unsigned depth = 0; process && process->parent && depth < 64; depth++)
		process = process->parent;
	return process && process->record && process->record->outside;
}

static bool is_to(const struct proc_signal *signal, const struct process *process,
	enum proc_signal_what what, int number)
{
	return signal->what == what && signal->pid == process->pid &&
		signal->signal == number &&
		(!process->record || signal->ns >= process->record->born_ns);
}

/* The last time before `ns` that its handler took this signal; -1: never. */
static int64_t last_handled(const struct process *process,
	const struct evidence *evidence, int number, int64_t ns)
{
	int64_t last = -1;

	for (unsigned i = 0; i < evidence->signal_count; i++) {
		const struct proc_signal *signal = &evidence->signals[i];

		if (is_to(signal, process, PROC_SIGNAL_HANDLED, number) &&
			signal->ns < ns && signal->ns > last)
			last = signal->ns;
	}
	return last;
}

const struct proc_signal *process_killer(
	const struct process *process, const struct evidence *evidence, int number)
{
	int64_t ended = process->record ? process->record->ended_ns : INT64_MAX;
	int64_t handled = last_handled(process, evidence, number, ended);
	const struct proc_signal *killer = NULL;

	for (unsigned i = 0; i < evidence->signal_count; i++) {
		const struct proc_signal *signal = &evidence->signals[i];

		if (is_to(signal, process, PROC_SIGNAL_SENT, number) &&
			signal->sender && signal->sender != process->pid &&
			signal->ns <= ended &&
			(!killer || (killer->ns <= handled && signal->ns > handled)))
			killer = signal;
	}
	return killer;
}

int64_t process_caught_before(const struct process *process,
	const struct evidence *evidence, const struct proc_signal *killer)
{
	int64_t handled = last_handled(process, evidence, killer->signal, killer->ns);

	return handled < 0 ? -1 : killer->ns - handled;
}

void process_add_sender(const struct process *process, const struct proc_signal *signal,
	const struct processes *all, struct buf *text)
{
	const struct process *sender = processes_by_pid(all, signal->sender);

	buf_addf(text, " from %s", signal->sender_name);
	if (sender && strcmp(signal->sender_name, process->name) == 0)
		buf_addf(text, " (pid %d)",
			(int)(sender->ns_pid ? sender->ns_pid : sender->pid));
}

void process_add_name(const struct process *process, struct buf *text)
{
	if (process->name[0])
		buf_addf(text, "%.32s", process->name);
	else if (process->parent && process->parent->name[0])
		buf_addf(text, "a child of %.32s", process->parent->name);
	else
		buf_adds(text, "a child");
	if (process->ns_pid == 1 && process->parent)
		buf_adds(text, " (pid 1 of a namespace of its own)");
	else if (process->ns_pid)
		buf_addf(text, " (pid %d)", (int)process->ns_pid);
	else
		buf_addf(text, " (pid %d on the host)", (int)process->pid);
}

bool process_has_client(const struct process *process)
{
	return process->last && process->last->clients > 0;
}

void process_add_wait(const struct process *process, struct buf *text)
{
	const struct proc *last = process->last;
	const char *name = last ? proc_syscall_name(last) : "";

	if (!last)
		buf_adds(text, "not seen");
	else if (last->state == 'Z' && last->threads > 1)
		buf_adds(text, "running on without its main thread, which has ended");
	else if (last->state == 't')
		buf_adds(text, "held by a tracer (ptrace)");
	else if (last->state == 'T')
		buf_adds(text, "stopped (SIGSTOP)");
	else if (last->state == 'R')
		buf_adds(text, "running, not waiting");
	else if (last->state == 'D')
		buf_addf(text, "in uninterruptible sleep (%s)",
			name[0]                  ? name
				: last->wchan[0] ? last->wchan
						 : "D");
	else if (name[0])
		buf_addf(text, "in %s%s%s", name, last->waits_on[0] ? " of " : "",
			last->waits_on);
	else
		buf_addf(
			text, "waiting%s%s", last->wchan[0] ? " in " : "", last->wchan);
	if (last && last->connections) {
		buf_addf(text, ", with %u connection%s open (%s %s", last->connections,
			last->connections == 1 ? "" : "s",
			process_has_client(process) ? "from" : "to", last->peer);
		if (last->unread || last->unsent)
			buf_addf(text, ", %u bytes %s",
				last->unread ? last->unread : last->unsent,
				last->unread ? "unread" : "unsent");
		buf_adds(text, ")");
	}
}

/* "+0.31ms" */
static void add_moment(const struct proc_signal *signal,
	const struct evidence *evidence, struct buf *text)
{
	int64_t ns = signal->ns - stop_ns(evidence);

	buf_addf(text, " (+%s)", CLOCK_TEXT(ns > 0 ? ns : 0));
}

void process_add_deed(const struct process *process, const struct processes *all,
	const struct evidence *evidence, struct buf *text)
{
	int number =
		process->told ? process->told->signal : evidence->facts.stop_signal;
	const struct proc *last = process->last;

	if (!process->told && all->signals_known) {
		if (process->record && process->record->born_ns > stop_ns(evidence))
			buf_addf(text, "began %s after the stop signal, and is ",
				CLOCK_TEXT(
					process->record->born_ns - stop_ns(evidence)));
		else
			buf_adds(text, "got no signal, and is ");
		process_add_wait(process, text);
	} else if (last && proc_mask_has(last->blocked, number) &&
		proc_mask_has(last->shared_pending | last->pending, number)) {
		buf_addf(text, "has %s blocked: it is pending, and nobody reads it",
			SIGNAL(number));
	} else if (process->told && last &&
		(last->state == 'T' || last->state == 't')) {
		buf_addf(text, "is stopped (SIGSTOP), so it could not take %s",
			SIGNAL(number));
	} else if (process->handled) {
		buf_addf(text, "caught %s", SIGNAL(number));
		add_moment(process->handled, evidence, text);
		buf_adds(text, " and went on: it is ");
		process_add_wait(process, text);
	} else if ((process->told && process->told->ignored) ||
		(last && proc_mask_has(last->ignored, number))) {
		if (!last || proc_mask_has(last->ignored, number))
			buf_addf(text, "ignores %s", SIGNAL(number));
		else
			buf_addf(text,
				signal_is_harmless(number)
					? "has no handler for %s, whose default is to do nothing"
					: "was sent %s, which the kernel discarded",
				SIGNAL(number));
	} else if (process->told) {
		buf_addf(text, "was sent %s", SIGNAL(number));
		add_moment(process->told, evidence, text);
		buf_adds(text,
			last &&
					proc_mask_has(
						last->shared_pending | last->pending,
						number)
				? ", which is pending: it is "
				: " and went on: it is ");
		process_add_wait(process, text);
	} else {
		buf_adds(text, "is ");
		process_add_wait(process, text);
	}
}
