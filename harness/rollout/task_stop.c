#include "harness/rollout/task_stop.h"

#include <stdlib.h>

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

struct task_stop task_stop_of_api(const struct cluster_task *task)
{
	return (struct task_stop){
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
}
