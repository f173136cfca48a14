#include "harness/judge/ends.h"

#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/clock.h"
#include "lib/signals.h"

#define SIGNAL(number) signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})

/* A SIGKILL that comes so soon after the first signal is the program's ordinary way to
 * end its idle workers, and no lost patience. */
#define ORDINARY_NS (100 * CLOCK_MS)

/* What a process needs to execute its program, and to have work in hand. */
#define BEGIN_NS (20 * CLOCK_MS)

/* ", 1.02s after SIGTERM" */
static void add_since_told(const struct process *process, int64_t ns, struct buf *text)
{
	if (process->told && ns > process->told->ns)
		buf_addf(text, ", %s after %s", CLOCK_TEXT(ns - process->told->ns),
			SIGNAL(process->told->signal));
}

bool ends_has_crash(
	const struct processes *processes, const struct evidence *evidence, int number)
{
	for (unsigned i = 1; i < processes->count; i++) {
		const struct process *process = &processes->list[i];

		if (process->status_known && WIFSIGNALED(process->wait_status) &&
			WTERMSIG(process->wait_status) == number &&
			!process_killer(process, evidence, number))
			return true;
	}
	return false;
}

static bool crashed(const struct process *process, const struct evidence *evidence,
	struct buf *text)
{
	int number = WTERMSIG(process->wait_status);

	if (!signal_is_crash(number) || process_killer(process, evidence, number))
		return false;
	process_add_name(process, text);
	buf_addf(text, " crashed: %s", SIGNAL(number));
	add_since_told(process, process->ended_ns, text);
	return true;
}

/* Where PID 1's exit was not traced, the kernel's SIGKILL to what is left comes before
 * the end that is known (leaks.h). */
static bool may_be_left(const struct process *process, const struct evidence *evidence)
{
	struct death death = evidence_death(evidence);

	return !process->killed && death.only_end &&
		process->ended_ns > death_earliest_ns(&death);
}

static bool killed(const struct process *process, const struct processes *all,
	const struct evidence *evidence, struct buf *text)
{
	const struct proc_signal *by = process->killed;

	if (may_be_left(process, evidence))
		return false;
	if (by && by->sender && process_was_idle(process) &&
		(!process->told || by->ns - process->told->ns < ORDINARY_NS))
		return false;
	process_add_name(process, text);
	if (!by && process->raised && process->raised->signal == SIGKILL)
		return buf_adds(text, " ended itself with SIGKILL");
	buf_adds(text, " was ended by SIGKILL");
	if (!by)
		return true;
	process_add_sender(process, by, all, text);
	if (!by->sender)
		buf_adds(text, " (memory or CPU limit)");
	add_since_told(process, by->ns, text);
	return true;
}

/* (Where signals were not traced, one with a handler did.) */
static bool raised_itself(const struct process *process,
	const struct evidence *evidence, int number, bool has_handler)
{
	return evidence->signals_known
		? process->raised && process->raised->signal == number
		: has_handler;
}

/* It waits for the next task, or for its turn to take one: reading a pipe, or at a lock
 * that processes share. */
static bool waits_at_queue(const struct process *process)
{
	const struct proc *before = process->before;
	const char *call = before ? proc_syscall_name(before) : "";

	if (!before || before->connections > 0 || before->threads > 1)
		return false;
	return strcmp(call, "futex") == 0 ? !(before->syscall_arg1 & FUTEX_PRIVATE_FLAG)
					  : strcmp(call, "read") == 0 &&
			strncmp(before->waits_on, "pipe:", 5) == 0;
}

/* One of them reads a queue, and the other one does so too or waits at its lock. */
static bool share_queue(const struct process *a, const struct process *b)
{
	const char *pipe = a->before->waits_on, *other = b->before->waits_on;

	return (pipe[0] && other[0]) ? strcmp(pipe, other) == 0 : pipe[0] || other[0];
}

/* An idle worker of a pool (Python's multiprocessing.Pool) that its parent ends: it runs
 * the parent's program, and waits for a task beside another one that does. */
static bool was_idle_in_pool(const struct process *process, const struct processes *all)
{
	const struct process *parent = process->parent;

	if (!parent || !parent->before || !process->told ||
		process->told->sender != parent->pid || !waits_at_queue(process) ||
		strcmp(process->before->exe, parent->before->exe) != 0)
		return false;
	for (unsigned i = 1; i < all->count; i++) {
		const struct process *other = &all->list[i];

		if (other != process && other->parent == parent &&
			waits_at_queue(other) && share_queue(process, other) &&
			strcmp(other->before->exe, parent->before->exe) == 0)
			return true;
	}
	return false;
}

/* It was forked so shortly before its signal that nobody could read its name. */
static bool had_just_begun(const struct process *process)
{
	return !process->before && !process->name[0] && process->record &&
		process->told &&
		process->told->ns - process->record->born_ns < BEGIN_NS;
}

static bool died_of_signal(const struct process *process, const struct processes *all,
	const struct evidence *evidence, struct buf *text)
{
	int number = WTERMSIG(process->wait_status);
	const struct proc *before = process->before;
	bool has_handler = before && proc_mask_has(before->caught, number);
	bool raised = raised_itself(process, evidence, number, has_handler);
	const struct proc_signal *killer = process_killer(process, evidence, number);
	int64_t caught = killer ? process_caught_before(process, evidence, killer) : -1;

	if (process_was_idle(process) || was_idle_in_pool(process, all) ||
		had_just_begun(process) ||
		(raised && (!before || !before->connections)))
		return false;
	process_add_name(process, text);
	buf_addf(text, " died of %s%s", caught >= 0 ? "another " : "", SIGNAL(number));
	if (killer)
		process_add_sender(process, killer, all, text);
	if (caught >= 0)
		buf_addf(text, ", %s after it had caught one", CLOCK_TEXT(caught));
	else if (!raised && !has_handler)
		buf_adds(text, ", for which it has no handler");
	if (before && before->connections)
		buf_addf(text, ", with %u connection%s open", before->connections,
			before->connections == 1 ? "" : "s");
	return true;
}

/* It is not a program of its own, but a fork of its parent: it executed none, as far as
 * that was seen. What the exit codes of its workers mean only a master knows:
 * PostgreSQL's are 1 in a good stop, uWSGI's 30. */
static bool is_fork(const struct process *process)
{
	const struct proc *before = process->before;
	const struct proc *parent = process->parent ? process->parent->before : NULL;

	return !process->record->exec_ns &&
		(!before || !parent || strcmp(before->exe, parent->exe) == 0);
}

/* PID 1 waits for this one, or it was told to end, and PID 1 hid that it failed. */
static bool failed(const struct process *process, const struct evidence *evidence,
	const struct process *main, struct buf *text)
{
	int code = WEXITSTATUS(process->wait_status);

	if (code == 0 || code == 128 + evidence->facts.stop_signal ||
		evidence->facts.exit_code != 0 ||
		(process->told && code == 128 + process->told->signal))
		return false;
	if (process != main && (!process->told || is_fork(process)))
		return false;
	process_add_name(process, text);
	return buf_addf(text, " exited with %d", code);
}

/* What its exit code means, and why it killed it, knows the parent that started it in the
 * stop. SIGPIPE is how the head of a pipeline ends. Of the kernel's SIGKILL at a limit of
 * memory the parent knows nothing before. */
static enum verdict judge_end_of_new(const struct process *process,
	const struct processes *all, const struct evidence *evidence, struct buf *text)
{
	int number = WTERMSIG(process->wait_status);

	if (!WIFSIGNALED(process->wait_status))
		return VERDICT_CLEAN;
	if (number != SIGPIPE && crashed(process, evidence, text))
		return VERDICT_CRASH;
	return number == SIGKILL && process->killed && !process->killed->sender &&
			!evidence_death(evidence).only_end &&
			killed(process, all, evidence, text)
		? VERDICT_DIRTY
		: VERDICT_CLEAN;
}

static enum verdict judge_end(const struct process *process,
	const struct processes *all, const struct evidence *evidence,
	const struct process *main, bool planted, struct buf *text)
{
	if (!WIFSIGNALED(process->wait_status))
		return !planted && failed(process, evidence, main, text)
			? VERDICT_DIRTY
			: VERDICT_CLEAN;
	if (crashed(process, evidence, text))
		return VERDICT_CRASH;
	if (planted)
		return VERDICT_CLEAN;
	if (WTERMSIG(process->wait_status) == SIGKILL)
		return killed(process, all, evidence, text) ? VERDICT_DIRTY
							    : VERDICT_CLEAN;
	return died_of_signal(process, all, evidence, text) ? VERDICT_DIRTY
							    : VERDICT_CLEAN;
}

void ends_find(struct ends *ends, const struct processes *processes,
	const struct evidence *evidence, const struct process *main, bool planted)
{
	*ends = (struct ends){.verdict = VERDICT_CLEAN};
	for (unsigned i = 1; i < processes->count; i++) {
		const struct process *process = &processes->list[i];
		SCOPED(buf_done) struct buf text = {0};
		enum verdict verdict;

		if ((!process->was_there && !process->of_the_stop) ||
			!process->status_known || process->lifeline ||
			process_is_session(process))
			continue;
		verdict = process->was_there
			? judge_end(process, processes, evidence, main, planted, &text)
			: judge_end_of_new(process, processes, evidence, &text);
		if (verdict == VERDICT_CLEAN)
			continue;
		if (ends->count++ > 0 && verdict <= ends->verdict)
			continue;
		ends->verdict = verdict;
		ends->worst = process;
		snprintf(ends->text, sizeof ends->text, "%s", buf_text(&text));
	}
}
