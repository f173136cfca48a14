#include "harness/judge/diagnose.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/judge/diagnose_hang.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/signals.h"

#define SIGNAL(number)    signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})
#define STOP_SIGNAL(view) SIGNAL((view)->facts->stop_signal)

/* The exit code of a program that the stop signal's default disposition ended: 143. */
#define DEFAULT_CODE(view) (128 + (view)->facts->stop_signal)

/* --- W: did the signal reach code of PID 1? --- */

/* PID 1 has a handler by now, or keeps the signal blocked to read it later. (A process
 * that forks blocks all signals for a moment: one snapshot is not enough.) */
static bool can_receive(const struct view *view)
{
	const struct snapshot *last = view->last;
	int number = view->facts->stop_signal;

	return proc_mask_has(view->pid1->caught, number) ||
		(proc_mask_has(view->pid1->blocked, number) &&
			last > view->evidence->snapshots &&
			proc_mask_has(last[-1].procs[0].blocked, number));
}

static bool launcher_is_pid1(const struct view *view, struct buf *text)
{
	const struct proc *pid1 = view->pid1;
	const struct snapshot *last = view->last;

	if (!view->discarded || !pid1 || view->shutdown || last->count < 2 ||
		!proc_is_launcher(pid1) || can_receive(view))
		return false;
	return buf_addf(text,
		"PID 1 is %s (%.60s): it did not pass %s on, so %s (pid %d) never received it",
		pid1->name, pid1->command, STOP_SIGNAL(view), last->procs[1].name,
		(int)last->procs[1].ns_pid);
}

static bool pid1_ignores(const struct view *view, struct buf *text)
{
	return view->discarded && view->pid1 &&
		proc_mask_has(view->pid1->ignored, view->facts->stop_signal) &&
		buf_addf(text, "PID 1 (%s) ignores %s (SigIgn)", view->pid1->name,
			STOP_SIGNAL(view));
}

static bool signal_came_early(const struct view *view, struct buf *text)
{
	return view->discarded && view->pid1 && can_receive(view) &&
		buf_addf(text,
			"%s came before PID 1 (%s) had a handler for it: the kernel discarded it, and "
			"the handler that is there now waits for another",
			STOP_SIGNAL(view), view->pid1->name);
}

static bool pid1_has_no_handler(const struct view *view, struct buf *text)
{
	const struct proc *pid1 = view->pid1;
	int number = view->facts->stop_signal;

	if (!view->discarded || !pid1 || proc_mask_has(pid1->ignored, number) ||
		can_receive(view))
		return false;
	return buf_addf(text,
		"PID 1 (%s) has no handler for %s: the kernel discarded it%s",
		pid1->name, SIGNAL(number),
		view->facts->signal_delivery == DELIVERY_IGNORED
			? " (seen in the signal trace)"
			: " (SigCgt, SigBlk, SigIgn lack it)");
}

/* --- L, R: what was left, what was lost --- */

static bool processes_left(const struct view *view, struct buf *text)
{
	const struct leaks *leaks = &view->leaks;

	return leaks->count > 0 &&
		buf_addf(text, "%u process%s alive when PID 1 ended: %s%s%s%s",
			leaks->count, leaks->count == 1 ? " was" : "es were",
			leaks->list[0].text, leaks->count > 1 ? ", " : "",
			leaks->count > 1 ? leaks->list[1].text : "",
			leaks->count > 2 ? ", ..." : "");
}

static bool zombies_left(const struct view *view, struct buf *text)
{
	return view->leaks.zombies > 0 &&
		buf_addf(text, "%u zombie%s not waited for in the last snapshot",
			view->leaks.zombies,
			view->leaks.zombies == 1 ? " was" : "s were");
}

static bool requests_lost(const struct view *view, struct buf *text)
{
	for (unsigned i = 0; i < view->evidence->request_count && view->lost; i++) {
		const struct load_request *request = &view->evidence->requests[i];

		if (request->kind != REQUEST_IDLE &&
			(request->end == REQUEST_BROKEN ||
				request->end == REQUEST_PENDING))
			return buf_addf(text,
				"%u accepted request%s got no whole answer; the first: %s%s: "
				"%.120s",
				view->lost, view->lost == 1 ? "" : "s",
				request->room ? "room " : "load.request",
				request->room ? request->room : "",
				request->why ? request->why : "no answer at all");
	}
	return false;
}

/* --- X: what ended PID 1 --- */

static bool grace_expired(const struct view *view, struct buf *text)
{
	const struct stop_facts *facts = view->facts;

	return view->killed && view->margin_ns <= 0 &&
		buf_addf(text,
			"the grace of %s expired: the engine sent SIGKILL %s late (%s)",
			CLOCK_TEXT(view->scenario->stop.grace_ns),
			view->engine_late_ns >= 0 ? CLOCK_TEXT(view->engine_late_ns)
						  : "?",
			facts->kill_source == STAMP_KERNEL ? "traced in the kernel"
				: facts->kill_source == STAMP_SELF
				? "sent by this engine itself"
				: "the engine's kill event");
}

static bool killed_without_grace(const struct view *view, struct buf *text)
{
	return view->killed && view->margin_ns > 0 &&
		buf_addf(text, "SIGKILL came with %s of the grace left: %s",
			CLOCK_TEXT(view->margin_ns),
			view->facts->signal_ns ? "its sender did not wait for it"
					       : "no stop signal was sent before it");
}

static bool oom_killed(const struct view *view, struct buf *text)
{
	return view->verdict == VERDICT_OOM &&
		buf_addf(text,
			"the kernel's out-of-memory killer took PID 1 (%lld OOM kill%s in its cgroup "
			"since the stop)",
			(long long)view->facts->oom_kills,
			view->facts->oom_kills == 1 ? "" : "s");
}

/* PID 1 exited by itself with a code that claims a signal. (An init that exits with
 * 143 reports that its child ended by SIGTERM.) */
static bool exited_by_itself(const struct view *view)
{
	int code = view->facts->exit_code;

	return view->facts->wait_status_known && !view->signalled &&
		(code == 128 + SIGKILL ||
			(!view->init &&
				(code == 128 + SIGTERM || code == DEFAULT_CODE(view))));
}

static bool reported_child_status(const struct view *view, struct buf *text)
{
	return exited_by_itself(view) &&
		buf_addf(text,
			"PID 1 was not ended by a signal: it exited with %d by itself, as a shell or "
			"an init does that reports how a child ended",
			view->facts->exit_code);
}

static bool self_killed(const struct view *view, struct buf *text)
{
	return view->verdict == VERDICT_SELF_KILLED &&
		buf_addf(text, "SIGKILL was sent by %s, not by the engine",
			view->facts->kill_sender[0] ? view->facts->kill_sender
						    : "another process");
}

static bool crashed(const struct view *view, struct buf *text)
{
	int number =
		view->signalled ? view->death_signal : view->facts->exit_code - 128;

	return view->verdict == VERDICT_CRASH && !view->too_late &&
		buf_addf(text, "it crashed: %s (exit code %d)", SIGNAL(number),
			view->facts->exit_code);
}

static bool ended_by_stop_signal(const struct view *view)
{
	return view->facts->exit_code == DEFAULT_CODE(view) && !view->too_late &&
		!exited_by_itself(view);
}

/* The program had prepared for the stop signal at some time before its end: it caught
 * it; or it blocked or awaited signals, which a program about to fork and one that
 * waits for other signals do as well, and then logged something. */
static bool program_handles(const struct view *view)
{
	const struct evidence *evidence = view->evidence;
	int number = view->facts->stop_signal;

	for (const struct snapshot *snapshot = evidence->snapshots;
		view->program && snapshot <= view->last; snapshot++) {
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

/* ", logged 2 lines" */
static bool add_lines(const struct view *view, struct buf *text)
{
	if (view->last_lines == 0)
		return buf_adds(text, ", logged nothing");
	return buf_addf(text, ", logged %u line%s", view->last_lines,
		view->last_lines == 1 ? "" : "s");
}

static bool reraised_after_drain(const struct view *view, struct buf *text)
{
	int code = view->facts->exit_code;

	if (!ended_by_stop_signal(view))
		return false;
	if (view->completed)
		return buf_addf(text,
			"%d after a complete drain: it restored the default and "
			"raised %s again, which is 0 as PID 1 and %d behind an init",
			code, STOP_SIGNAL(view), code);
	if (view->shutdown || !program_handles(view))
		return false;
	buf_addf(text, "%d after its own way down: it (%s) caught %s", code,
		view->program->name, STOP_SIGNAL(view));
	add_lines(view, text);
	return buf_addf(text,
		", took %s, and raised %s again, which is 0 as PID 1 and %d behind an init",
		view->stop_ns >= 0 ? CLOCK_TEXT(view->stop_ns) : "?", STOP_SIGNAL(view),
		code);
}

/* It ran when PID 1 ended. (Some inits signal every process below them.) The latest
 * descendant with its pid: numbers are used again. */
static bool outlived_it(const struct view *view, const struct proc *below)
{
	const struct evidence *evidence = view->evidence;
	unsigned i = evidence->descendant_count;

	while (i > 0 && evidence->descendants[i - 1].pid != below->pid)
		i--;
	return i == 0 || !evidence->descendants[i - 1].ended_ns ||
		evidence->descendants[i - 1].ended_ns > view->facts->dying_ns;
}

static bool died_of_default(const struct view *view, struct buf *text)
{
	const struct proc *program = view->program;
	const struct proc *below = program ? view_child(view, program) : NULL;

	if (!ended_by_stop_signal(view) || view->completed ||
		(!view->shutdown && program_handles(view)))
		return false;
	buf_addf(text,
		"%d: %s's default disposition ended %s%s: ", view->facts->exit_code,
		STOP_SIGNAL(view), program ? program->name : "it",
		view->init ? " behind the init" : "");
	if (view->shutdown)
		return buf_adds(text, "it began its way down and did not finish it");
	if (!program)
		return buf_adds(text, "it logged no way down");
	if (below && outlived_it(view, below))
		return buf_addf(text, "%s (pid %d) ran below it and never received it",
			below->name, (int)below->ns_pid);
	buf_addf(text, "it caught no %s", STOP_SIGNAL(view));
	return add_lines(view, text);
}

static bool ended_before_stop(const struct view *view, struct buf *text)
{
	return view->too_late &&
		buf_addf(text,
			"it had ended before the stop, with exit code %d: the stop was a no-op",
			view->facts->exit_code);
}

static bool stopped_cleanly(const struct view *view, struct buf *text)
{
	return (view->verdict == VERDICT_CLEAN || view->verdict == VERDICT_SLOW) &&
		buf_addf(text,
			"clean stop in %s, %s of the grace left, %u of %u sessions "
			"disconnected",
			CLOCK_TEXT(view->stop_ns), CLOCK_TEXT(view->margin_ns),
			view->sessions.done, view->sessions.count);
}

static bool not_known(const struct view *view, struct buf *text)
{
	return view->verdict == VERDICT_INCONCLUSIVE &&
		buf_addf(text, "%s", view->reason);
}

/* True when the diagnosis holds; then `text` has one more sentence, about it. */
static bool (*const rules[DIAGNOSES])(const struct view *view, struct buf *text) = {
#define DIAGNOSIS(id, rule, ...) [DIAGNOSIS_##id] = rule,
#include "harness/scenario/diagnoses.def"
#undef DIAGNOSIS
};

void diagnose(struct judgement *judgement, const struct view *view)
{
	for (unsigned id = DIAGNOSIS_ANY + 1; id < DIAGNOSES; id++) {
		SCOPED(buf_done) struct buf text = {0};
		struct diagnosis *diagnosis;

		if (!rules[id](view, &text))
			continue;
		diagnosis = &judgement->diagnoses[judgement->diagnosis_count++];
		diagnosis->id = (enum diagnosis_id)id;
		snprintf(
			diagnosis->text, sizeof diagnosis->text, "%s", buf_text(&text));
	}
}
