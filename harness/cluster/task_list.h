/*
 * task_list - the tasks of a cluster as its orchestrator reports them again and again, and
 * when each changed. For the orchestrators of this folder.
 *
 * What was once known of a task stays known: an orchestrator forgets the port of a task
 * that has ended. A task never goes back from its end.
 */
#ifndef HARNESS_CLUSTER_TASK_LIST_H
#define HARNESS_CLUSTER_TASK_LIST_H

#include "harness/cluster/cluster.h"

/* What is reported of one task. All borrowed; NULL: it says nothing of that. */
struct task_sight {
	const char *id, *name, *node, *container, *address, *message;
	enum task_state state; /* TASK_GONE: it was removed */
	bool wanted, ready;
	/* It has ended, and nobody had asked it to: no stop, though it is not wanted now. */
	bool by_itself;
	bool lost;                             /* as of struct cluster_task */
	int exit_code;                         /* -1: not known */
	int64_t ended_wall_ns, ended_error_ns; /* as of struct cluster_task */
};

/* A list of all tasks: begin, see each, end; those that were not seen are gone. Where
 * changes of single tasks are reported, task_list_see() alone. `now_ns` is when the report
 * came. True: something changed. */
void task_list_begin(struct cluster *cluster);
bool task_list_see(
	struct cluster *cluster, const struct task_sight *sight, int64_t now_ns);
bool task_list_end(struct cluster *cluster, int64_t now_ns);

void task_list_done(struct cluster *cluster);

/* How many are wanted; of those, how many are ready; how many are not wanted and have
 * neither ended nor gone. */
struct task_counts {
	unsigned wanted, ready, ending;
};

struct task_counts task_list_count(const struct cluster *cluster);

#endif
