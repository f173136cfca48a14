#include "harness/rollout/rollout.h"

#include <stdlib.h>
#include <string.h>

#include "lib/cc.h"

bool rollout_lost_task(const struct rollout *rollout, const struct rollout_task *task)
{
	return task->died_with_node &&
		!(task->node && rollout->killed_node &&
			strcmp(task->node, rollout->killed_node) == 0);
}

const struct task_stop *rollout_stop_of(
	const struct rollout *rollout, const struct rollout_task *task)
{
	for (unsigned i = 0; i < rollout->stop_count; i++) {
		const struct task_stop *stop = &rollout->stops[i];

		if (stop->task && strcmp(stop->task, task->id) == 0)
			return stop;
	}
	return NULL;
}

const struct rollout_task *rollout_task_of(
	const struct rollout *rollout, const struct traffic_record *request)
{
	const char *address = request->backend < rollout->backend_count
		? rollout->backends[request->backend]
		: NULL;
	const struct rollout_task *found = NULL;

	for (unsigned i = 0; address && i < rollout->task_count; i++) {
		const struct rollout_task *task = &rollout->tasks[i];

		if (task->address && strcmp(task->address, address) == 0 &&
			task->created_ns <= request->sent_ns &&
			(!found || task->created_ns > found->created_ns))
			found = task;
	}
	return found;
}

unsigned rollout_requests(const struct rollout *rollout, enum traffic_class class)
{
	unsigned count = 0;

	for (unsigned i = 0; i < rollout->request_count; i++)
		count += rollout->requests[i].class == class;
	return count;
}

unsigned rollout_failed(const struct rollout *rollout)
{
	unsigned count = 0;

	for (unsigned i = 0; i < rollout->request_count; i++)
		count += traffic_class_failed(
			(enum traffic_class)rollout->requests[i].class);
	return count;
}

void rollout_done(struct rollout *rollout)
{
	for (unsigned i = 0; i < rollout->node_count; i++) {
		free(rollout->nodes[i].name);
		free(rollout->nodes[i].trouble);
	}
	for (unsigned i = 0; i < rollout->step_count; i++)
		free(rollout->steps[i].what);
	for (unsigned i = 0; i < rollout->task_count; i++) {
		free(rollout->tasks[i].id);
		free(rollout->tasks[i].name);
		free(rollout->tasks[i].node);
		free(rollout->tasks[i].message);
		free(rollout->tasks[i].address);
	}
	for (unsigned i = 0; i < rollout->stop_count; i++)
		task_stop_done(&rollout->stops[i]);
	for (unsigned i = 0; i < TRAFFIC_CLASSES; i++)
		free(rollout->first_failed[i]);
	for (unsigned i = 0; i < rollout->backend_count; i++)
		free(rollout->backends[i]);
	free(rollout->backends);
	free(rollout->nodes);
	free(rollout->steps);
	free(rollout->tasks);
	free(rollout->stops);
	free(rollout->killed_node);
	free(rollout->gave_up);
	free(rollout->unobserved);
	free(rollout->requests);
	*rollout = (struct rollout){0};
}
