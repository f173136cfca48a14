#include "harness/judge/view.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/clock.h"
#include "lib/json.h"

#define SETTLED_NS (100 * CLOCK_MS)

/* Read from the raw wait status where that is known: exit(137) is no SIGKILL. */
static void view_death(struct view *view)
{
	const struct stop_facts *facts = view->facts;

	view->signalled = facts->wait_status_known && WIFSIGNALED(facts->wait_status);
	if (view->signalled)
		view->death_signal = WTERMSIG(facts->wait_status);
	view->killed = facts->kill_witness != WITNESS_NONE && facts->kill_by_engine &&
		(view->signalled
				? view->death_signal == SIGKILL
				: !facts->wait_status_known && facts->exit_code == 137);
}

static void view_requests(struct view *view)
{
	for (unsigned i = 0; i < view->evidence->request_count; i++) {
		const struct request *request = &view->evidence->requests[i];

		if (request->kind == REQUEST_IDLE)
			continue;
		view->lost += request->end == REQUEST_BROKEN ||
			request->end == REQUEST_PENDING;
		view->turned_away += request->end == REQUEST_TURNED_AWAY;
		if (request->end == REQUEST_WRONG && view->wrong++ == 0)
			view->first_wrong =
				request->why ? request->why : "wrong status";
	}
}

static bool same_masks(const struct proc *one, const struct proc *other)
{
	return one->pid == other->pid && one->blocked == other->blocked &&
		one->ignored == other->ignored && one->caught == other->caught;
}

static void view_pid1(struct view *view)
{
	const struct evidence *evidence = view->evidence;
	const struct snapshot *last = evidence_last_snapshot(evidence);

	if (!last)
		return;
	view->last = last;
	view->pid1 = &last->procs[0];
	for (const struct snapshot *earlier = evidence->snapshots; earlier < last;
		earlier++) {
		if (last->ns - earlier->ns >= SETTLED_NS &&
			same_masks(&earlier->procs[0], view->pid1))
			view->pid1_settled = true;
	}
}

/* A daemon reports its signal also where nobody was left to hear it: what counts is
 * which came first. Where the error bars of the two overlap their order says nothing,
 * and a signal that was sent to one that ran is taken to have found it running. */
static bool came_too_late(const struct stop_facts *facts)
{
	int64_t error_ns = facts->signal_error_ns + facts->exit_error_ns;

	return facts->exited_before_stop ||
		(facts->exit_ns && facts->signal_ns &&
			facts->exit_ns + error_ns <= facts->signal_ns);
}

/* Of a stop that is shorter than its error bars the end may be stamped first. */
static int64_t stop_time(const struct stop_facts *facts)
{
	int64_t ns = facts->exit_ns - facts->signal_ns;

	return ns > 0 ? ns : 0;
}

void view_open(struct view *view, const struct scenario *scenario,
	const struct evidence *evidence)
{
	const struct stop_facts *facts = &evidence->facts;

	*view = (struct view){
		.scenario = scenario,
		.evidence = evidence,
		.facts = facts,
		.stop_ns = -1,
		.shutdown = evidence_service_event(evidence, "shutdown.begin"),
		.completed =
			evidence_service_event(evidence, "shutdown.complete") != NULL,
	};
	view->too_late = came_too_late(facts);
	if (facts->signal_ns && facts->exit_ns && !view->too_late)
		view->stop_ns = stop_time(facts);
	if (view->shutdown)
		view->disconnect = json_text(view->shutdown->json, "disconnect");
	view_death(view);
	view_requests(view);
	view_pid1(view);
	sessions_tell(&view->sessions, evidence);
	remains_find(&view->remains, evidence);
}

void view_close(struct view *view)
{
	sessions_done(&view->sessions);
	remains_done(&view->remains);
}
