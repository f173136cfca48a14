/*
 * task_stop - the stop of one task, as a witness on its node told it, or as the
 * orchestrator's API did.
 */
#ifndef HARNESS_ROLLOUT_TASK_STOP_H
#define HARNESS_ROLLOUT_TASK_STOP_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "harness/cluster/cluster.h"
#include "harness/scenario/verdict.h"

enum task_stop_source {
	TASK_STOP_API,     /* exit code and times of the orchestrator alone */
	TASK_STOP_WITNESS, /* the kernel of its node: signals, raw wait status, children */
};

struct task_stop {
	char *task, *node, *container; /* ids and name; NULL: not known */
	enum task_stop_source source;
	enum verdict verdict;
	char *reason;
	int exit_code; /* -1: not known */
	/* CLOCK_MONOTONIC of the harness; 0: not known. A witness on another kernel has
	 * another clock: its stamps are moved by the offset that was measured, to
	 * +- error_ns. */
	int64_t signal_ns, exit_ns, error_ns;
	cJSON *report; /* the witness's whole report (stop_report.h); NULL of TASK_STOP_API */
};

void task_stop_done(struct task_stop *stop);

/* The stop of a task whose node went down, as a witness saw it until then or as the API has
 * it, becomes inconclusive with U8: a SIGKILL with the node is nobody's stop. What the
 * kernel proved before that stays: false, and nothing is changed. */
bool task_stop_lose_node(struct task_stop *stop, const struct cluster_task *task);

/* Of a task that has ended and that no witness saw: what its exit code and the words of the
 * orchestrator prove, task_stop_lose_node() included. Its signal is not known, and what
 * it left is not seen. */
struct task_stop task_stop_of_api(const struct cluster_task *task);

/* "api", "witness"; NULL-terminated. */
extern const char *const task_stop_source_names[];

#endif
