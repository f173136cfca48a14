#include "harness/judge/diagnose/diagnose.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/judge/diagnose/diagnose_delete.h"
#include "harness/judge/diagnose/diagnose_exit.h"
#include "harness/judge/diagnose/diagnose_hang.h"
#include "harness/judge/diagnose/diagnose_reach.h"
#include "harness/judge/diagnose/diagnose_wait.h"
#include "harness/judge/herd.h"
#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/signals.h"

#define SIGNAL(number)    signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})
#define STOP_SIGNAL(view) SIGNAL((view)->facts->stop_signal)

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

/* The child that PID 1 started and did not tell; NULL: there is none. */
static const struct process *child_not_told(const struct view *view)
{
	const struct process *child =
		processes_child(&view->processes, view->processes.list, NULL);

	return child && !child->told ? child : NULL;
}

/* A process that was told, died of it, and had not passed it on to its child, which was
 * left: npm and the shell that it starts. */
static bool launcher_died(const struct view *view, struct buf *text)
{
	for (unsigned i = 0; i < view->leaks.count; i++) {
		const struct process *left = view->leaks.list[i].process;
		const struct process *launcher = left && left->before
			? processes_by_pid(&view->processes, left->before->ppid)
			: NULL;

		if (!launcher || !launcher->told || left->told ||
			!launcher->status_known ||
			!WIFSIGNALED(launcher->wait_status) ||
			WTERMSIG(launcher->wait_status) != launcher->told->signal)
			continue;
		process_add_name(launcher, text);
		buf_addf(text, " got %s and died of it without passing it on: ",
			SIGNAL(launcher->told->signal));
		process_add_name(left, text);
		return buf_adds(text, " never received it");
	}
	return false;
}

static bool launcher_is_pid1(const struct view *view, struct buf *text)
{
	const struct proc *pid1 = view->pid1;
	const struct process *child;

	if (view->processes.signals_known && launcher_died(view, text))
		return true;
	if (!view->discarded || !pid1 || view->shutdown || can_receive(view) ||
		proc_mask_has(pid1->ignored, view->facts->stop_signal) ||
		!(proc_is_launcher(pid1) || proc_awaits_child(pid1)))
		return false;
	child = child_not_told(view);
	if (!child)
		return false;
	buf_addf(text, "PID 1 is %s (%.60s): it did not pass %s on, so ", pid1->name,
		pid1->command, STOP_SIGNAL(view));
	process_add_name(child, text);
	buf_adds(text, " never received it");
	if (proc_mask_has(child->last->caught, view->facts->stop_signal))
		buf_adds(text, ", although it has a handler for it");
	else if (!proc_receives(child->last, view->facts->stop_signal) &&
		!processes_child(&view->processes, child, NULL))
		buf_adds(text, ". It has no handler for it either");
	return true;
}

static bool pid1_ignores(const struct view *view, struct buf *text)
{
	const struct process *child;

	if (!view->discarded || !view->pid1 ||
		!proc_mask_has(view->pid1->ignored, view->facts->stop_signal))
		return false;
	buf_addf(text, "PID 1 (%s) ignores %s (SigIgn)", view->pid1->name,
		STOP_SIGNAL(view));
	child = view->processes.signals_known && proc_awaits_child(view->pid1)
		? child_not_told(view)
		: NULL;
	if (child) {
		buf_adds(text, " and waits for ");
		process_add_name(child, text);
		buf_adds(text, ", which got no signal");
	}
	return true;
}

/* An entrypoint took the signal, went on, and executed another program in its own place. */
static bool entrypoint_took_it(const struct view *view, struct buf *text)
{
	const struct process *pid1 = view->processes.list;
	const struct proc *before = pid1->before, *last = pid1->last;
	const struct stop_facts *facts = view->facts;

	return view->killed && facts->stop_signal != SIGKILL && !view->discarded &&
		facts->exec_ns > facts->signal_ns && pid1->handled && before && last &&
		strcmp(before->exe, last->exe) != 0 &&
		pid1->handled->ns < facts->exec_ns &&
		buf_addf(text,
			"%s came while PID 1 was still %s, which caught it and then executed "
			"%s in its place (+%s): that never got it",
			STOP_SIGNAL(view), before->name, last->name,
			CLOCK_TEXT(facts->exec_ns - facts->signal_ns));
}

static bool signal_came_early(const struct view *view, struct buf *text)
{
	if (entrypoint_took_it(view, text))
		return true;
	return view->discarded && view->pid1 && can_receive(view) &&
		buf_addf(text,
			"%s came before PID 1 (%s) had a handler for it: the kernel discarded it, and "
			"the handler that is there now waits for another",
			STOP_SIGNAL(view), view->pid1->name);
}

static bool pid1_has_no_handler(const struct view *view, struct buf *text)
{
	static const int others[] = {SIGTERM, SIGINT, SIGQUIT};
	SCOPED(buf_done) struct buf deeper = {0};
	const struct proc *pid1 = view->pid1;
	int number = view->facts->stop_signal;
	const struct process *child;

	if (!view->discarded || !pid1 || proc_mask_has(pid1->ignored, number) ||
		can_receive(view) || launcher_is_pid1(view, &deeper))
		return false;
	buf_addf(text, "PID 1 (%s) has no handler for %s: the kernel discarded it%s",
		pid1->name, SIGNAL(number),
		view->facts->signal_delivery == DELIVERY_IGNORED
			? " (seen in the signal trace)"
			: " (SigCgt, SigBlk, SigIgn lack it)");
	for (size_t i = 0; i < COUNT(others); i++) {
		if (proc_mask_has(pid1->caught, others[i]))
			return buf_addf(text, "; it has one for %s", SIGNAL(others[i]));
	}
	child = view->processes.signals_known ? child_not_told(view) : NULL;
	if (child && proc_receives(child->last, number)) {
		buf_adds(text, "; its child ");
		process_add_name(child, text);
		buf_adds(text, " has one, and got no signal");
	}
	return true;
}

/* --- L, R: what was left, what was lost --- */

/* ": told to end, and not waited for". What nothing is known of is not told. */
static void add_kinds(const struct leaks *leaks, struct buf *text)
{
	static const char *const kinds[LEAK_KINDS] = {
		[LEAK_TOLD] = "told to end",
		[LEAK_NOT_WAITED] = "told to end, and not waited for",
		[LEAK_KILLED] = "sent SIGKILL",
		[LEAK_NEVER_TOLD] = "got no signal",
		[LEAK_ORPHAN] = "orphaned before the stop",
	};
	const char *separator = ": ";

	for (int kind = 0; kind < LEAK_KINDS; kind++) {
		if (!kinds[kind] || leaks->kinds[kind] == 0)
			continue;
		buf_adds(text, separator);
		if (leaks->kinds[kind] < leaks->count)
			buf_addf(text, "%u ", leaks->kinds[kind]);
		buf_adds(text, kinds[kind]);
		separator = ", ";
	}
}

/* Of the processes that were left: what is lost with them. */
static void add_work(const struct leaks *leaks, struct buf *text)
{
	unsigned counts[PROCESS_READS + 1] = {0};
	const struct process *reader = NULL;

	for (unsigned i = 0; i < leaks->count; i++) {
		const struct process *process = leaks->list[i].process;
		enum process_work work =
			process ? process_work(process) : PROCESS_WORK_UNKNOWN;

		counts[work]++;
		if (work == PROCESS_READS && !reader)
			reader = process;
	}
	if (reader) {
		buf_adds(text, "; ");
		process_add_name(reader, text);
		buf_adds(text,
			" was waiting to read more: what it had read and not written is lost");
	} else if (counts[PROCESS_SLEEPS] == leaks->count) {
		buf_adds(text, "; a sleep holds no work");
	} else if (counts[PROCESS_SLEEPS] + counts[PROCESS_PASSES_ON] == leaks->count) {
		buf_addf(text,
			"; %s no work of %s own, and only what was not read yet is lost",
			leaks->count == 1 ? "it holds" : "they hold",
			leaks->count == 1 ? "its" : "their");
	}
}

static bool processes_left(const struct view *view, struct buf *text)
{
	const struct leaks *leaks = &view->leaks;

	if (leaks->count == 0)
		return false;
	buf_addf(text, "%u process%s alive when PID 1 ended: %s%s%s%s", leaks->count,
		leaks->count == 1 ? " was" : "es were", leaks->list[0].text,
		leaks->count > 1 ? ", " : "",
		leaks->count > 1 ? leaks->list[1].text : "",
		leaks->count > 2 ? ", ..." : "");
	add_kinds(leaks, text);
	add_work(leaks, text);
	return true;
}

static bool ended_by_chance(const struct view *view, struct buf *text)
{
	const struct leaks *leaks = &view->leaks;

	return leaks->raced > 0 && leaks->count == 0 &&
		buf_addf(text,
			"%u process%s that PID 1 had told to end %s gone a moment before it: "
			"whether it waited for %s cannot be told from this stop",
			leaks->raced, leaks->raced == 1 ? "" : "es",
			leaks->raced == 1 ? "was" : "were",
			leaks->raced == 1 ? "it" : "them");
}

static bool zombies_left(const struct view *view, struct buf *text)
{
	return view->leaks.zombies > 0 &&
		buf_addf(text, "%u zombie%s not waited for in the last snapshot",
			view->leaks.zombies,
			view->leaks.zombies == 1 ? " was" : "s were");
}

static bool is_lost(const struct load_request *request)
{
	return request->kind != REQUEST_IDLE &&
		(request->end == REQUEST_BROKEN || request->end == REQUEST_PENDING);
}

/* What the clients of those requests saw. */
static const char *what_they_got(const struct view *view)
{
	if (view->lost == 0)
		return view->wrong == 0 ? "got a 503" : "got an error";
	return view->refused + view->wrong == 0 ? "got no whole answer"
						: "got no whole answer, or an error";
}

static bool requests_lost(const struct view *view, struct buf *text)
{
	unsigned count = view->lost + view->refused + view->wrong;

	for (unsigned i = 0; i < view->evidence->request_count && count; i++) {
		const struct load_request *request = &view->evidence->requests[i];
		bool refused = view_is_refused(view, request);

		if (!refused && !is_lost(request) && request->end != REQUEST_WRONG)
			continue;
		return buf_addf(text,
			"%u accepted request%s %s; the first: %s%s: %.120s", count,
			count == 1 ? "" : "s", what_they_got(view),
			request->room ? "room " : "load.request",
			request->room ? request->room : "",
			refused ? "503, and it was sent before the stop signal"
				: request->why ? request->why
					       : "no answer at all");
	}
	return view->connections.lost > 0 &&
		buf_addf(text,
			"%u request%s under way at the signal got no whole answer; the client "
			"of the first: %s",
			view->connections.lost, view->connections.lost == 1 ? "" : "s",
			view->connections.first_lost);
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
		view->facts->stop_signal != SIGKILL &&
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

static bool self_killed(const struct view *view, struct buf *text)
{
	return view->verdict == VERDICT_SELF_KILLED &&
		buf_addf(text, "SIGKILL was sent by %s, not by the engine",
			view->facts->kill_sender[0] ? view->facts->kill_sender
						    : "another process");
}

/* How often PID 1 sent itself this signal since the stop signal, and did not get it, or
 * got it. */
static unsigned sent_itself(const struct view *view, int number, bool in_vain)
{
	const struct evidence *evidence = view->evidence;
	unsigned count = 0;

	for (unsigned i = 0; i < evidence->signal_count; i++) {
		const struct proc_signal *signal = &evidence->signals[i];

		count += signal->what == PROC_SIGNAL_SENT && signal->signal == number &&
			signal->pid == view->processes.list->pid &&
			signal->sender == signal->pid && signal->ignored == in_vain &&
			signal->ns >= view->facts->signal_ns;
	}
	return count;
}

static bool crashed(const struct view *view, struct buf *text)
{
	int number =
		view->signalled ? view->death_signal : view->facts->exit_code - 128;
	unsigned again = sent_itself(view, view->facts->stop_signal, false);

	/* Another process may have been the one that crashed (X11, X5). */
	if (view->verdict != VERDICT_CRASH || view->too_late ||
		(!view->signalled && view->facts->wait_status_known) ||
		view->facts->exit_code <= 128)
		return false;
	buf_addf(text, "it crashed: %s (exit code %d)", SIGNAL(number),
		view->facts->exit_code);
	if (number != SIGABRT && sent_itself(view, SIGABRT, true) > 0)
		buf_adds(text, ": it called abort(), and PID 1 does not get SIGABRT");
	else if (again > 1)
		buf_addf(text,
			": its handler sent %s to itself as well (kill 0), %u times: it ran "
			"again and again",
			STOP_SIGNAL(view), again);
	return true;
}

static bool ended_without_stop(const struct view *view, struct buf *text)
{
	const struct stop_facts *facts = view->facts;

	if (view->killed)
		return buf_adds(text,
			"the engine sent SIGKILL without a stop signal before it, as docker kill "
			"and docker rm -f do");
	buf_addf(text, "it ended without a stop signal, with exit code %d",
		facts->exit_code);
	if (view->verdict == VERDICT_OOM)
		buf_adds(text, ": out of memory");
	else if (view->signalled && facts->kill_source != STAMP_NONE)
		buf_addf(text, ": SIGKILL from %s",
			facts->kill_sender[0] ? facts->kill_sender : "another process");
	else if (view->signalled)
		buf_addf(text, ": %s", SIGNAL(view->death_signal));
	return true;
}

static bool ended_before_stop(const struct view *view, struct buf *text)
{
	if (view->facts->no_stop)
		return ended_without_stop(view, text);
	return view->too_late &&
		buf_addf(text,
			"it had ended before the stop, with exit code %d: the stop was a no-op",
			view->facts->exit_code);
}

static bool engine_lost_it(const struct view *view, struct buf *text)
{
	const struct stop_facts *facts = view->facts;
	const struct proc *pid1 = view->pid1;

	if (!facts->runs_on)
		return false;
	buf_addf(text,
		"the engine reports that PID 1 (%s) has ended with exit code %d, and it still "
		"runs",
		pid1 ? pid1->name : "?", facts->claimed_exit_code);
	if (pid1 && pid1->state == 'Z' && pid1->threads > 1)
		buf_addf(text,
			": its main thread has ended (state Z), %u other thread%s on",
			pid1->threads - 1, pid1->threads == 2 ? " runs" : "s run");
	if (facts->signals_seen == 0 && view->evidence->signals_known)
		buf_adds(text, "; no signal reached it");
	return true;
}

/* Requests, sessions and turns that it had when the signal came. */
static bool was_idle(const struct view *view)
{
	const struct evidence *evidence = view->evidence;

	for (unsigned i = 0; i < view->processes.count; i++) {
		const struct process *process = &view->processes.list[i];

		if (process->before && process->before->connections > 0 &&
			!process_is_session(process))
			return false;
	}
	for (unsigned i = 0; i < evidence->request_count; i++) {
		if (evidence->requests[i].kind != REQUEST_IDLE &&
			(!evidence->requests[i].ended_ns ||
				evidence->requests[i].ended_ns >=
					view->facts->signal_ns))
			return false;
	}
	return view->sessions.count == 0 && view->processes.connections_known;
}

/* What the agent API and the replacement got at once. */
static void add_herd(const struct view *view, struct buf *text)
{
	struct herd herd = herd_count(view->evidence);

	if (herd.refused > 0)
		buf_addf(text, "; the agent API answered 429 %u time%s", herd.refused,
			herd.refused == 1 ? "" : "s");
	if (herd.opens > 0)
		buf_addf(text,
			"; in one second at most %u requests to end one, and %u of %u "
			"opened at the replacement",
			herd.closes_per_second, herd.opens_per_second, herd.opens);
}

static bool stopped_cleanly(const struct view *view, struct buf *text)
{
	if (view->verdict != VERDICT_CLEAN && view->verdict != VERDICT_SLOW)
		return false;
	buf_addf(text, "clean stop in %s", CLOCK_TEXT(view->stop_ns));
	if (view->margin_ns > 0 && view->margin_ns < ATTACH_NO_GRACE_NS / 2)
		buf_addf(text, ", %s of the grace left", CLOCK_TEXT(view->margin_ns));
	if (scenario_has_mocks(view->scenario)) {
		unsigned left = view->sessions.left_open;

		buf_addf(text, ", %u of %u sessions disconnected", view->sessions.done,
			view->sessions.count);
		if (left > 0)
			buf_addf(text,
				"; %u, which no request ends, had %s connections until "
				"%s process ended",
				left, left == 1 ? "its" : "their",
				left == 1 ? "its" : "their");
		add_herd(view, text);
		return true;
	}
	if (was_idle(view))
		buf_adds(text,
			"; idle: no request and no TCP connection was open when the signal came");
	return true;
}

static bool not_known(const struct view *view, struct buf *text)
{
	return view->verdict == VERDICT_INCONCLUSIVE &&
		buf_addf(text, "%s", view->reason);
}

/* Of one stop; NULL: it is of many. True when the diagnosis holds; then `text` has one more sentence, about it. */
static bool (*const rules[DIAGNOSES])(const struct view *view, struct buf *text) = {
#define DIAGNOSIS(id, rule, ...) [DIAGNOSIS_##id] = rule,
#define ROLLOUT_DIAGNOSIS(...)   /* of many stops */
#include "harness/scenario/diagnoses.def"
#undef DIAGNOSIS
};

/* Moves it to the front, but behind those that come before `limit` in diagnoses.def. */
static void put_first(
	struct judgement *judgement, enum diagnosis_id id, enum diagnosis_id limit)
{
	unsigned at = 0, to = 0;
	struct diagnosis moved;

	while (at < judgement->diagnosis_count && judgement->diagnoses[at].id != id)
		at++;
	if (at == judgement->diagnosis_count)
		return;
	while (to < at && judgement->diagnoses[to].id < limit)
		to++;
	moved = judgement->diagnoses[at];
	memmove(&judgement->diagnoses[to + 1], &judgement->diagnoses[to],
		(at - to) * sizeof moved);
	judgement->diagnoses[to] = moved;
}

/* H10 says where it was when nothing says why. */
static bool has_reason(const struct judgement *judgement)
{
	for (unsigned i = 0; i < judgement->diagnosis_count; i++) {
		const char *id = diagnosis_ids[judgement->diagnoses[i].id];

		if (id[0] == 'W' || id[0] == 'H')
			return true;
	}
	return false;
}

void diagnose(struct judgement *judgement, const struct view *view)
{
	for (unsigned id = DIAGNOSIS_ANY + 1; id < DIAGNOSES; id++) {
		SCOPED(buf_done) struct buf text = {0};
		struct diagnosis *diagnosis;

		/* Of an end without a stop nothing else is known. */
		if (view->facts->no_stop && id != DIAGNOSIS_X10)
			continue;
		if (!rules[id] || (id == DIAGNOSIS_H10 && has_reason(judgement)) ||
			!rules[id](view, &text))
			continue;
		diagnosis = &judgement->diagnoses[judgement->diagnosis_count++];
		diagnosis->id = (enum diagnosis_id)id;
		snprintf(
			diagnosis->text, sizeof diagnosis->text, "%s", buf_text(&text));
	}
	/* Where processes were left, that is the reason, and no exit code. */
	if (view->verdict == VERDICT_LEAK)
		put_first(judgement, DIAGNOSIS_L1, DIAGNOSIS_X11);
	/* It ended by itself: its code is no matter of the signal that it did not get. */
	if (view->discarded)
		put_first(judgement, DIAGNOSIS_X12, DIAGNOSIS_W3);
}
