#include "harness/results/round_rollout.h"

#include "harness/rollout/traffic_table.h"
#include "harness/scenario/redact.h"
#include "lib/json.h"
#include "lib/json_fill.h"

static void add_known(cJSON *json, const char *key, bool known, int64_t value)
{
	if (known)
		json_add_int(json, key, value);
	else
		cJSON_AddNullToObject(json, key);
}

static void add_nodes(cJSON *json, const struct rollout *rollout)
{
	cJSON *list = cJSON_AddArrayToObject(json, "nodes");

	for (unsigned i = 0; i < rollout->node_count; i++) {
		const struct rollout_node *node = &rollout->nodes[i];
		cJSON *item = cJSON_CreateObject();

		json_add_text(item, "name", node->name);
		cJSON_AddBoolToObject(item, "witnessed", node->witnessed);
		json_add_text(item, "trouble", node->trouble);
		cJSON_AddItemToArray(list, item);
	}
}

static void add_steps(cJSON *json, const struct rollout *rollout)
{
	cJSON *list = cJSON_AddArrayToObject(json, "steps");

	for (unsigned i = 0; i < rollout->step_count; i++) {
		const struct rollout_step *step = &rollout->steps[i];
		cJSON *item = cJSON_CreateObject();

		json_add_text(item, "what", step->what);
		json_add_int(
			item, "asked_ns", step->asked_ns - rollout->steps[0].asked_ns);
		add_known(item, "took_ns", step->settled_ns,
			step->settled_ns - step->asked_ns);
		cJSON_AddItemToArray(list, item);
	}
}

static void add_diagnoses(cJSON *json, const struct task_stop *stop)
{
	const cJSON *given = stop ? json_get(stop->report, "diagnoses") : NULL;
	cJSON *list = cJSON_AddArrayToObject(json, "diagnoses");
	const cJSON *item;

	cJSON_ArrayForEach(item, given) {
		const char *id = json_text(item, "id"), *text = json_text(item, "text");

		if (id && text)
			cJSON_AddItemToArray(list,
				json_fill(NULL, "{'id': %s, 'text': %s}", id, text));
	}
}

/* Stamps are told from the first action. */
static cJSON *task_json(const struct rollout *rollout, const struct rollout_task *task)
{
	const struct task_stop *stop = rollout_stop_of(rollout, task);
	int64_t zero_ns = rollout->step_count ? rollout->steps[0].asked_ns : 0;
	bool timed = stop && stop->signal_ns && stop->exit_ns;
	cJSON *json = cJSON_CreateObject();

	json_add_text(json, "name", task->name);
	json_add_text(json, "node", task->node);
	json_add_text(
		json, "seen_by", stop ? task_stop_source_names[stop->source] : NULL);
	json_add_text(json, "verdict",
		stop && !task->died_with_node ? verdict_names[stop->verdict] : NULL);
	json_add_text(json, "reason", stop ? stop->reason : task->message);
	add_known(json, "exit_code", stop && stop->exit_code >= 0,
		stop ? stop->exit_code : 0);
	add_known(json, "stop_ns", timed, timed ? stop->exit_ns - stop->signal_ns : 0);
	add_known(json, "before_signal_ns",
		timed && task->unwanted_ns && stop->signal_ns >= task->unwanted_ns,
		timed ? stop->signal_ns - task->unwanted_ns : 0);
	add_known(json, "created_ns", task->created_ns, task->created_ns - zero_ns);
	add_known(json, "unwanted_ns", task->unwanted_ns, task->unwanted_ns - zero_ns);
	add_known(json, "running_ns", task->running_ns, task->running_ns - zero_ns);
	add_known(json, "ended_ns", task->ended_ns, task->ended_ns - zero_ns);
	cJSON_AddBoolToObject(json, "died_with_node", task->died_with_node);
	add_diagnoses(json, stop);
	return json;
}

void round_add_rollout(
	cJSON *json, const struct scenario *scenario, const struct rollout *rollout)
{
	cJSON *object = cJSON_AddObjectToObject(json, "rollout");
	cJSON *tasks;

	json_add_int(object, "failed", rollout_failed(rollout));
	add_nodes(object, rollout);
	add_steps(object, rollout);
	tasks = cJSON_AddArrayToObject(object, "tasks");
	for (unsigned i = 0; i < rollout->task_count; i++)
		cJSON_AddItemToArray(tasks, task_json(rollout, &rollout->tasks[i]));
	cJSON_AddItemToObject(object, "traffic", traffic_table_json(rollout));
	redact_json(scenario, object);
}
