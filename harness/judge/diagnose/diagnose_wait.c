#include "harness/judge/diagnose/diagnose_wait.h"

#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "harness/judge/awaited.h"
#include "harness/judge/diagnose/diagnose_hang.h"
#include "harness/judge/stacks.h"
#include "lib/clock.h"
#include "lib/signals.h"

#define SIGNAL(number)    signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})
#define STOP_SIGNAL(view) SIGNAL((view)->facts->stop_signal)

#define DEPTH_MAX 16

/* The grace expired although the signal had reached PID 1, and no events of our service
 * say more. (Without any grace nothing could have ended in it.) */
static bool hangs(const struct view *view)
{
	return view->killed && view->scenario->stop.grace_ns > 0 &&
		view->facts->stop_signal != SIGKILL && !view->discarded &&
		!view->delivery_unproven &&
		!(view->shutdown && view->evidence->own_service) && view->last &&
		view->program && view->program->last;
}

static bool is_pid1(const struct view *view, const struct process *process)
{
	return process == view->processes.list;
}

/* "PID 1 (python3)", "python3 (pid 7)" */
static void add_who(
	const struct view *view, const struct process *process, struct buf *text)
{
	if (is_pid1(view, process))
		buf_addf(text, "PID 1 (%.32s)", process->name);
	else
		process_add_name(process, text);
}

static void add_deed(
	const struct view *view, const struct process *process, struct buf *text)
{
	process_add_deed(process, &view->processes, view->evidence, text);
}

/* "; uvicorn waits for connections to close": what its last line means. */
static bool add_last_words(
	const struct view *view, const struct process *process, struct buf *text)
{
	const struct evidence *evidence = view->evidence;
	struct stacks *stacks;
	const struct stack *stack;
	const char *means = NULL;

	if (view->last_lines == 0)
		return false;
	stacks = stacks_create();
	stack = stacks_match(stacks, process->name, process->last->command);
	for (unsigned i = evidence->log_count; stack && !means && i-- > 0;) {
		if (evidence->log[i].ns < view->facts->signal_ns)
			break;
		means = stack_last_words(stack, evidence->log[i].text);
	}
	if (means)
		buf_addf(text, "; by its last words %.160s", means);
	stacks_destroy(stacks);
	return means != NULL;
}

static bool is_in(const struct proc *proc, const char *const *names)
{
	for (; *names; names++) {
		if (strcmp(proc_syscall_name(proc), *names) == 0)
			return true;
	}
	return false;
}

/* A loop with a short timer may be met while it runs: then what it did before counts,
 * unless it has run for more than a fifth of the time since the signal. */
static bool is_in_loop(const struct view *view, const struct process *process,
	const char *const *names)
{
	const struct proc *before = process->before, *last = process->last;
	int64_t ran_ns;

	if (is_in(last, names) || last->syscall >= 0 || !before)
		return is_in(last, names);
	ran_ns = (int64_t)(last->cpu_ticks - before->cpu_ticks) *
		(CLOCK_S / sysconf(_SC_CLK_TCK));
	return is_in(before, names) &&
		ran_ns <= (view->last->ns - view->facts->signal_ns) / 5;
}

static void add_child_not_told(
	const struct view *view, const struct process *program, struct buf *text)
{
	const struct process *child = processes_child(&view->processes, program, NULL);

	if (!child || child->told || !view->processes.signals_known)
		return;
	buf_adds(text, "; its child ");
	process_add_name(child, text);
	buf_adds(text, " runs, and got no signal");
}

/* The process at the end of a chain in which each waits for the next; NULL: PID 1 waits for
 * none. And the one that waits for it. */
static const struct process *last_awaited(
	const struct view *view, const struct process **parent)
{
	const struct process *child = NULL;
	const struct process *next =
		awaited_child(&view->processes, view->processes.list);

	*parent = view->processes.list;
	for (unsigned depth = 0; next && depth < DEPTH_MAX; depth++) {
		if (child)
			*parent = child;
		child = next;
		next = awaited_child(&view->processes, child);
	}
	return child;
}

/* --- W: the signal reached it --- */

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

bool wait_raised_in_vain(const struct view *view, struct buf *text)
{
	const struct process *pid1 = view->processes.list;
	const struct proc_signal *raised = pid1->raised;

	/* One that PID 1 ignores is meant for the rest of its group (kill 0). */
	if (!hangs(view) || !raised || !pid1->last || pid1->last->ns_pid != 1 ||
		signal_is_harmless(raised->signal) ||
		proc_mask_has(pid1->last->ignored, raised->signal) ||
		!is_in_vain(view, pid1))
		return false;
	add_who(view, pid1, text);
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
	add_child_not_told(view, pid1, text);
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

bool wait_stopped(const struct view *view, struct buf *text)
{
	const struct process *parent, *stopped = view->program;
	const struct proc *last;
	int number;

	if (!hangs(view))
		return false;
	if (!is_held(view, stopped->last)) {
		stopped = last_awaited(view, &parent);
		if (!stopped || !stopped->told || !is_stopped(stopped->last))
			return false;
	}
	last = stopped->last;
	number = is_pid1(view, stopped) || !stopped->told ? view->facts->stop_signal
							  : stopped->told->signal;
	add_who(view, stopped, text);
	if (last->state == 't' || is_uninterruptible(view, last)) {
		buf_adds(text, " is ");
		process_add_wait(stopped, text);
		buf_addf(text, ", so it could not take %s", SIGNAL(number));
		if (strcmp(proc_syscall_name(last), "vfork") == 0)
			buf_adds(text,
				": it waits until its child executes a program or ends");
		add_child_not_told(view, stopped, text);
		return true;
	}
	return buf_addf(text,
		" is stopped (%s), so it could not take %s; send it SIGCONT or unpause it",
		last->state == 'T' ? "SIGSTOP" : "frozen", SIGNAL(number));
}

bool wait_blocked(const struct view *view, struct buf *text)
{
	int number = view->facts->stop_signal;
	const struct proc *last;

	if (!hangs(view))
		return false;
	last = view->program->last;
	if (!proc_mask_has(last->blocked, number) ||
		!proc_mask_has(last->shared_pending | last->pending, number))
		return false;
	add_who(view, view->program, text);
	buf_addf(text, " has %s blocked: it is pending, and nobody reads it",
		SIGNAL(number));
	add_child_not_told(view, view->program, text);
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

bool wait_trap_deferred(const struct view *view, struct buf *text)
{
	const struct process *shell = view->program, *child;

	if (!hangs(view) || !view->processes.signals_known ||
		!proc_is_shell(shell->last) || !awaits_command(shell->last) ||
		has_acted(view, shell) ||
		!proc_mask_has(shell->last->caught, view->facts->stop_signal))
		return false;
	child = processes_child(&view->processes, shell, NULL);
	if (!child || child->told)
		return false;
	add_who(view, shell, text);
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

bool wait_other_meaning(const struct view *view, struct buf *text)
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
	if (!hangs(view))
		return false;
	if (signal_is_harmless(facts->stop_signal) &&
		!proc_receives(program->last, facts->stop_signal) &&
		!proc_mask_has(program->last->ignored, facts->stop_signal)) {
		add_who(view, program, text);
		buf_addf(text, " has no handler for %s, whose default is to do nothing",
			STOP_SIGNAL(view));
		add_caught(view, program->last, text);
		return true;
	}
	if (is_pid1(view, program) && executed_itself(view)) {
		add_who(view, program, text);
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
	add_who(view, program, text);
	buf_addf(text,
		" took %s and %s, and nothing below it was told: it is no request to stop to "
		"it",
		STOP_SIGNAL(view),
		began_to_listen(program) ? "began to listen on a port"
					 : "went on as before");
	add_caught(view, program->last, text);
	return true;
}

bool wait_handler_deadlock(const struct view *view, struct buf *text)
{
	static const char *const locks[] = {"futex", NULL};
	const struct process *program = view->program;

	/* Another process could release a lock that is shared. */
	if (!hangs(view) || !program->handled || program->last->threads != 1 ||
		!is_in(program->last, locks) ||
		!(program->last->syscall_arg1 & FUTEX_PRIVATE_FLAG) ||
		(program->before && is_in(program->before, locks)))
		return false;
	add_who(view, program, text);
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

bool wait_restarted(const struct view *view, struct buf *text)
{
	static const char *const calls[] = {"read", "readv", "recvfrom", "recvmsg",
		"accept", "accept4", "connect", "flock", "fcntl", "write", "writev",
		"sendto", "sendmsg", NULL};
	const struct process *program = view->program;
	const struct proc *before, *last;
	SCOPED(buf_done) struct buf deeper = {0};

	/* (One that passed the signal on, told a child, or raised the signal again did more
	 * than note it.) */
	if (!hangs(view) || !program->handled || !program->before ||
		!is_unmoved(view) || wait_trap_deferred(view, &deeper) ||
		wait_raised_in_vain(view, &deeper))
		return false;
	before = program->before;
	last = program->last;
	if (!is_in(last, calls) || last->syscall != before->syscall ||
		last->syscall_arg0 != before->syscall_arg0)
		return false;
	add_who(view, program, text);
	buf_addf(text, " caught %s (+%s) and went back to waiting ", STOP_SIGNAL(view),
		CLOCK_TEXT(program->handled->ns - view->facts->signal_ns));
	process_add_wait(program, text);
	return buf_adds(text,
		program->handled->restarts
			? ": the kernel restarted the call (SA_RESTART)"
			: ": it only noted the signal, and called it again");
}

/* --- H: what it waited for --- */

bool wait_for_writer(const struct view *view, struct buf *text)
{
	static const char *const calls[] = {
		"write", "writev", "sendto", "sendmsg", NULL};

	/* A file has no reader. */
	if (!hangs(view) || !is_in(view->program->last, calls) ||
		(strncmp(view->program->last->waits_on, "pipe:", 5) != 0 &&
			strncmp(view->program->last->waits_on, "socket:", 7) != 0))
		return false;
	add_who(view, view->program, text);
	buf_adds(text, " is blocked ");
	process_add_wait(view->program, text);
	return buf_adds(text, ": nobody reads what it writes");
}

/* It is in its loop, or in a call on a connection, and has some open. */
static bool hangs_connected(const struct view *view)
{
	static const char *const calls[] = {"epoll_wait", "epoll_pwait", "epoll_pwait2",
		"poll", "ppoll", "select", "pselect6", "read", "readv", "recvfrom",
		"recvmsg", "accept", "accept4", NULL};
	const struct process *program = view->program;

	return hangs(view) && program->last->connections > 0 &&
		is_in_loop(view, program, calls);
}

static bool add_connected(const struct view *view, struct buf *text)
{
	add_who(view, view->program, text);
	buf_addf(text, " took %s and is ", STOP_SIGNAL(view));
	process_add_wait(view->program, text);
	add_last_words(view, view->program, text);
	return true;
}

bool wait_for_connections(const struct view *view, struct buf *text)
{
	return hangs_connected(view) && process_has_client(view->program) &&
		add_connected(view, text);
}

static bool child_holds_up(const struct view *view, struct buf *text)
{
	const struct process *parent, *child;
	unsigned others;

	if (!hangs(view))
		return false;
	child = last_awaited(view, &parent);
	if (!child)
		return false;
	add_who(view, parent, text);
	/* The signal came no further than to its parent. */
	if (!child->told && parent->told && !is_pid1(view, parent)) {
		int number = parent->told->signal;
		bool ignores = proc_mask_has(parent->last->ignored, number);

		buf_addf(text, " %s %s%s, and", ignores ? "ignores" : "did not pass",
			SIGNAL(number), ignores ? "" : " on");
	}
	buf_adds(text, " waits for ");
	process_add_name(child, text);
	others = awaited_children(&view->processes, parent) - 1;
	if (others > 0)
		buf_addf(text, " and %u more", others);
	buf_addf(text, ", %s ", others > 0 ? "the first of which" : "which");
	add_deed(view, child, text);
	add_last_words(view, child, text);
	return true;
}

bool wait_for_child(const struct view *view, struct buf *text)
{
	return hang_mcp(view, text) || child_holds_up(view, text);
}

/* Connections of a pool stay open while it waits for a child. */
bool wait_for_peers(const struct view *view, struct buf *text)
{
	SCOPED(buf_done) struct buf child = {0};

	if (!hangs_connected(view) || process_has_client(view->program) ||
		wait_for_child(view, &child))
		return false;
	add_connected(view, text);
	add_child_not_told(view, view->program, text);
	return true;
}

/* It told this child, which has ended, and did not wait for it: it may ask kill(pid, 0) of
 * a zombie again and again. */
static void add_zombie(
	const struct view *view, const struct process *program, struct buf *text)
{
	for (unsigned i = 1; i < view->processes.count; i++) {
		const struct process *child = &view->processes.list[i];

		if (child->parent != program || !child->told ||
			child->told->sender != program->pid || !child->last ||
			child->last->state != 'Z' || child->last->threads > 1)
			continue;
		buf_adds(text, "; ");
		process_add_name(child, text);
		buf_adds(text,
			", which it told to end, has ended and is a zombie: it did not wait "
			"for it");
		return;
	}
}

bool wait_elsewhere(const struct view *view, struct buf *text)
{
	static const char *const loops[] = {
		"epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", NULL};
	const struct process *program = view->program;

	if (!hangs(view))
		return false;
	add_who(view, program, text);
	buf_adds(text, " ");
	if (is_pid1(view, program) && !program->told) {
		buf_addf(text, "was sent %s and is ", STOP_SIGNAL(view));
		process_add_wait(program, text);
	} else {
		add_deed(view, program, text);
	}
	if (is_in_loop(view, program, loops) && view->last->has_sockets &&
		program->last->connections == 0)
		buf_adds(text,
			": no TCP connection is open; its handler does not end the loop, "
			"or a timer, a thread or another handle keeps it alive");
	else if (program->last->threads > 1)
		buf_addf(text, ", with %u threads", program->last->threads);
	add_child_not_told(view, program, text);
	add_zombie(view, program, text);
	if (!add_last_words(view, program, text))
		view_add_last_line(view, text);
	return true;
}

/* Of a service that is not ours it is a cause where it is seen to wait for no child, no
 * reader and no client. */
bool wait_for_agent(const struct view *view, struct buf *text)
{
	SCOPED(buf_done) struct buf other = {0};

	if (hang_agent(view, text))
		return true;
	if (view->evidence->own_service || wait_for_writer(view, &other) ||
		wait_for_child(view, &other) || wait_for_connections(view, &other) ||
		!hang_never_asked(view, text))
		return false;
	if (wait_elsewhere(view, &other))
		buf_addf(text, "; %s", buf_text(&other));
	return true;
}
