#include "harness/judge/diagnose/diagnose_exit.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/signals.h"

#define SIGNAL(number)    signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})
#define STOP_SIGNAL(view) SIGNAL((view)->facts->stop_signal)

/* The exit code of a program that the stop signal's default disposition ended: 143. */
#define DEFAULT_CODE(view) (128 + (view)->facts->stop_signal)

/* A runtime that only restores the terminal and raises the signal again takes less: that
 * is no way down. */
#define WAY_DOWN_NS (20 * CLOCK_MS)

bool exit_hides_end(const struct view *view, struct buf *text)
{
	const struct process *worst = view->ends.worst;
	int code = view->facts->exit_code;

	/* An exit code that says the same hides nothing. */
	if (!worst || view->killed ||
		(WIFSIGNALED(worst->wait_status) &&
			code == 128 + WTERMSIG(worst->wait_status)))
		return false;
	buf_adds(text, view->ends.text);
	if (view->ends.count > 1)
		buf_addf(text, "; %u more ended badly", view->ends.count - 1);
	return buf_addf(text, "; PID 1 (%s) exited with %d",
		view->pid1 ? view->pid1->name : "?", code);
}

/* It ended since the signal with this exit code, or by the signal that it stands for. */
static bool ended_with(const struct process *process, int code)
{
	int status = process->wait_status;

	return process->was_there && process->status_known &&
		((WIFEXITED(status) && WEXITSTATUS(status) == code) ||
			(WIFSIGNALED(status) && 128 + WTERMSIG(status) == code));
}

/* A process with work of its own ended behind this helper, so a shell that waited for
 * both has the status of that one. */
static bool has_later_end(const struct view *view, const struct process *helper)
{
	for (unsigned i = 1; i < view->processes.count; i++) {
		const struct process *process = &view->processes.list[i];

		if (process->was_there && process->status_known &&
			process->ended_ns > helper->ended_ns &&
			!process_was_idle(process))
			return true;
	}
	return false;
}

/* The latest process below PID 1, other than its program, that ended so, of those with
 * work of their own if there is one; NULL: there is none. The end of a helper, such as
 * the sleep that a trap ends first, is no reason where the program ended behind it. */
static const struct process *child_below(const struct view *view, int code)
{
	const struct process *helper = NULL;

	for (unsigned i = view->processes.count; i-- > 1;) {
		const struct process *process = &view->processes.list[i];

		if (process == view->program || !ended_with(process, code))
			continue;
		if (!process_was_idle(process))
			return process;
		if (!helper && !has_later_end(view, process))
			helper = process;
	}
	return helper;
}

/* The same, or else the program itself where that is not PID 1. */
static const struct process *child_with(const struct view *view, int code)
{
	const struct process *child = child_below(view, code);
	const struct process *program = view->program;

	return child ? child
		: program && program != view->processes.list &&
			ended_with(program, code)
		? program
		: NULL;
}

/* "died of SIGKILL", "exited with 137" */
static void add_end(
	const struct process *process, const struct view *view, struct buf *text)
{
	int status = process->wait_status;
	const struct proc_signal *by;

	process_add_name(process, text);
	if (!WIFSIGNALED(status)) {
		buf_addf(text, " exited with %d", WEXITSTATUS(status));
		return;
	}
	buf_addf(text, " died of %s", SIGNAL(WTERMSIG(status)));
	by = WTERMSIG(status) == SIGKILL
		? process->killed
		: process_killer(process, view->evidence, WTERMSIG(status));
	if (process->raised && process->raised->signal == WTERMSIG(status))
		buf_adds(text,
			WTERMSIG(status) == SIGPIPE ? ": it wrote what nobody reads"
						    : ", which it sent to itself");
	else if (by)
		process_add_sender(process, by, &view->processes, text);
	if (by && !by->sender)
		buf_adds(text, " (memory or CPU limit)");
}

static bool is_signal_code(int code)
{
	return code > 128 && code - 128 <= SIGRTMAX;
}

/* PID 1 exited, with a code that claims a signal. */
static bool claims_signal(const struct view *view)
{
	return view->facts->wait_status_known && !view->signalled &&
		is_signal_code(view->facts->exit_code);
}

/* PID 1 powered its PID namespace off, or restarted it, by reboot(2): it exits with 0, and
 * whoever waits for it is told of SIGINT or SIGHUP. */
static bool ended_by_reboot(const struct view *view)
{
	const struct stop_facts *facts = view->facts;

	return facts->wait_status_known && WIFEXITED(facts->wait_status) &&
		WEXITSTATUS(facts->wait_status) == 0 && !view->too_late &&
		(facts->exit_code == 128 + SIGINT || facts->exit_code == 128 + SIGHUP);
}

/* ", after it was sent SIGINT as well (+300ms)": another signal to PID 1 from outside,
 * as of a second Ctrl-C. */
static void add_second_signal(const struct view *view, struct buf *text)
{
	const struct evidence *evidence = view->evidence;
	unsigned seen = 0;

	for (unsigned i = 0; i < evidence->signal_count; i++) {
		const struct proc_signal *signal = &evidence->signals[i];

		if (signal->what != PROC_SIGNAL_SENT || signal->sender == 0 ||
			signal->pid != view->processes.list->pid ||
			signal->ns < view->facts->signal_ns ||
			signal->signal == SIGKILL ||
			signal_is_harmless(signal->signal) ||
			processes_by_pid(&view->processes, signal->sender))
			continue;
		/* The first is the stop signal. */
		if (seen++ == 0)
			continue;
		buf_addf(text, ", after PID 1 was sent %s as well (+%s)",
			SIGNAL(signal->signal),
			CLOCK_TEXT(signal->ns - view->facts->signal_ns));
		return;
	}
}

static bool is_usual_stop(int number, const struct view *view)
{
	return number == view->facts->stop_signal || number == SIGTERM ||
		number == SIGINT || number == SIGQUIT || number == SIGHUP;
}

/* The program behind an init, such as a shell, exited with the code that stands for the end
 * of a process below it. */
static bool program_reports_child(const struct view *view)
{
	const struct process *program = view->program;

	return view->init && program && program->status_known &&
		WIFEXITED(program->wait_status) &&
		WEXITSTATUS(program->wait_status) == view->facts->exit_code &&
		child_below(view, view->facts->exit_code);
}

/* (143 of an init is the end of its program: X8 or X9.) */
bool exit_reports_child(const struct view *view, struct buf *text)
{
	int code = view->facts->exit_code;
	const struct process *child;

	if (!claims_signal(view) || view->too_late || ended_by_reboot(view) ||
		(view->init && code == DEFAULT_CODE(view) &&
			!program_reports_child(view)))
		return false;
	child = child_with(view, code);
	if (!child && code != 128 + SIGKILL && view->evidence->descendants_known)
		return false;
	/* The program's own decision, which an init passed on: X8. */
	if (child && view->init && child == view->program &&
		WIFEXITED(child->wait_status) && is_usual_stop(code - 128, view))
		return false;
	buf_addf(text, "no signal ended PID 1 (%s): it exited with %d",
		view->pid1 ? view->pid1->name : "?", code);
	if (!child)
		return view->evidence->descendants_known ? buf_adds(text, " by itself")
							 : true;
	buf_adds(text, ", which is how a child ended: ");
	add_end(child, view, text);
	add_second_signal(view, text);
	return true;
}

static bool ended_by_stop_signal(const struct view *view)
{
	return view->facts->exit_code == DEFAULT_CODE(view) && !view->too_late &&
		(view->init || !claims_signal(view));
}

/* The program had prepared for the stop signal at some time before its end: it caught
 * it; or it blocked or awaited signals, which a program about to fork and one that
 * waits for other signals do as well, and then logged something. */
static bool program_handles(const struct view *view)
{
	const struct evidence *evidence = view->evidence;
	int number = view->facts->stop_signal;

	for (unsigned s = 0; view->program && s < evidence->snapshot_count; s++) {
		const struct snapshot *snapshot = &evidence->snapshots[s];

		for (unsigned i = 0; i < snapshot->count; i++) {
			const struct proc *proc = &snapshot->procs[i];

			if (proc->pid == view->program->pid &&
				(proc_mask_has(proc->caught, number) ||
					(proc_receives(proc, number) &&
						view->last_lines > 0)))
				return true;
		}
	}
	return false;
}

/* Its handler raised the signal again at once. */
static bool reraised_at_once(const struct view *view)
{
	const struct process *program = view->program;

	return program && program->handled && program->raised &&
		view->last_lines == 0 &&
		program->raised->ns - program->handled->ns < WAY_DOWN_NS;
}

/* ", logged 2 lines" */
static bool add_lines(const struct view *view, struct buf *text)
{
	if (view->last_lines == 0)
		return buf_adds(text, ", logged nothing");
	return buf_addf(text, ", logged %u line%s", view->last_lines,
		view->last_lines == 1 ? "" : "s");
}

/* The program itself exited with the code: no signal ended it, and no child's status is
 * reported. */
static bool decided_itself(const struct view *view, struct buf *text)
{
	const struct process *program = view->program;
	int code = view->facts->exit_code;
	bool is_pid1 = program == view->processes.list;

	if (is_pid1 ? !claims_signal(view) || child_with(view, code)
		    : !program || !program->status_known ||
				!WIFEXITED(program->wait_status) ||
				WEXITSTATUS(program->wait_status) != code)
		return false;
	if (!view->evidence->descendants_known || !is_usual_stop(code - 128, view))
		return false;
	buf_addf(text, "%d by its own decision: ", code);
	process_add_name(program, text);
	buf_addf(text, " exited with %d, no signal ended it", code);
	add_lines(view, text);
	add_second_signal(view, text);
	return true;
}

/* It died of the stop signal that it had caught: then it sent that to itself. */
static bool raised_again(const struct view *view)
{
	const struct process *program = view->program;

	return view->processes.signals_known
		? program->raised && program->raised->signal == view->facts->stop_signal
		: program->status_known && WIFSIGNALED(program->wait_status);
}

bool exit_after_way_down(const struct view *view, struct buf *text)
{
	int code = view->facts->exit_code;

	if (code <= 128 || view->too_late || view->killed ||
		program_reports_child(view))
		return false;
	if (ended_by_reboot(view))
		return buf_addf(text,
			"%d: PID 1 (%s) %s its container by reboot(2), which is how a full "
			"init ends: the kernel reports that as %s",
			code, view->pid1 ? view->pid1->name : "?",
			code == 128 + SIGINT ? "powered off" : "restarted",
			SIGNAL(code - 128));
	if (!view->completed && decided_itself(view, text))
		return true;
	if (!ended_by_stop_signal(view))
		return false;
	if (view->completed)
		return buf_addf(text,
			"%d after a complete drain: it restored the default and "
			"raised %s again, which is 0 as PID 1 and %d behind an init",
			code, STOP_SIGNAL(view), code);
	if (view->shutdown || !program_handles(view) || reraised_at_once(view))
		return false;
	buf_addf(text, "%d after its own way down: it (%s) caught %s", code,
		view->program->name, STOP_SIGNAL(view));
	add_lines(view, text);
	buf_addf(text, ", took %s",
		view->stop_ns >= 0 ? CLOCK_TEXT(view->stop_ns) : "?");
	return raised_again(view)
		? buf_addf(text, ", and raised %s again, which PID 1 would not get",
			  STOP_SIGNAL(view))
		: true;
}

/* A process below the program that ran when PID 1 ended; NULL: there is none. */
static const struct process *left_below(const struct view *view)
{
	for (unsigned i = 0; i < view->leaks.count; i++) {
		const struct process *left = view->leaks.list[i].process;

		if (left && left->before && left->before->ppid == view->program->pid)
			return left;
	}
	return NULL;
}

bool exit_by_default_action(const struct view *view, struct buf *text)
{
	const struct process *program = view->program, *below;
	const struct proc *proc;

	if (!ended_by_stop_signal(view) || view->completed ||
		view->facts->stop_signal == SIGKILL ||
		(program && program->status_known && WIFEXITED(program->wait_status)) ||
		(!view->shutdown && program_handles(view) && !reraised_at_once(view)))
		return false;
	buf_addf(text,
		"%d: %s's default disposition ended %s%s: ", view->facts->exit_code,
		STOP_SIGNAL(view), program ? program->name : "it",
		view->init ? " behind the init" : "");
	if (view->shutdown)
		return buf_adds(text, "it began its way down and did not finish it");
	if (!program)
		return buf_adds(text, "it logged no way down");
	below = left_below(view);
	if (below && !below->told && view->processes.signals_known) {
		process_add_name(below, text);
		return buf_adds(text, " ran below it and never received it");
	}
	if (below) {
		process_add_name(below, text);
		return buf_adds(text,
			below->told
				? " ran below it, received it too, and had not ended"
				: " ran below it, and had not ended");
	}
	if (reraised_at_once(view))
		return buf_addf(text,
			"its runtime caught %s and raised it again at once, the "
			"program has no handler of its own",
			STOP_SIGNAL(view));
	buf_addf(text, "it caught no %s", STOP_SIGNAL(view));
	proc = program->before ? program->before : program->last;
	if (view->facts->stop_signal != SIGTERM && proc &&
		proc_mask_has(proc->caught, SIGTERM))
		buf_adds(text, " (it catches SIGTERM)");
	return add_lines(view, text);
}

/* What is known of why it exited so. */
static bool add_reason(const struct view *view, struct buf *text)
{
	add_second_signal(view, text);
	view_add_last_line(view, text);
	return true;
}

bool exit_with_own_code(const struct view *view, struct buf *text)
{
	int code = view->facts->exit_code;
	const struct process *child, *pid1 = view->processes.list;

	if (code < 1 || view->signalled || view->too_late || view->killed ||
		code == 128 + SIGKILL || is_usual_stop(code - 128, view))
		return false;
	child = child_with(view, code);
	if (is_signal_code(code) && (child || view->init))
		return false;
	if (child && child == view->main) {
		add_end(child, view, text);
		buf_addf(text, ", and PID 1 (%s) passed that on",
			view->pid1 ? view->pid1->name : "?");
		return add_reason(view, text);
	}
	buf_addf(text, "PID 1 (%s) exited with %d", view->pid1 ? view->pid1->name : "?",
		code);
	if (code == 126 || code == 127)
		buf_addf(text, " (a shell's code for a command that %s)",
			code == 127 ? "was not found" : "could not be executed");
	if (child) {
		buf_adds(text, ", as ");
		process_add_name(child, text);
		buf_adds(text, " had");
		return add_reason(view, text);
	}
	if (pid1->raised && pid1->raised->ignored)
		buf_addf(text,
			", after it had raised %s for itself, which PID 1 does not get",
			SIGNAL(pid1->raised->signal));
	if (view->main && view->main != pid1 && view->main->status_known &&
		!process_was_idle(view->main)) {
		buf_adds(text, "; ");
		add_end(view->main, view, text);
	}
	return add_reason(view, text);
}
