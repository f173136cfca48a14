#include "harness/judge/judge.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "harness/judge/diagnose/diagnose.h"
#include "harness/judge/ends.h"
#include "harness/judge/expect.h"
#include "harness/judge/view.h"
#include "lib/clock.h"
#include "lib/signals.h"

/* Would a process that was left have been seen? The kernel reported all descendants, or
 * it is our own service, whose children all have lifelines. */
static bool sees_leaks(const struct view *view)
{
	return view->leaks.unknown == 0 &&
		(view->evidence->descendants_known || scenario_is_ours(view->scenario));
}

static void count(struct judgement *judgement, const struct view *view)
{
	const struct stop_facts *facts = view->facts;
	bool mocked = scenario_has_mocks(view->scenario);

	judgement->stop_ns = view->stop_ns;
	judgement->stop_error_ns = facts->signal_error_ns + facts->exit_error_ns;
	judgement->margin_ns = view->margin_ns;
	judgement->engine_late_ns = view->engine_late_ns;
	judgement->call_ns =
		facts->returned_ns ? facts->returned_ns - facts->asked_ns : -1;
	judgement->sessions = mocked ? (int64_t)view->sessions.count : -1;
	judgement->disconnected = mocked ? (int64_t)view->sessions.done : -1;
	judgement->left_open = mocked ? (int64_t)view->sessions.left_open : -1;
	judgement->orphans =
		view->leaks.count || sees_leaks(view) ? (int64_t)view->leaks.count : -1;
	if (mocked)
		judgement->herd = herd_count(view->evidence);
	judgement->lost = view->lost + view->connections.lost;
	judgement->turned_away = view->turned_away;
	judgement->failed = -1;
}

/* SIGKILL, or an exit code that claims it. The sender decides. (A raw wait status
 * "exited with 137" proves that it was no SIGKILL: then 137 is any code.) */
static bool judge_137(struct judgement *judgement, const struct view *view)
{
	const struct stop_facts *facts = view->facts;
	bool of_kill = facts->wait_status_known
		? view->signalled && view->death_signal == SIGKILL
		: facts->exit_code == 137;

	if (!of_kill)
		return false;
	if (view->killed)
		judgement_find(judgement, VERDICT_KILLED, "137: %s",
			judgement->margin_ns > 0
				? "the engine's SIGKILL came before the grace ended"
				: "the grace expired");
	else if (view->signalled && facts->oom_kills > 0)
		judgement_find(judgement, VERDICT_OOM, "137: out of memory");
	else if (view->signalled && facts->kill_source != STAMP_NONE)
		judgement_find(judgement, VERDICT_SELF_KILLED,
			"137: SIGKILL that the engine did not send");
	else
		judgement_find(judgement, VERDICT_INCONCLUSIVE,
			"137, missing: proof that SIGKILL was sent, and by which process");
	return true;
}

/* A code of PID 1's own stands for a crash where a process below it crashed so. */
static bool is_crash_seen(const struct view *view, int number)
{
	return view->signalled || !view->facts->wait_status_known ||
		!view->evidence->descendants_known ||
		ends_has_crash(&view->processes, view->evidence, number);
}

static void judge_exit(struct judgement *judgement, const struct view *view)
{
	int code = view->facts->exit_code;
	int number = view->signalled ? view->death_signal : code - 128;

	if (view->too_late)
		judgement_find(judgement, VERDICT_CRASH,
			"it had ended before the stop, exit code %d", code);
	else if (judge_137(judgement, view))
		return;
	else if (signal_is_crash(number) && number != view->facts->stop_signal &&
		is_crash_seen(view, number))
		judgement_find(judgement, VERDICT_CRASH, "%d: %s", code,
			signal_name(number, (char[SIGNAL_TEXT_SIZE]){0}));
	else if (code > 0)
		judgement_find(judgement, VERDICT_DIRTY, "exit code %d", code);
	else if (code < 0)
		judgement_find(
			judgement, VERDICT_INCONCLUSIVE, "missing: the exit code");
	/* An end that the stop did not cause proves nothing about the next stop. */
	if (view->discarded && !view->killed)
		judgement_find(judgement, VERDICT_DIRTY,
			"the stop signal was discarded, and %s",
			view->evidence->sent_signal_count > 0
				? "it ended after another one (stop.signals)"
				: "it ended by itself");
	if (view->delivery_unproven)
		judgement_find(judgement, VERDICT_INCONCLUSIVE,
			"missing: whether code of PID 1 received the stop signal");
}

/* An accepted request that was answered, and not with what it was sent for. (503 is
 * being turned away, which is what a service on its way down is asked to do; but not
 * with work that it had begun.) */
static void judge_requests(struct judgement *judgement, const struct view *view)
{
	const char *line = expect_forbidden_line(view);

	if (line)
		judgement_find(
			judgement, VERDICT_DIRTY, "its log says \"%.160s\"", line);
	if (view->lost > 0)
		judgement_find(judgement, VERDICT_LOSS, "%u accepted request%s lost",
			view->lost, view->lost == 1 ? " was" : "s were");
	if (view->refused > 0)
		judgement_find(judgement, VERDICT_DIRTY,
			"%u request%s, sent before the stop signal, %s refused with 503",
			view->refused, view->refused == 1 ? "" : "s",
			view->refused == 1 ? "was" : "were");
	if (view->wrong > 0)
		judgement_find(judgement, VERDICT_DIRTY,
			"%u accepted request%s failed: %s", view->wrong,
			view->wrong == 1 ? "" : "s", view->first_wrong);
	if (view->evidence->load_command)
		judgement_find(judgement, VERDICT_DIRTY, "load.command %s",
			view->evidence->load_command);
	if (view->unproven > 0)
		judgement_find(judgement, VERDICT_INCONCLUSIVE,
			"missing: whether %u answer%s that ended with the connection %s whole "
			"(load.request.contains tells)",
			view->unproven, view->unproven == 1 ? "" : "s",
			view->unproven == 1 ? "is" : "are");
	if (view->turns.interrupted > 0)
		judgement_find(judgement, VERDICT_DIRTY,
			"interrupted: %u turn%s in flight", view->turns.interrupted,
			view->turns.interrupted == 1 ? "" : "s");
	if (view->turns.early > 0)
		judgement_find(judgement, VERDICT_DIRTY,
			"%u webhook%s answered without what the model said",
			view->turns.early, view->turns.early == 1 ? " was" : "s were");
}

/* A fast stop is not clean until every session is proven to have been released. */
static void judge_sessions(struct judgement *judgement, const struct view *view)
{
	const struct session_records *sessions = &view->sessions;
	unsigned open = sessions->count - sessions->done - sessions->unproven -
		sessions->left_open;
	unsigned opened = 0;

	for (unsigned i = 0; i < view->evidence->request_count; i++)
		opened += view->evidence->requests[i].kind == REQUEST_OPEN &&
			view->evidence->requests[i].end == REQUEST_ANSWERED;
	/* To a program without the mocks they are requests like others. */
	if (opened > 0 && scenario_is_ours(view->scenario) &&
		!scenario_has_mocks(view->scenario))
		judgement_find(judgement, VERDICT_INCONCLUSIVE,
			"missing: proof that its sessions were closed (no mock agent API)");
	else if (scenario_has_mocks(view->scenario) &&
		sessions->count < (sessions->clients > 0 ? 1 : opened))
		judgement_find(judgement, VERDICT_INCONCLUSIVE,
			"missing: %u sessions were opened, the agent API saw %u",
			opened, sessions->count);
	if (evidence_count(view->evidence, "agent.sessions.full") > 0)
		judgement_find(judgement, VERDICT_INCONCLUSIVE,
			"missing: the sessions of clients past the bound of the agent API");
	if (sessions->unproven > 0)
		judgement_find(judgement, VERDICT_INCONCLUSIVE,
			"missing: proof that %u kept session%s had closed %s stream before "
			"PID 1 ended",
			sessions->unproven, sessions->unproven == 1 ? "" : "s",
			sessions->unproven == 1 ? "its" : "their");
	/* Events past the bounds may have said that they were. */
	if (open > 0 && view->evidence->events_dropped == 0)
		judgement_find(judgement, VERDICT_DIRTY,
			"%u of %u sessions were not released", open, sessions->count);
}

static void judge_time(struct judgement *judgement, const struct view *view)
{
	const struct scenario *scenario = view->scenario;
	int64_t within_ns = scenario->expect.within_ns;

	if (view->too_late)
		return;
	if (view->stop_ns < 0)
		judgement_find(judgement, VERDICT_INCONCLUSIVE,
			"missing: the time of its %s",
			view->facts->signal_ns ? "end" : "stop signal");
	else if (within_ns && view->stop_ns > within_ns)
		judgement_find(judgement, VERDICT_SLOW, "%s, wanted within %s",
			CLOCK_TEXT(view->stop_ns), CLOCK_TEXT(within_ns));
	else if (scenario->stop.grace_ns > 0 &&
		judgement->margin_ns < scenario->stop.grace_ns / 5)
		judgement_find(judgement, VERDICT_SLOW,
			"%s: under a fifth of the grace is left",
			CLOCK_TEXT(view->stop_ns));
}

static void judge_leaks(struct judgement *judgement, const struct view *view)
{
	const struct leaks *leaks = &view->leaks;

	if (leaks->count > 0)
		judgement_find(judgement, VERDICT_LEAK, "%u process%s left behind",
			leaks->count, leaks->count == 1 ? " was" : "es were");
	if (leaks->unknown > 0)
		judgement_find(judgement, VERDICT_INCONCLUSIVE,
			"missing: whether %u process%s that ended with PID 1 %s left behind "
			"(its exit was not traced)",
			leaks->unknown, leaks->unknown == 1 ? "" : "es",
			leaks->unknown == 1 ? "was" : "were");
	if (!sees_leaks(view))
		judgement_find(judgement, VERDICT_INCONCLUSIVE,
			"missing: whether processes were left behind (its "
			"descendants were not seen)");
}

/* Requests of clients that are none of ours: the kernel's figures tell. */
static void judge_others(struct judgement *judgement, const struct view *view)
{
	const struct connections *others = &view->connections;
	const char *first = others->first_unknown;

	if (others->lost > 0)
		judgement_find(judgement, VERDICT_LOSS,
			"%u request%s under way at the signal %s lost", others->lost,
			others->lost == 1 ? "" : "s",
			others->lost == 1 ? "was" : "were");
	if (others->unknown > 0)
		judgement_find(judgement, VERDICT_INCONCLUSIVE,
			"missing: whether %u request%s under way at the signal, of %s that is "
			"not stopbench, %s answered%s%s%s",
			others->unknown, others->unknown == 1 ? "" : "s",
			others->unknown == 1 ? "a client" : "clients",
			others->unknown == 1 ? "was" : "were", first[0] ? " (" : "",
			first, first[0] ? ")" : "");
}

/* It was watched while it ran, and nobody stopped it. */
static void judge_own_end(struct judgement *judgement, const struct view *view)
{
	const struct stop_facts *facts = view->facts;

	if (view->killed)
		judgement_find(judgement, VERDICT_KILLED,
			"137: the engine's SIGKILL, without a stop signal before it");
	else if (!judge_137(judgement, view))
		judgement_find(judgement, VERDICT_CRASH,
			"it ended without a stop signal, exit code %d",
			facts->exit_code);
}

static void judge_stop(struct judgement *judgement, const struct view *view)
{
	const struct evidence *evidence = view->evidence;

	if (view->facts->stuck)
		judgement_find(judgement, VERDICT_ENGINE_STUCK, "%s",
			view->facts->runs_on
				? "the engine reports the end of PID 1, which still runs"
				: "the engine did not come back");
	judge_exit(judgement, view);
	if (view->ends.count > 0 && !view->killed)
		judgement_find(judgement, view->ends.verdict, "%s%s", view->ends.text,
			view->facts->exit_code == 0 ? ", and PID 1 exited with 0" : "");
	judge_sessions(judgement, view);
	judge_leaks(judgement, view);
	judge_requests(judgement, view);
	judge_others(judgement, view);
	judge_time(judgement, view);
	if (evidence->events_dropped || evidence->lifelines_dropped)
		judgement_find(judgement, VERDICT_INCONCLUSIVE,
			"missing: %llu events and %llu lifelines past the bounds of the ledger",
			(unsigned long long)evidence->events_dropped,
			(unsigned long long)evidence->lifelines_dropped);
	if (!judgement->reason[0])
		judgement_find(
			judgement, VERDICT_CLEAN, "%s", CLOCK_TEXT(view->stop_ns));
}

/* The case had no stop. */
static void judge_trouble(struct judgement *judgement, const struct evidence *evidence)
{
	judgement->could_run = evidence->trouble == TROUBLE_EXITED;
	judgement_find(judgement,
		judgement->could_run ? VERDICT_CRASH : VERDICT_INCONCLUSIVE, "%s",
		evidence->trouble_text);
}

void judge(struct judgement *judgement, const struct scenario *scenario,
	const struct evidence *evidence)
{
	struct view view;

	*judgement = (struct judgement){.could_run = true};
	view_open(&view, scenario, evidence);
	count(judgement, &view);
	if (evidence->trouble != TROUBLE_NONE)
		judge_trouble(judgement, evidence);
	else if (evidence->facts.no_stop)
		judge_own_end(judgement, &view);
	else
		judge_stop(judgement, &view);
	view.verdict = judgement->verdict;
	view.reason = judgement->reason;
	diagnose(judgement, &view);
	expect(judgement, &view);
	view_close(&view);
}
