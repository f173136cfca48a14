/*
 * swarm_tasks - the tasks of a service, from the manager's answer into the task list.
 *
 * Swarm has no events of tasks: they are asked for again and again. A task that does not
 * run on a node that has died keeps its last state for a day; here it has ended.
 */
#ifndef HARNESS_CLUSTER_SWARM_SWARM_TASKS_H
#define HARNESS_CLUSTER_SWARM_SWARM_TASKS_H

#include "harness/cluster/cluster.h"

/* The manager's time of an end is when the agent of the node told it: 0.3 to 0.7 s after
 * the end on an idle machine, more on a busy one. */
#define SWARM_END_ERROR_NS (INT64_C(1) * 1000000000)

/* tasks: the answer of GET /tasks, all of the service; they came at now_ns. mesh_port: of
 * the service, or 0. Nodes are those of cluster. True: something changed. */
bool swarm_tasks_read(struct cluster *cluster, const cJSON *tasks, unsigned mesh_port,
	int64_t now_ns);

/* The port of a task's answer that its node has for it; 0: none yet. */
unsigned swarm_task_port(const cJSON *task);

#endif
