#include "harness/rollout/rollout_judge.h"

#include <stdio.h>
#include <string.h>

#include "harness/judge/expect.h"
#include "harness/judge/judge.h"
#include "harness/judge/view.h"
#include "harness/rollout/rollout_causes.h"
#include "lib/clock.h"
#include "lib/json.h"

static const struct rollout_task *task_of(
	const struct rollout *rollout, const struct task_stop *stop)
{
	for (unsigned i = 0; stop->task && i < rollout->task_count; i++) {
		if (strcmp(rollout->tasks[i].id, stop->task) == 0)
			return &rollout->tasks[i];
	}
	return NULL;
}

/* What happened with the end of its node was no stop. */
static bool counts(const struct rollout *rollout, const struct task_stop *stop)
{
	const struct rollout_task *task = task_of(rollout, stop);

	return task && !task->died_with_node;
}

static const struct task_stop *worst_stop(const struct rollout *rollout)
{
	const struct task_stop *worst = NULL;

	for (unsigned i = 0; i < rollout->stop_count; i++) {
		const struct task_stop *stop = &rollout->stops[i];

		if (counts(rollout, stop) && (!worst || stop->verdict > worst->verdict))
			worst = stop;
	}
	return worst;
}

static int64_t time_of(const struct task_stop *stop)
{
	return stop->signal_ns && stop->exit_ns ? stop->exit_ns - stop->signal_ns : -1;
}

static const struct task_stop *slowest_stop(const struct rollout *rollout)
{
	const struct task_stop *slowest = NULL;

	for (unsigned i = 0; i < rollout->stop_count; i++) {
		const struct task_stop *stop = &rollout->stops[i];

		if (counts(rollout, stop) &&
			(!slowest || time_of(stop) > time_of(slowest)))
			slowest = stop;
	}
	return slowest;
}

/* The death of a node stops nothing: what ran there died with it, and the rest goes on. */
static void judge_no_stop(struct judgement *judgement, const struct rollout *rollout)
{
	unsigned died = 0;

	for (unsigned i = 0; i < rollout->task_count; i++)
		died += rollout->tasks[i].died_with_node;
	if (died > 0 && rollout->killed_node)
		judgement_find(judgement, VERDICT_CLEAN,
			"%u task%s died with %s, none was stopped, no request failed",
			died, died == 1 ? "" : "s", rollout->killed_node);
	else
		judgement_find(judgement, VERDICT_INCONCLUSIVE,
			"missing: no task was stopped");
}

static void judge_stops(struct judgement *judgement, const struct rollout *rollout)
{
	const struct task_stop *worst = worst_stop(rollout);
	const struct rollout_task *task = worst ? task_of(rollout, worst) : NULL;
	unsigned stops = 0, like_worst = 0, by_api = 0;

	for (unsigned i = 0; i < rollout->stop_count; i++) {
		const struct task_stop *stop = &rollout->stops[i];

		if (!counts(rollout, stop))
			continue;
		stops++;
		like_worst += worst && stop->verdict == worst->verdict;
		by_api += stop->source == TASK_STOP_API;
	}
	if (!task) {
		judge_no_stop(judgement, rollout);
		return;
	}
	if (worst->verdict != VERDICT_CLEAN)
		judgement_find(judgement, worst->verdict,
			"%u of %u stops %s; %s on %s: %.200s", like_worst, stops,
			verdict_names[worst->verdict], task->name,
			task->node ? task->node : "no node", worst->reason);
	else if (by_api > 0)
		judgement_find(judgement, VERDICT_CLEAN,
			"%u stops, %u of them by the API alone, no request failed",
			stops, by_api);
	else
		judgement_find(
			judgement, VERDICT_CLEAN, "%u stops, no request failed", stops);
}

static void judge_requests(struct judgement *judgement, const struct rollout *rollout)
{
	unsigned failed = rollout_failed(rollout);
	const char *first = NULL;

	for (unsigned i = 0; i < TRAFFIC_CLASSES && !first; i++) {
		if (traffic_class_failed((enum traffic_class)i))
			first = rollout->first_failed[i];
	}
	if (failed > 0)
		judgement_find(judgement, VERDICT_LOSS,
			"%u of %u requests failed, such as: %.200s", failed,
			rollout->request_count, first ? first : "");
	if (rollout->requests_dropped > 0)
		judgement_find(judgement, VERDICT_INCONCLUSIVE,
			"missing: what became of %u requests past the bound",
			rollout->requests_dropped);
}

/* Nothing more is expected of its witness. */
static bool is_killed(const struct rollout *rollout, const char *node)
{
	return rollout->killed_node && strcmp(rollout->killed_node, node) == 0;
}

static void judge_orchestrator(
	struct judgement *judgement, const struct rollout *rollout)
{
	for (unsigned i = 0; i < rollout->step_count; i++) {
		if (!rollout->steps[i].settled_ns)
			judgement_find(judgement, VERDICT_ENGINE_STUCK,
				"the orchestrator was not done with the %s",
				rollout->steps[i].what);
	}
	for (unsigned i = 0; i < rollout->task_count; i++) {
		const struct rollout_task *task = &rollout->tasks[i];

		if (rollout_lost_task(rollout, task))
			judgement_find(judgement, VERDICT_INCONCLUSIVE,
				"missing: a stop of %s; its node %s went down",
				task->name, task->node ? task->node : "?");
		if (task->ended_ns && !task->running_ns && !task->unwanted_ns)
			judgement_find(judgement, VERDICT_DIRTY,
				"%s ended before it ran: %.200s", task->name,
				task->message ? task->message : "");
	}
	for (unsigned i = 0; i < rollout->node_count; i++) {
		if (rollout->nodes[i].trouble &&
			!is_killed(rollout, rollout->nodes[i].name))
			judgement_find(judgement, VERDICT_INCONCLUSIVE,
				"missing: what the witness of %s saw: %.200s",
				rollout->nodes[i].name, rollout->nodes[i].trouble);
	}
}

/* Those of the worst stop, with its task's name. */
static void take_diagnoses(struct judgement *judgement, const struct rollout *rollout)
{
	const struct task_stop *worst = worst_stop(rollout);
	const struct rollout_task *task = worst ? task_of(rollout, worst) : NULL;
	const cJSON *list = worst ? json_get(worst->report, "diagnoses") : NULL;
	const cJSON *item;

	if (!task || worst->verdict == VERDICT_CLEAN)
		return;
	cJSON_ArrayForEach(item, list) {
		const char *id = json_text(item, "id"), *text = json_text(item, "text");
		struct diagnosis *diagnosis =
			&judgement->diagnoses[judgement->diagnosis_count];

		if (!id || !text || judgement->diagnosis_count == DIAGNOSES / 2 ||
			diagnosis_find(id) == DIAGNOSIS_ANY)
			continue;
		diagnosis->id = diagnosis_find(id);
		snprintf(diagnosis->text, sizeof diagnosis->text, "%s: %s", task->name,
			text);
		judgement->diagnosis_count++;
	}
}

static int worst_exit_code(const struct rollout *rollout)
{
	int code = rollout->stop_count ? 0 : -1;

	for (unsigned i = 0; i < rollout->stop_count; i++) {
		const struct task_stop *stop = &rollout->stops[i];

		if (counts(rollout, stop) && stop->exit_code != 0 && code <= 0)
			code = stop->exit_code;
	}
	return code;
}

static void fill_facts(const struct scenario *scenario, const struct rollout *rollout,
	struct evidence *evidence, struct judgement *judgement)
{
	const struct task_stop *slowest = slowest_stop(rollout);
	struct stop_facts *facts = &evidence->facts;

	facts->exit_code = worst_exit_code(rollout);
	judgement->stop_ns = slowest ? time_of(slowest) : -1;
	judgement->margin_ns = scenario->stop.grace_ns - judgement->stop_ns;
	judgement->stop_error_ns = slowest ? slowest->error_ns : 0;
	judgement->engine_late_ns = judgement->call_ns = -1;
	judgement->sessions = judgement->disconnected = judgement->left_open = -1;
	judgement->orphans = judgement->lost = -1;
	judgement->failed = (int64_t)rollout_failed(rollout);
	judgement->turned_away =
		(int64_t)rollout_requests(rollout, TRAFFIC_TURNED_AWAY);
	if (!slowest || judgement->stop_ns < 0)
		return;
	facts->signal_ns = slowest->signal_ns;
	facts->exit_ns = slowest->exit_ns;
	facts->signal_source = facts->exit_source = STAMP_KERNEL;
}

void rollout_judge(struct judgement *judgement, const struct scenario *scenario,
	const struct rollout *rollout, struct evidence *evidence)
{
	if (evidence->trouble != TROUBLE_NONE) {
		judge(judgement, scenario, evidence);
		return;
	}
	*judgement = (struct judgement){.could_run = true};
	fill_facts(scenario, rollout, evidence, judgement);
	judge_stops(judgement, rollout);
	judge_requests(judgement, rollout);
	judge_orchestrator(judgement, rollout);
	take_diagnoses(judgement, rollout);
	rollout_causes(judgement, rollout);
	expect(judgement,
		&(struct view){
			.scenario = scenario,
			.evidence = evidence,
			.facts = &evidence->facts,
			.stop_ns = judgement->stop_ns,
		});
}
