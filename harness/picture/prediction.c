#include "harness/picture/prediction.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/faults/behavior.h"
#include "mock-mcp/behavior.h"

/* Both sides of the change. */
struct prediction {
	const struct view *view;
	const struct stop_steps *steps;
	const struct scenario *changed;
	struct agent_behavior before, after;
	bool parallel; /* all sessions at once, */
	bool was_parallel;
	bool no_turns; /* none is in flight any more */
};

/* --- what a change takes from one wait --- */

static int64_t earliest(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

static int64_t latest(int64_t one, int64_t other)
{
	return one > other ? one : other;
}

static void read_agent(struct agent_behavior *behavior, const struct scenario *scenario)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};
	const char *text = scenario->agent_json;
	struct err err;

	agent_behavior_preset(behavior);
	/* It has been read before: nothing can be wrong with it. */
	if (text && json_doc_parse(&doc, "agent", text, strlen(text), &err) &&
		!agent_behavior_read(behavior, &doc, doc.root, &err))
		agent_behavior_preset(behavior);
}

/* Of a fixed latency, the difference; of one that is drawn, all of it when it becomes 0.
 * `ns` is how long the wait was. */
static int64_t saved_ns(
	const struct latency *before, const struct latency *after, int64_t ns)
{
	int64_t longest_ns = latency_longest(after);

	if (before->kind == LATENCY_FIXED && after->kind == LATENCY_FIXED)
		return earliest(before->a_ns - after->a_ns, ns);
	return before->kind != LATENCY_FIXED && longest_ns == 0 ? ns : 0;
}

static int64_t number_of(const struct session_record *record)
{
	return strtoll(record->label, NULL, 10);
}

static enum phase ending_of(const struct prediction *prediction)
{
	const char *end = scenario_env(prediction->view->scenario, "SESSION_END");

	return end && strcmp(end, "delete") == 0 ? PHASE_DELETE : PHASE_ARCHIVE;
}

/* Of an API that ends one session after the other a session also waited for those before
 * it. */
static bool api_is_serial(const struct prediction *prediction)
{
	return prediction->before.all.concurrent_disconnects ==
		CONCURRENT_DISCONNECTS_SERIAL;
}

/* How long its release would have taken. */
static int64_t release_ns(
	const struct prediction *prediction, const struct session_record *record)
{
	const struct session_behavior *before =
		agent_behavior_for(&prediction->before, number_of(record));
	const struct session_behavior *after =
		agent_behavior_for(&prediction->after, number_of(record));
	enum phase ending = ending_of(prediction);
	int64_t ns = record->released_ns - record->begun_ns;
	int64_t saved = 0;

	if (!record->asked_ns || record->done_ns < record->asked_ns ||
		record->asked_ns < record->begun_ns)
		return ns;
	/* Without its turn it has nothing to interrupt. */
	if (prediction->no_turns && record->turn_begun_ns)
		saved = record->asked_ns - record->begun_ns;
	for (int phase = PHASE_INTERRUPT; phase <= PHASE_STATUS_LAG; phase++)
		saved += saved_ns(&before->phase[phase].latency,
			&after->phase[phase].latency,
			record->asked_ns - record->begun_ns - saved);
	if (saved_ns(&before->phase[ending].latency, &after->phase[ending].latency,
		    INT64_MAX) > 0)
		saved += api_is_serial(prediction)
			? record->done_ns - record->asked_ns
			: saved_ns(&before->phase[ending].latency,
				  &after->phase[ending].latency,
				  record->done_ns - record->asked_ns);
	return latest(ns - saved, 0);
}

/* A request that meets a fault is sent again, after a pause: how often, the latency does
 * not say. */
static bool depends_on_fault(
	const struct prediction *prediction, const struct session_record *record)
{
	const struct session_behavior *before =
		agent_behavior_for(&prediction->before, number_of(record));
	const struct session_behavior *after =
		agent_behavior_for(&prediction->after, number_of(record));
	const enum phase phases[] = {
		PHASE_INTERRUPT, PHASE_STATUS_LAG, ending_of(prediction)};

	for (size_t i = 0; i < COUNT(phases); i++) {
		const struct phase_behavior *phase = &before->phase[phases[i]];

		if (phase->fault != FAULT_NONE &&
			(prediction->no_turns ||
				saved_ns(&phase->latency,
					&after->phase[phases[i]].latency,
					INT64_MAX) > 0))
			return true;
	}
	return false;
}

/* "exit" at EOF, at once, where it was not. */
static bool exits_at_once(const char *text)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};
	struct mcp_behavior behavior = {0};
	struct err err;
	bool at_once;

	mcp_behavior_preset(&behavior);
	at_once = json_doc_parse(&doc, "mcp", text, strlen(text), &err) &&
		mcp_behavior_read(&behavior, &doc, doc.root, &err) &&
		behavior.on_eof.kind == REACTION_EXIT &&
		latency_longest(&behavior.on_eof.after) == 0;
	mcp_behavior_done(&behavior);
	return at_once;
}

static bool is_polite_now(
	const struct prediction *prediction, const struct process *process)
{
	const struct mcp_list *before = &prediction->view->scenario->mcp;
	const struct mcp_list *after = &prediction->changed->mcp;
	const char *name = process->lifeline ? process->lifeline->name : NULL;

	for (unsigned i = 0; name && i < before->count && i < after->count; i++) {
		if (strcmp(before->server[i].name, name) == 0)
			return !exits_at_once(before->server[i].json) &&
				exits_at_once(after->server[i].json);
	}
	return false;
}

/* --- a service that logs its phases --- */

static int64_t end_of(const struct session_record *record)
{
	return record->closed_ns ? record->closed_ns : record->released_ns;
}

/* From the beginning of its disconnect until its last server was reaped; 0: it has none. */
static int64_t servers_ns(const struct prediction *prediction,
	const struct session_record *record, bool changed)
{
	const struct processes *processes = &prediction->view->processes;
	int64_t last_ns = record->begun_ns;

	for (unsigned i = 1; i < processes->count; i++) {
		const struct process_steps *steps = &prediction->steps->of[i];
		int64_t reaped_ns = steps->reaped_ns;

		if (!steps->session || strcmp(steps->session, record->label) != 0 ||
			!reaped_ns)
			continue;
		if (changed && steps->eof_ns && steps->eof_ns < reaped_ns &&
			is_polite_now(prediction, &processes->list[i]))
			reaped_ns = steps->eof_ns +
				(steps->ended_ns > steps->eof_ns &&
							steps->ended_ns < reaped_ns
						? reaped_ns - steps->ended_ns
						: 0);
		last_ns = latest(last_ns, reaped_ns);
	}
	return last_ns - record->begun_ns;
}

/* From `start_ns`, when it could have begun, to its end. Its servers end beside its
 * release; what was behind both stays. */
static int64_t session_ns(const struct prediction *prediction,
	const struct session_record *record, int64_t start_ns)
{
	int64_t released_ns = record->released_ns - record->begun_ns;
	int64_t both_ns = latest(released_ns, servers_ns(prediction, record, false));
	int64_t tail_ns = end_of(record) - record->begun_ns - both_ns;
	int64_t lead_ns = record->begun_ns - start_ns;

	if (prediction->no_turns && record->turn_ended_ns > start_ns &&
		record->turn_ended_ns <= record->begun_ns)
		lead_ns = record->begun_ns - record->turn_ended_ns;
	return latest(lead_ns, 0) + latest(tail_ns, 0) +
		latest(release_ns(prediction, record),
			servers_ns(prediction, record, true));
}

static int in_order_of_end(const void *one, const void *other)
{
	const struct session_record *a = *(const struct session_record *const *)one;
	const struct session_record *b = *(const struct session_record *const *)other;

	return (end_of(a) > end_of(b)) - (end_of(a) < end_of(b));
}

/* How long the disconnect phase would have been, up to the end of the last session; that
 * is in *last_ns, and the sum or the latest of the sessions counts. 0 sessions: -1. */
static int64_t phase_ns(const struct prediction *prediction, int64_t *last_ns)
{
	const struct session_records *sessions = &prediction->view->sessions;
	int64_t begin_ns = prediction->steps->disconnect_ns;
	SCOPED(mem_free)
	const struct session_record **order =
		mem_zeroed((sessions->count + 1) * sizeof *order);
	int64_t sum_ns = 0, slowest_ns = 0, start_ns = begin_ns;
	unsigned count = 0;

	for (unsigned i = 0; i < sessions->count; i++) {
		const struct session_record *record = &sessions->records[i];

		if (record->begun_ns && end_of(record) > begin_ns)
			order[count++] = record;
	}
	qsort(order, count, sizeof *order, in_order_of_end);
	for (unsigned i = 0; i < count; i++) {
		int64_t ns = session_ns(prediction, order[i], start_ns);

		sum_ns += ns;
		slowest_ns = latest(slowest_ns, ns);
		if (!prediction->was_parallel)
			start_ns = end_of(order[i]);
	}
	*last_ns = count ? end_of(order[count - 1]) : begin_ns;
	return count == 0 ? -1 : prediction->parallel ? slowest_ns : sum_ns;
}

/* A turn that the drain waited for. */
static int64_t drain_saved_ns(const struct prediction *prediction)
{
	const struct session_records *sessions = &prediction->view->sessions;
	const struct stop_steps *steps = prediction->steps;
	int64_t last_ns = steps->begin_ns;

	for (unsigned i = 0; prediction->no_turns && i < sessions->count; i++) {
		int64_t ended_ns = sessions->records[i].turn_ended_ns;

		if (ended_ns <= steps->disconnect_ns)
			last_ns = latest(last_ns, ended_ns);
	}
	return last_ns - steps->begin_ns;
}

static int64_t of_service(const struct prediction *prediction)
{
	const struct session_records *sessions = &prediction->view->sessions;
	int64_t last_ns, ns;

	for (unsigned i = 0; i < sessions->count; i++) {
		if (depends_on_fault(prediction, &sessions->records[i]))
			return -1;
	}
	if (!prediction->steps->disconnect_ns)
		return -1;
	ns = phase_ns(prediction, &last_ns);
	return ns < 0 ? -1
		      : prediction->view->stop_ns -
			(last_ns - prediction->steps->disconnect_ns) + ns -
			drain_saved_ns(prediction);
}

/* --- a program that logs none --- */

/* Its servers end one beside the other: the next one bounds what the last one saves. */
static int64_t of_program(const struct prediction *prediction)
{
	const struct processes *processes = &prediction->view->processes;
	int64_t before_ns = prediction->steps->zero_ns, after_ns = before_ns;

	for (unsigned i = 1; i < processes->count; i++) {
		const struct process_steps *steps = &prediction->steps->of[i];
		int64_t ended_ns = steps->ended_ns;

		if (ended_ns <= 0 || ended_ns > prediction->steps->end_ns)
			continue;
		before_ns = latest(before_ns, ended_ns);
		if (steps->eof_ns && steps->eof_ns < ended_ns &&
			is_polite_now(prediction, &processes->list[i]))
			ended_ns = steps->eof_ns;
		after_ns = latest(after_ns, ended_ns);
	}
	return prediction->view->stop_ns - (before_ns - after_ns);
}

/* --- the whole --- */

static bool is_parallel(const char *disconnect)
{
	return !disconnect || strcmp(disconnect, "parallel") == 0;
}

static bool has_other_fault(
	const struct session_behavior *before, const struct session_behavior *after)
{
	for (int i = 0; i < PHASES; i++) {
		if (before->phase[i].fault != after->phase[i].fault)
			return true;
	}
	return false;
}

/* What comes of a fault is not in the evidence of a stop with it. */
static bool changes_fault(const struct prediction *prediction)
{
	const struct agent_behavior *before = &prediction->before;
	bool changes = has_other_fault(&before->all, &prediction->after.all);

	for (unsigned i = 0; i < before->rule_count; i++)
		changes = changes ||
			has_other_fault(&before->rules[i].behavior,
				agent_behavior_for(
					&prediction->after, before->rules[i].session));
	return changes;
}

static int64_t predict(const struct prediction *prediction)
{
	const struct view *view = prediction->view;
	int64_t kill_ns = view->facts->kill_ns;
	bool killed = view->killed || (kill_ns && kill_ns < prediction->steps->end_ns);
	bool init = !view->scenario->service.init && prediction->changed->service.init;

	if (view->stop_ns < 0)
		return -1;
	/* Behind an init the signal has its default action. */
	if (init && view->discarded && kill_ns)
		return view->stop_ns - (kill_ns - prediction->steps->zero_ns);
	if (init || killed || changes_fault(prediction) ||
		view->scenario->stop.grace_ns != prediction->changed->stop.grace_ns)
		return -1;
	return view->shutdown ? of_service(prediction) : of_program(prediction);
}

int64_t prediction_stop_ns(const struct view *view, const struct stop_steps *steps,
	const struct scenario *changed)
{
	struct prediction prediction = {
		.view = view,
		.steps = steps,
		.changed = changed,
		.was_parallel = is_parallel(view->disconnect),
		.no_turns = view->scenario->load.turns > 0 && changed->load.turns == 0,
	};
	int64_t ns;

	prediction.parallel = is_parallel(scenario_env(changed, "DISCONNECT"));
	read_agent(&prediction.before, view->scenario);
	read_agent(&prediction.after, changed);
	ns = predict(&prediction);
	agent_behavior_done(&prediction.before);
	agent_behavior_done(&prediction.after);
	return ns;
}
