#include "harness/judge/diagnose/diagnose_reach.h"

#include <linux/futex.h>
#include <signal.h>
#include <string.h>

#include "harness/judge/diagnose/hung_stop.h"
#include "lib/clock.h"
#include "lib/signals.h"

#define SIGNAL(number)    signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})
#define STOP_SIGNAL(view) SIGNAL((view)->facts->stop_signal)

/* A signal that is blocked, as it is in its own handler, is queued first, and discarded
 * when the handler returns. */
static bool is_in_vain(const struct view *view, const struct process *process)
{
	const struct evidence *evidence = view->evidence;
	const struct proc_signal *raised = process->raised;
	int number = raised->signal;

	if (raised->ignored || !proc_receives(process->last, number))
		return true;
	/* It has a handler now. That came later if it never ran. */
	if (!proc_mask_has(process->last->caught, number) ||
		proc_mask_has(process->last->shared_pending | process->last->pending |
				process->last->blocked,
			number))
		return false;
	for (unsigned i = 0; i < evidence->signal_count; i++) {
		const struct proc_signal *signal = &evidence->signals[i];

		if (signal->what == PROC_SIGNAL_HANDLED &&
			signal->pid == process->pid && signal->signal == number &&
			signal->ns > raised->ns)
			return false;
	}
	return view->processes.signals_known;
}

bool reach_raised_in_vain(const struct view *view, struct buf *text)
{
	const struct process *pid1 = view->processes.list;
	const struct proc_signal *raised = pid1->raised;

	/* One that PID 1 ignores is meant for the rest of its group (kill 0). */
	if (!hung_stop(view) || !raised || !pid1->last || pid1->last->ns_pid != 1 ||
		signal_is_harmless(raised->signal) ||
		proc_mask_has(pid1->last->ignored, raised->signal) ||
		!is_in_vain(view, pid1))
		return false;
	hung_stop_add_who(view, pid1, text);
	if (pid1->handled && raised->signal == view->facts->stop_signal)
		buf_addf(text, " caught %s, restored the default and raised it again",
			STOP_SIGNAL(view));
	else
		buf_addf(text, " sent itself %s", SIGNAL(raised->signal));
	buf_addf(text,
		" (+%s): PID 1 never gets a signal from inside that it does not handle, so it "
		"went on",
		CLOCK_TEXT(raised->ns - view->facts->signal_ns));
	if (proc_mask_has(pid1->last->caught, raised->signal))
		buf_adds(text, "; the handler that it has now came later");
	hung_stop_add_child_not_told(view, pid1, text);
	return true;
}

/* In a call that only SIGKILL interrupts, such as vfork(2) and one to a disk or a network
 * file system that does not answer. */
static bool is_uninterruptible(const struct view *view, const struct proc *last)
{
	return last->state == 'D' &&
		proc_mask_has(
			last->shared_pending | last->pending, view->facts->stop_signal);
}

static bool is_stopped(const struct proc *proc)
{
	return proc->state == 'T' || proc->state == 't' ||
		strstr(proc->wchan, "refrigerator") || strstr(proc->wchan, "freez");
}

static bool is_held(const struct view *view, const struct proc *proc)
{
	return is_stopped(proc) || is_uninterruptible(view, proc);
}

bool reach_stopped(const struct view *view, struct buf *text)
{
	const struct process *parent, *stopped = view->program;
	const struct proc *last;
	int number;

	if (!hung_stop(view))
		return false;
	if (!is_held(view, stopped->last)) {
		stopped = hung_stop_last_awaited(view, &parent);
		if (!stopped || !stopped->told || !is_stopped(stopped->last))
			return false;
	}
	last = stopped->last;
	number = stopped == view->processes.list || !stopped->told
		? view->facts->stop_signal
		: stopped->told->signal;
	hung_stop_add_who(view, stopped, text);
	if (last->state == 't' || is_uninterruptible(view, last)) {
		buf_adds(text, " is ");
		process_add_wait(stopped, text);
		buf_addf(text, ", so it could not take %s", SIGNAL(number));
		if (strcmp(proc_syscall_name(last), "vfork") == 0)
			buf_adds(text,
				": it waits until its child executes a program or ends");
		hung_stop_add_child_not_told(view, stopped, text);
		return true;
	}
	return buf_addf(text,
		" is stopped (%s), so it could not take %s; send it SIGCONT or unpause it",
		last->state == 'T' ? "SIGSTOP" : "frozen", SIGNAL(number));
}

bool reach_blocked(const struct view *view, struct buf *text)
{
	int number = view->facts->stop_signal;
	const struct proc *last;

	if (!hung_stop(view))
		return false;
	last = view->program->last;
	if (!proc_mask_has(last->blocked, number) ||
		!proc_mask_has(last->shared_pending | last->pending, number))
		return false;
	hung_stop_add_who(view, view->program, text);
	buf_addf(text, " has %s blocked: it is pending, and nobody reads it",
		SIGNAL(number));
	hung_stop_add_child_not_told(view, view->program, text);
	return true;
}

/* A shell waits for a foreground command, or reads what it prints: x=$(command). */
static bool awaits_command(const struct proc *shell)
{
	return proc_awaits_child(shell) ||
		(strcmp(proc_syscall_name(shell), "read") == 0 &&
			strncmp(shell->waits_on, "pipe:", 5) == 0);
}

/* It started a process since the signal, or signalled one: its trap ran. */
static bool has_acted(const struct view *view, const struct process *process)
{
	const struct evidence *evidence = view->evidence;

	for (unsigned i = 1; i < view->processes.count; i++) {
		const struct process *other = &view->processes.list[i];

		if ((other->told && other->told->sender == process->pid) ||
			(other->killed && other->killed->sender == process->pid))
			return true;
	}
	for (unsigned i = 0; i < evidence->descendant_count; i++) {
		const struct proc_record *record = &evidence->descendants[i];

		if (record->parent == process->pid &&
			record->born_ns > view->facts->signal_ns)
			return true;
	}
	return false;
}

bool reach_trap_deferred(const struct view *view, struct buf *text)
{
	const struct process *shell = view->program, *child;

	if (!hung_stop(view) || !view->processes.signals_known ||
		!proc_is_shell(shell->last) || !awaits_command(shell->last) ||
		has_acted(view, shell) ||
		!proc_mask_has(shell->last->caught, view->facts->stop_signal))
		return false;
	child = processes_child(&view->processes, shell, NULL);
	if (!child || child->told)
		return false;
	hung_stop_add_who(view, shell, text);
	/* It catches SIGINT with no trap for it. */
	buf_addf(text,
		" caught %s, and a shell %s only when its foreground command has ended: ",
		STOP_SIGNAL(view),
		view->facts->stop_signal == SIGINT ? "acts on that" : "runs its trap");
	process_add_name(child, text);
	return buf_adds(text, " got no signal");
}

/* ", and catches SIGINT, SIGQUIT as well" */
static void add_caught(
	const struct view *view, const struct proc *proc, struct buf *text)
{
	const int others[] = {SIGTERM, SIGINT, SIGQUIT, SIGRTMIN + 3, SIGRTMIN + 4,
		SIGRTMIN + 5, SIGRTMIN + 6};
	unsigned count = 0;

	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		if (others[i] == view->facts->stop_signal ||
			!proc_receives(proc, others[i]) || proc_awaits_signals(proc))
			continue;
		buf_addf(text, "%s%s", count++ ? ", " : "; it handles ",
			SIGNAL(others[i]));
	}
	if (count > 0)
		buf_adds(text, " as well");
}

/* Nothing below it ended or was signalled since the stop signal. */
static bool is_unmoved(const struct view *view)
{
	for (unsigned i = 1; i < view->processes.count; i++) {
		const struct process *process = &view->processes.list[i];

		if (process != view->program && process->was_there &&
			(process->told || process->ended))
			return false;
	}
	return true;
}

/* It waits where it waited before the signal. */
static bool waits_as_before(const struct process *process)
{
	const struct proc *before = process->before, *last = process->last;

	return before && before->threads == last->threads &&
		strcmp(before->waits_on, last->waits_on) == 0 &&
		strcmp(proc_syscall_name(before), proc_syscall_name(last)) == 0;
}

/* Whoever is asked to stop listens on no more ports: Node.js' inspector, at SIGUSR1. */
static bool began_to_listen(const struct process *process)
{
	return process->before && process->last->listening > process->before->listening;
}

/* The same program, which had taken the signal by then. */
static bool executed_itself(const struct view *view)
{
	const struct proc *before = view->program->before, *last = view->program->last;
	int number = view->facts->stop_signal;

	return view->facts->exec_ns > view->facts->signal_ns &&
		(!before || strcmp(before->exe, last->exe) == 0) &&
		!proc_mask_has(last->shared_pending | last->pending, number);
}

bool reach_other_meaning(const struct view *view, struct buf *text)
{
	const struct stop_facts *facts = view->facts;
	const struct process *program = view->program;
	const struct proc *pid1 = view->pid1;

	if (facts->stop_signal == SIGKILL)
		return view->killed &&
			buf_addf(text,
				"the stop signal is SIGKILL: no program can handle it, and "
				"the grace is of no use");
	/* Discarded, and there is a handler for another signal. */
	if (view->discarded && view->killed && pid1 && facts->stop_signal != SIGTERM &&
		proc_mask_has(pid1->caught, SIGTERM))
		return buf_addf(text,
			"PID 1 (%s) was sent %s, for which it has no handler; it handles "
			"SIGTERM",
			pid1->name, STOP_SIGNAL(view));
	if (view->discarded && view->killed && pid1 &&
		signal_is_harmless(facts->stop_signal) &&
		!proc_mask_has(pid1->ignored, facts->stop_signal))
		return buf_addf(text,
			"PID 1 (%s) was sent %s, for which it has no handler; its default "
			"is to do nothing, behind an init as well",
			pid1->name, STOP_SIGNAL(view));
	if (!hung_stop(view))
		return false;
	if (signal_is_harmless(facts->stop_signal) &&
		!proc_receives(program->last, facts->stop_signal) &&
		!proc_mask_has(program->last->ignored, facts->stop_signal)) {
		hung_stop_add_who(view, program, text);
		buf_addf(text, " has no handler for %s, whose default is to do nothing",
			STOP_SIGNAL(view));
		add_caught(view, program->last, text);
		return true;
	}
	if (program == view->processes.list && executed_itself(view)) {
		hung_stop_add_who(view, program, text);
		buf_addf(text,
			" answered %s by executing itself again (+%s): it does not take "
			"it for a request to stop",
			STOP_SIGNAL(view),
			CLOCK_TEXT(facts->exec_ns - facts->signal_ns));
		add_caught(view, program->last, text);
		return true;
	}
	if (facts->stop_signal == SIGTERM ||
		proc_mask_has(program->last->ignored, facts->stop_signal) ||
		!is_unmoved(view) ||
		(!waits_as_before(program) && !began_to_listen(program)) ||
		!proc_receives(program->last, SIGTERM) ||
		program->last->connections > 0)
		return false;
	hung_stop_add_who(view, program, text);
	buf_addf(text,
		" took %s and %s, and nothing below it was told: it is no request to stop to "
		"it",
		STOP_SIGNAL(view),
		began_to_listen(program) ? "began to listen on a port"
					 : "went on as before");
	add_caught(view, program->last, text);
	return true;
}

bool reach_handler_deadlock(const struct view *view, struct buf *text)
{
	static const char *const locks[] = {"futex", NULL};
	const struct process *program = view->program;

	/* Another process could release a lock that is shared. */
	if (!hung_stop(view) || !program->handled || program->last->threads != 1 ||
		!hung_stop_is_in(program->last, locks) ||
		!(program->last->syscall_arg1 & FUTEX_PRIVATE_FLAG) ||
		(program->before && hung_stop_is_in(program->before, locks)))
		return false;
	hung_stop_add_who(view, program, text);
	buf_addf(text,
		" caught %s and waits for a lock (futex) that no other thread can release: it "
		"has only this one. ",
		STOP_SIGNAL(view));
	/* A signal is blocked in its own handler. */
	return proc_mask_has(program->last->blocked, view->facts->stop_signal)
		? buf_adds(text, "Its handler calls what is not safe in a handler")
		: buf_adds(text,
			  "The handler has returned: what it waits in came later, such as "
			  "its exit, or what a runtime calls its handler");
}

bool reach_restarted(const struct view *view, struct buf *text)
{
	static const char *const calls[] = {"read", "readv", "recvfrom", "recvmsg",
		"accept", "accept4", "connect", "flock", "fcntl", "write", "writev",
		"sendto", "sendmsg", NULL};
	const struct process *program = view->program;
	const struct proc *before, *last;
	SCOPED(buf_done) struct buf deeper = {0};

	/* (One that passed the signal on, told a child, or raised the signal again did more
	 * than note it.) */
	if (!hung_stop(view) || !program->handled || !program->before ||
		!is_unmoved(view) || reach_trap_deferred(view, &deeper) ||
		reach_raised_in_vain(view, &deeper))
		return false;
	before = program->before;
	last = program->last;
	if (!hung_stop_is_in(last, calls) || last->syscall != before->syscall ||
		last->syscall_arg0 != before->syscall_arg0)
		return false;
	hung_stop_add_who(view, program, text);
	buf_addf(text, " caught %s (+%s) and went back to waiting ", STOP_SIGNAL(view),
		CLOCK_TEXT(program->handled->ns - view->facts->signal_ns));
	process_add_wait(program, text);
	return buf_adds(text,
		program->handled->restarts
			? ": the kernel restarted the call (SA_RESTART)"
			: ": it only noted the signal, and called it again");
}
