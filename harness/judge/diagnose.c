#include "harness/judge/diagnose.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/judge/diagnose_hang.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/signals.h"

/* True when the diagnosis holds; then `text` says it in one sentence. */
typedef bool rule_fn(const struct view *view, const struct judgement *judgement,
	char *text, size_t size);

static bool say(char *text, size_t size, const char *format, ...) PRINTF(3, 4);

static bool say(char *text, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text, size, format, args);
	va_end(args);
	return true;
}

#define TIME(ns)       clock_format((ns), (char[CLOCK_TEXT_SIZE]){0})
#define SIGNAL(number) signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})

/* --- W: did the signal reach code? --- */

/* By now it has a handler, or means to read the signal later. (Whoever forks blocks all
 * signals for a moment: one look is not enough.) */
static bool has_ears(const struct view *view)
{
	const struct snapshot *last = view->last;
	int number = view->facts->stop_signal;

	return proc_catches(view->pid1, number) ||
		(proc_blocks(view->pid1, number) && last > view->evidence->snapshots &&
			proc_blocks(&last[-1].procs[0], number));
}

static bool launcher_is_pid1(const struct view *view, const struct judgement *judgement,
	char *text, size_t size)
{
	const struct proc *pid1 = view->pid1;
	const struct snapshot *last = view->last;

	(void)judgement;
	if (!view->discarded || !pid1 || view->shutdown || last->count < 2 ||
		!proc_is_launcher(pid1) || has_ears(view))
		return false;
	return say(text, size,
		"PID 1 is %s (%.60s): it did not pass %s on, so %s (pid %d) never received it",
		pid1->name, pid1->command, SIGNAL(view->facts->stop_signal),
		last->procs[1].name, (int)last->procs[1].ns_pid);
}

static bool pid1_ignores(const struct view *view, const struct judgement *judgement,
	char *text, size_t size)
{
	(void)judgement;
	if (!view->discarded || !view->pid1 ||
		!proc_ignores(view->pid1, view->facts->stop_signal))
		return false;
	return say(text, size, "PID 1 (%s) ignores %s (SigIgn)", view->pid1->name,
		SIGNAL(view->facts->stop_signal));
}

static bool signal_came_early(const struct view *view,
	const struct judgement *judgement, char *text, size_t size)
{
	(void)judgement;
	if (!view->discarded || !view->pid1 || !has_ears(view))
		return false;
	return say(text, size,
		"%s came before PID 1 (%s) had a handler for it: the kernel discarded it, and "
		"the handler that is there now waits for another",
		SIGNAL(view->facts->stop_signal), view->pid1->name);
}

static bool pid1_has_no_handler(const struct view *view,
	const struct judgement *judgement, char *text, size_t size)
{
	const struct proc *pid1 = view->pid1;
	int number = view->facts->stop_signal;

	(void)judgement;
	if (!view->discarded || !pid1 || proc_ignores(pid1, number) || has_ears(view))
		return false;
	return say(text, size,
		"PID 1 (%s) has no handler for %s: the kernel discarded it%s",
		pid1->name, SIGNAL(number),
		view->facts->signal_delivery == DELIVERY_IGNORED
			? " (seen in the signal trace)"
			: " (SigCgt, SigBlk, SigIgn lack it)");
}

/* --- L, R: what was left, what was lost --- */

static bool processes_left(const struct view *view, const struct judgement *judgement,
	char *text, size_t size)
{
	const struct leaks *leaks = &view->leaks;

	(void)judgement;
	if (leaks->count == 0)
		return false;
	return say(text, size, "%u process%s alive when PID 1 ended: %s%s%s%s",
		leaks->count, leaks->count == 1 ? " was" : "es were",
		leaks->list[0].text, leaks->count > 1 ? ", " : "",
		leaks->count > 1 ? leaks->list[1].text : "",
		leaks->count > 2 ? ", ..." : "");
}

static bool zombies_left(const struct view *view, const struct judgement *judgement,
	char *text, size_t size)
{
	(void)judgement;
	if (view->leaks.zombies == 0)
		return false;
	return say(text, size, "%u zombie%s not waited for in the last snapshot",
		view->leaks.zombies, view->leaks.zombies == 1 ? " was" : "s were");
}

static bool requests_lost(const struct view *view, const struct judgement *judgement,
	char *text, size_t size)
{
	(void)judgement;
	for (unsigned i = 0; i < view->evidence->request_count && view->lost; i++) {
		const struct load_request *request = &view->evidence->requests[i];

		if (request->kind != REQUEST_IDLE &&
			(request->end == REQUEST_BROKEN ||
				request->end == REQUEST_PENDING))
			return say(text, size,
				"%u accepted request%s got no whole answer; the first: room "
				"%s, bot %s: %.120s",
				view->lost, view->lost == 1 ? "" : "s", request->room,
				request->bot,
				request->why ? request->why : "no answer at all");
	}
	return false;
}

/* --- X: who ended it --- */

static bool grace_expired(const struct view *view, const struct judgement *judgement,
	char *text, size_t size)
{
	const struct stop_facts *facts = view->facts;

	if (!view->killed || judgement->margin_ns > 0)
		return false;
	return say(text, size,
		"the grace of %s expired: the engine sent SIGKILL %s late (%s)",
		TIME(view->scenario->stop.grace_ns),
		judgement->engine_late_ns >= 0 ? TIME(judgement->engine_late_ns) : "?",
		facts->kill_source == STAMP_KERNEL ? "traced in the kernel"
			: facts->kill_source == STAMP_SELF
			? "sent by this engine itself"
			: "the engine's kill event");
}

static bool killed_without_grace(const struct view *view,
	const struct judgement *judgement, char *text, size_t size)
{
	if (!view->killed || judgement->margin_ns <= 0)
		return false;
	return say(text, size, "SIGKILL came with %s of the grace left: %s",
		TIME(judgement->margin_ns),
		view->facts->signal_ns ? "somebody did not wait for it"
				       : "no stop signal was sent before it");
}

static bool oom_killed(const struct view *view, const struct judgement *judgement,
	char *text, size_t size)
{
	if (judgement->verdict != VERDICT_OOM)
		return false;
	return say(text, size,
		"the kernel's out-of-memory killer took PID 1 (%lld OOM kill%s in its cgroup "
		"since the stop)",
		(long long)view->facts->oom_kills,
		view->facts->oom_kills == 1 ? "" : "s");
}

/* A code that claims a signal, and a raw wait status that knows of none. (That an init
 * exits with 143 is its way of telling that its child died of SIGTERM.) */
static bool exited_by_itself(const struct view *view)
{
	int code = view->facts->exit_code;

	return view->facts->wait_status_known && !view->signalled &&
		(code == 128 + SIGKILL || (code == 128 + SIGTERM && !view->init));
}

static bool reported_child_status(const struct view *view,
	const struct judgement *judgement, char *text, size_t size)
{
	(void)judgement;
	if (!exited_by_itself(view))
		return false;
	return say(text, size,
		"PID 1 did not die of a signal: it exited with %d by itself, as a shell or an "
		"init does that reports how a child died",
		view->facts->exit_code);
}

static bool self_killed(const struct view *view, const struct judgement *judgement,
	char *text, size_t size)
{
	if (judgement->verdict != VERDICT_SELF_KILLED)
		return false;
	return say(text, size, "SIGKILL was sent by %s, not by the engine",
		view->facts->kill_sender[0] ? view->facts->kill_sender
					    : "another process");
}

static bool crashed(const struct view *view, const struct judgement *judgement,
	char *text, size_t size)
{
	int number =
		view->signalled ? view->death_signal : view->facts->exit_code - 128;

	if (judgement->verdict != VERDICT_CRASH || view->too_late)
		return false;
	return say(text, size, "it crashed: %s (exit code %d)", SIGNAL(number),
		view->facts->exit_code);
}

static bool is_143(const struct view *view)
{
	return view->facts->exit_code == 128 + SIGTERM && !view->too_late &&
		!exited_by_itself(view);
}

/* Did the program mean to hear the signal, at some time before its end? Whoever catches
 * it does; one that blocks it may be about to fork, and one that waits for signals may
 * wait for others: then what it logged must tell. */
static bool program_hears(const struct view *view)
{
	const struct evidence *evidence = view->evidence;

	for (const struct snapshot *snapshot = evidence->snapshots;
		view->program && snapshot <= view->last; snapshot++) {
		for (unsigned i = 0; i < snapshot->count; i++) {
			const struct proc *proc = &snapshot->procs[i];

			if (proc->pid == view->program->pid &&
				(proc_catches(proc, SIGTERM) ||
					(proc_hears(proc, SIGTERM) &&
						view->last_lines > 0)))
				return true;
		}
	}
	return false;
}

/* ", logged 2 lines" */
static const char *lines_of(const struct view *view, char *text, size_t size)
{
	if (view->last_lines == 0)
		return ", logged nothing";
	snprintf(text, size, ", logged %u line%s", view->last_lines,
		view->last_lines == 1 ? "" : "s");
	return text;
}

static bool reraised_after_drain(const struct view *view,
	const struct judgement *judgement, char *text, size_t size)
{
	char lines[48];

	(void)judgement;
	if (!is_143(view))
		return false;
	if (view->completed)
		return say(text, size,
			"143 after a complete drain: it restored the default and "
			"raised SIGTERM again, which is 0 as PID 1 and 143 behind an init");
	if (view->shutdown || !program_hears(view))
		return false;
	return say(text, size,
		"143 after its own way down: it (%s) caught SIGTERM%s, took %s, and raised "
		"SIGTERM again, which is 0 as PID 1 and 143 behind an init",
		view->program->name, lines_of(view, lines, sizeof lines),
		view->stop_ns >= 0 ? TIME(view->stop_ns) : "?");
}

/* (Some inits signal all that is below them: then it ended too.) */
static bool outlived_it(const struct view *view, const struct proc *below)
{
	int64_t end_ns = below ? evidence_end_of(view->evidence, below->pid) : 0;

	return below && (!end_ns || end_ns > view->facts->dying_ns);
}

static void say_died(const struct view *view, char *text, size_t size)
{
	const struct proc *program = view->program;
	const struct proc *below = program ? view_child(view, program) : NULL;
	char lines[48];

	if (view->shutdown)
		snprintf(text, size, "it began its way down and did not finish it");
	else if (!program)
		snprintf(text, size, "it said nothing of a way down");
	else if (outlived_it(view, below))
		snprintf(text, size, "%s (pid %d) ran below it and never received it",
			below->name, (int)below->ns_pid);
	else
		snprintf(text, size, "it caught no SIGTERM%s",
			lines_of(view, lines, sizeof lines));
}

static bool died_of_default(const struct view *view, const struct judgement *judgement,
	char *text, size_t size)
{
	char how[160];

	(void)judgement;
	if (!is_143(view) || view->completed ||
		(!view->shutdown && program_hears(view)))
		return false;
	say_died(view, how, sizeof how);
	return say(text, size, "143: SIGTERM's default disposition ended %s%s: %s",
		view->program ? view->program->name : "it",
		view->init ? " behind the init" : "", how);
}

static bool ended_before_stop(const struct view *view,
	const struct judgement *judgement, char *text, size_t size)
{
	(void)judgement;
	if (!view->too_late)
		return false;
	return say(text, size,
		"it had ended before the stop, with exit code %d: the stop was a no-op",
		view->facts->exit_code);
}

static bool stopped_cleanly(const struct view *view, const struct judgement *judgement,
	char *text, size_t size)
{
	if (judgement->verdict != VERDICT_CLEAN && judgement->verdict != VERDICT_SLOW)
		return false;
	return say(text, size,
		"clean stop in %s, %s of the grace left, %u of %u sessions "
		"disconnected",
		TIME(view->stop_ns), TIME(judgement->margin_ns), view->sessions.done,
		view->sessions.count);
}

static bool not_known(const struct view *view, const struct judgement *judgement,
	char *text, size_t size)
{
	(void)view;
	if (judgement->verdict != VERDICT_INCONCLUSIVE)
		return false;
	return say(text, size, "%s", judgement->reason);
}

/* Deepest cause first: the first that holds is the primary one. */
static rule_fn *const rules[DIAGNOSES] = {
	[DIAGNOSIS_X10] = ended_before_stop,
	[DIAGNOSIS_X7] = crashed,
	[DIAGNOSIS_X3] = oom_killed,
	[DIAGNOSIS_X6] = self_killed,
	[DIAGNOSIS_W3] = launcher_is_pid1,
	[DIAGNOSIS_W2] = pid1_ignores,
	[DIAGNOSIS_W6] = signal_came_early,
	[DIAGNOSIS_W1] = pid1_has_no_handler,
	[DIAGNOSIS_H15] = hang_grace_believed,
	[DIAGNOSIS_H2] = hang_sequential,
	[DIAGNOSIS_H9] = hang_turns,
	[DIAGNOSIS_H1] = hang_agent,
	[DIAGNOSIS_H3] = hang_mcp,
	[DIAGNOSIS_X5] = reported_child_status,
	[DIAGNOSIS_X8] = reraised_after_drain,
	[DIAGNOSIS_X9] = died_of_default,
	[DIAGNOSIS_X1] = grace_expired,
	[DIAGNOSIS_X2] = killed_without_grace,
	[DIAGNOSIS_R1] = requests_lost,
	[DIAGNOSIS_L1] = processes_left,
	[DIAGNOSIS_Z0] = not_known,
	[DIAGNOSIS_X0] = stopped_cleanly,
	[DIAGNOSIS_L3] = zombies_left,
};

void diagnose(struct judgement *judgement, const struct view *view)
{
	for (unsigned id = DIAGNOSIS_ANY + 1; id < DIAGNOSES; id++) {
		struct diagnosis *diagnosis =
			&judgement->diagnoses[judgement->diagnosis_count];

		if (!rules[id](
			    view, judgement, diagnosis->text, sizeof diagnosis->text))
			continue;
		diagnosis->id = (enum diagnosis_id)id;
		judgement->diagnosis_count++;
	}
}
