#include "harness/judge/view.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/scenario/redact.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

/* The second look begins 100 ms after the first began, and each takes a moment. */
#define SETTLED_NS (90 * CLOCK_MS)

/* Read from the raw wait status where that is known: exit(137) is no SIGKILL. */
static void view_death(struct view *view)
{
	const struct stop_facts *facts = view->facts;

	view->signalled = facts->wait_status_known && WIFSIGNALED(facts->wait_status);
	if (view->signalled)
		view->death_signal = WTERMSIG(facts->wait_status);
	view->killed = facts->kill_source != STAMP_NONE && facts->kill_by_engine &&
		(view->signalled
				? view->death_signal == SIGKILL
				: !facts->wait_status_known && facts->exit_code == 137);
}

bool view_is_refused(const struct view *view, const struct load_request *request)
{
	int64_t signal_ns = view->facts->signal_ns;

	return request->kind != REQUEST_IDLE && request->end == REQUEST_TURNED_AWAY &&
		signal_ns && request->sent_ns < signal_ns;
}

static void view_requests(struct view *view)
{
	for (unsigned i = 0; i < view->evidence->request_count; i++) {
		const struct load_request *request = &view->evidence->requests[i];

		if (request->kind == REQUEST_IDLE)
			continue;
		view->lost += request->end == REQUEST_BROKEN ||
			request->end == REQUEST_PENDING;
		view->refused += view_is_refused(view, request);
		view->turned_away += request->end == REQUEST_TURNED_AWAY &&
			!view_is_refused(view, request);
		view->unproven += request->end == REQUEST_UNPROVEN;
		if (request->end == REQUEST_WRONG && view->wrong++ == 0)
			view->first_wrong =
				request->why ? request->why : "wrong status";
	}
}

/* What it waits in can be read. Where it cannot, that may be signals. */
static bool wait_is_seen(const struct proc *proc)
{
	return proc->syscall >= 0 || proc->wchan[0] || proc->state == 'R';
}

static bool same_masks(const struct proc *one, const struct proc *other)
{
	return one->pid == other->pid && one->blocked == other->blocked &&
		one->ignored == other->ignored && one->caught == other->caught &&
		proc_awaits_signals(one) == proc_awaits_signals(other) &&
		wait_is_seen(one) == wait_is_seen(other);
}

/* How it looked before the signal, or later where it was not seen before. */
static const struct proc *seen(const struct process *process)
{
	return process->before ? process->before : process->last;
}

/* Its only child at the stop signal; NULL: it had none, or several. */
static const struct process *only_child(
	const struct view *view, const struct process *parent)
{
	const struct process *only = NULL;

	for (unsigned i = 1; i < view->processes.count; i++) {
		const struct process *process = &view->processes.list[i];

		if (process->parent != parent || !process->was_there || !seen(process))
			continue;
		if (only)
			return NULL;
		only = process;
	}
	return only;
}

static const struct process *first_child(
	const struct view *view, const struct process *parent)
{
	for (unsigned i = 1; i < view->processes.count; i++) {
		const struct process *process = &view->processes.list[i];

		if (process->parent == parent && process->was_there && seen(process))
			return process;
	}
	return NULL;
}

#define DEPTH_MAX 16

/* Inits are known by name, or by what they do: they wait for signals and have a child. */
static void view_program(struct view *view)
{
	const struct process *process = view->processes.list;
	bool init = view->init;

	if (!seen(process))
		return;
	for (unsigned depth = 0; process && depth < DEPTH_MAX &&
		(init || proc_is_init(seen(process)) ||
			(proc_awaits_signals(seen(process)) &&
				first_child(view, process)));
		depth++) {
		process = first_child(view, process);
		init = false;
	}
	view->program = process;
	view->main = process;
	for (unsigned depth = 0; process && depth < DEPTH_MAX; depth++) {
		const struct proc *proc = seen(process);

		view->main = process;
		process = (proc_awaits_child(proc) || proc_is_launcher(proc)) &&
				!proc_listens(proc)
			? only_child(view, process)
			: NULL;
	}
}

static void view_pid1(struct view *view)
{
	const struct snapshot *last = evidence_last_snapshot(view->evidence);

	if (!last)
		return;
	view->last = last;
	view->pid1 = &last->procs[0];
	view->init = view->init || proc_is_init(view->pid1);
}

/* PID 1's masks were the same for so long that the signal met them. */
static bool is_settled(const struct view *view)
{
	for (const struct snapshot *earlier = view->evidence->snapshots;
		earlier < view->last; earlier++) {
		if (view->last->ns - earlier->ns >= SETTLED_NS &&
			same_masks(&earlier->procs[0], view->pid1))
			return true;
	}
	return false;
}

/* The kernel discards a signal without a handler only for PID 1 of a namespace; it does
 * its default elsewhere. (An init waits for signals, whether that is seen or not.) */
static bool would_discard(const struct proc *pid1, int signal_number)
{
	bool pending = pid1->shared_pending >> (signal_number - 1) & 1;

	if (proc_receives(pid1, signal_number) || proc_is_init(pid1) || pending)
		return false;
	return proc_mask_has(pid1->ignored, signal_number) || pid1->ns_pid == 1;
}

/* Prefer the signal trace. Without it use PID 1's masks, but a process in sigwait has
 * empty masks and still receives the signal: if its wait cannot be read, conclude
 * "discarded" only if it also had to be killed. */
static void view_discarded(struct view *view)
{
	const struct stop_facts *facts = view->facts;
	bool settled, seen;
	enum signal_delivery delivery = evidence_delivery(view->evidence);

	if (view->too_late || delivery == DELIVERY_DELIVERED)
		return;
	if (delivery == DELIVERY_IGNORED) {
		view->discarded = true;
		return;
	}
	if (!facts->signal_ns || !view->pid1 ||
		(view->shutdown && view->evidence->own_service) ||
		!would_discard(view->pid1, facts->stop_signal))
		return;
	settled = is_settled(view);
	seen = wait_is_seen(view->pid1);
	view->discarded = settled && (seen || view->killed);
	view->delivery_unproven = !view->discarded && (settled || seen);
}

/* A daemon reports its signal also when PID 1 had ended: the order of the two counts.
 * Where their error bars overlap, a signal sent to a running PID 1 is taken to have
 * found it running. */
static bool came_too_late(const struct stop_facts *facts)
{
	int64_t error_ns = facts->signal_error_ns + facts->exit_error_ns;

	return facts->exited_before_stop ||
		(facts->exit_ns && facts->signal_ns &&
			facts->exit_ns + error_ns <= facts->signal_ns);
}

void view_open(struct view *view, const struct scenario *scenario,
	const struct evidence *evidence)
{
	const struct stop_facts *facts = &evidence->facts;
	const char *end = scenario_env(scenario, "SESSION_END");

	*view = (struct view){
		.scenario = scenario,
		.evidence = evidence,
		.facts = facts,
		.stop_ns = -1,
		.margin_ns = -1,
		.engine_late_ns = -1,
		.death = evidence_death(evidence),
		/* Before the stop was asked for, such a line means nothing. */
		.shutdown = evidence_find_event(
			evidence, EVENT_SERVICE, "shutdown.begin", facts->asked_ns),
		.completed = evidence_find_event(evidence, EVENT_SERVICE,
				     "shutdown.complete", facts->asked_ns) != NULL,
		.init = scenario->service.init,
	};
	view->too_late = came_too_late(facts);
	/* When a stop is shorter than its error bars, the end may be stamped first. */
	if (facts->signal_ns && facts->exit_ns && !view->too_late) {
		view->stop_ns = facts->exit_ns > facts->signal_ns
			? facts->exit_ns - facts->signal_ns
			: 0;
		view->margin_ns = scenario->stop.grace_ns - view->stop_ns;
	}
	if (facts->kill_ns && facts->signal_ns)
		view->engine_late_ns =
			facts->kill_ns - facts->signal_ns - scenario->stop.grace_ns;
	if (view->shutdown)
		view->disconnect = event_text(view->shutdown, "disconnect");
	view_death(view);
	view_requests(view);
	processes_find(&view->processes, evidence);
	view_pid1(view);
	view_program(view);
	view_discarded(view);
	for (unsigned i = 0; facts->signal_ns && i < evidence->log_count; i++)
		view->last_lines += evidence->log[i].ns > facts->signal_ns;
	session_records_find(&view->sessions, evidence,
		end && strcmp(end, "keep") == 0 && evidence->own_service);
	leaks_find(&view->leaks, evidence, &view->processes);
	if (facts->signal_ns && !view->too_late && !scenario_is_ours(scenario))
		ends_find(&view->ends, &view->processes, evidence, view->main,
			scenario_has_mocks(scenario));
	inflight_find(&view->turns, evidence, &view->sessions);
	/* (Those of a scenario's load are known.) */
	if (evidence->request_count == 0 && !scenario_is_ours(scenario) &&
		!scenario_has_mocks(scenario) && !view->too_late)
		connections_find(&view->connections, evidence);
}

bool view_is_told(const struct view *view)
{
	return view->shutdown ||
		(!view->evidence->own_service && !view->discarded &&
			!view->delivery_unproven);
}

/* Behind such a line a runtime prints its version, or where it happened. */
static bool speaks_of_error(const char *line)
{
	static const char *const words[] = {"error", "fatal", "exception", "panic",
		"fail", "cannot", "could not", "unable"};

	for (size_t i = 0; i < COUNT(words); i++) {
		if (strcasestr(line, words[i]))
			return true;
	}
	return false;
}

void view_add_last_line(const struct view *view, struct buf *text)
{
	const struct evidence *evidence = view->evidence;
	const char *last = NULL, *error = NULL;
	SCOPED(mem_free) char *line = NULL;

	for (unsigned i = evidence->log_count; view->last_lines > 0 && i-- > 0;) {
		const char *logged = evidence->log[i].text;

		if (evidence->log[i].ns <= view->facts->signal_ns)
			break;
		if (!last && logged[strspn(logged, " \t\r")])
			last = logged;
		if (!error && speaks_of_error(logged))
			error = logged;
	}
	if (!last)
		return;
	line = redact(view->scenario, error ? error : last);
	buf_addf(text, "; its last line%s: \"%.120s\"",
		error && error != last ? " that speaks of an error" : "", line);
}

void view_close(struct view *view)
{
	session_records_done(&view->sessions);
	leaks_done(&view->leaks);
	processes_done(&view->processes);
}
