#include "harness/rollout/task_stop.h"

#include <stdlib.h>

#include "harness/scenario/diagnosis_id.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

const char *const task_stop_source_names[] = {"api", "witness", NULL};

void task_stop_done(struct task_stop *stop)
{
	free(stop->task);
	free(stop->node);
	free(stop->container);
	free(stop->reason);
	cJSON_Delete(stop->report);
	*stop = (struct task_stop){0};
}

/* 137 may be the end of the grace, the out-of-memory killer or anybody's SIGKILL. */
static enum verdict verdict_of(int exit_code)
{
	return exit_code == 0                       ? VERDICT_CLEAN
		: exit_code < 0 || exit_code == 137 ? VERDICT_INCONCLUSIVE
						    : VERDICT_DIRTY;
}

static char *reason_of(const struct cluster_task *task)
{
	const char *said = task->message ? task->message : "";

	if (task->exit_code == 0)
		return mem_text("exit code 0, by the API alone");
	if (task->exit_code < 0)
		return mem_textf(
			"missing: the exit code%s%s", said[0] ? "; " : "", said);
	if (task->exit_code == 137)
		return mem_textf(
			"137, missing: a witness on %s that saw who sent SIGKILL",
			task->node ? task->node : "its node");
	return mem_textf("exit code %d", task->exit_code);
}

static void replace_diagnoses(struct task_stop *stop, const char *text)
{
	cJSON *diagnosis = json_fill(NULL, "{'id': %s, 'text': %s, 'cure': %s}",
		diagnosis_ids[DIAGNOSIS_U8], text, diagnosis_cure(DIAGNOSIS_U8));
	cJSON *list = cJSON_CreateArray();

	if (!stop->report)
		stop->report = cJSON_CreateObject();
	cJSON_AddItemToArray(list, diagnosis);
	cJSON_DeleteItemFromObjectCaseSensitive(stop->report, "diagnoses");
	cJSON_AddItemToObject(stop->report, "diagnoses", list);
}

bool task_stop_lose_node(struct task_stop *stop, const struct cluster_task *task)
{
	const char *node = task->node ? task->node : "its node";
	SCOPED(mem_free) char *text = NULL;

	if (!task->lost ||
		(stop->source == TASK_STOP_WITNESS &&
			stop->verdict != VERDICT_SELF_KILLED))
		return false;
	text = stop->source == TASK_STOP_WITNESS
		? mem_textf("%s went down, and the task with it: %s", node,
			  stop->reason ? stop->reason : "")
		: mem_textf("%s went down before it reported the end of the task", node);
	stop->verdict = VERDICT_INCONCLUSIVE;
	free(stop->reason);
	stop->reason = mem_textf("missing: a stop; %s went down", node);
	replace_diagnoses(stop, text);
	return true;
}

struct task_stop task_stop_of_api(const struct cluster_task *task)
{
	struct task_stop stop = {
		.task = mem_text(task->id),
		.node = mem_text(task->node),
		.container = mem_text(task->container),
		.source = TASK_STOP_API,
		/* It was not stopped: nobody had asked for it. */
		.verdict =
			task->unwanted_ns ? verdict_of(task->exit_code) : VERDICT_CRASH,
		.reason = task->unwanted_ns
			? reason_of(task)
			: mem_textf("it ended without a stop, exit code %d",
				  task->exit_code),
		.exit_code = task->exit_code,
	};

	task_stop_lose_node(&stop, task);
	return stop;
}
