/*
 * rollout - all that was observed of one rollout, without conclusions: the tasks, their
 * stops, the requests, and when the orchestrator was done.
 *
 * rollout_run() fills it, rollout_judge() reads it. Stamps are CLOCK_MONOTONIC ns of the
 * harness; 0 is "did not happen". All owned, freed by rollout_done().
 */
#ifndef HARNESS_ROLLOUT_ROLLOUT_H
#define HARNESS_ROLLOUT_ROLLOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/rollout/task_stop.h"
#include "harness/rollout/traffic.h"

/* One action: asked for, and done. */
struct rollout_step {
	char *what; /* "update", "drain n2" */
	int64_t asked_ns;
	int64_t settled_ns; /* 0: not within its bound */
};

/* A task, as the orchestrator reported it. Stamps are those of cluster.h. */
struct rollout_task {
	char *id, *name;
	char *node;    /* NULL: none */
	char *message; /* NULL: none */
	char *address; /* "10.99.2.2:30001", as the balancer had it; NULL: none */
	int64_t created_ns, running_ns, unwanted_ns, ended_ns;
	bool died_with_node; /* by "node-death" or by itself: that was no stop */
};

struct rollout_node {
	char *name;
	bool witnessed; /* the kernel of the node was watched */
	char *trouble;  /* why the witness was lost; NULL: it was not */
};

struct rollout {
	struct rollout_node *nodes;
	unsigned node_count;
	struct rollout_step *steps;
	unsigned step_count;
	struct rollout_task *tasks;
	unsigned task_count;
	struct task_stop *stops;
	unsigned stop_count;
	char *killed_node; /* by "node-death"; NULL: none */
	char *gave_up; /* the orchestrator's words for an action that it gave up; NULL */
	char *unobserved; /* why the orchestrator could not be watched; NULL: it was */

	struct traffic_record *requests; /* in the order in which they ended */
	unsigned request_count, requests_dropped;
	char *first_failed[TRAFFIC_CLASSES]; /* in words; NULL: none */
	char **backends; /* addresses, by the records' `backend`; [0] is NULL */
	unsigned backend_count;
	int64_t traffic_ns; /* it began, */
	int64_t held_ns;    /* and no request was sent any more */
};

void rollout_done(struct rollout *rollout);

/* Did this task end with a node that nobody had been asked to end? */
bool rollout_lost_task(const struct rollout *rollout, const struct rollout_task *task);

/* The stop of a task; NULL: none was seen. Borrowed. */
const struct task_stop *rollout_stop_of(
	const struct rollout *rollout, const struct rollout_task *task);

/* The task that answered a request, or should have: the one that had the address of its
 * backend last (an address is used again); NULL: not known. Borrowed. */
const struct rollout_task *rollout_task_of(
	const struct rollout *rollout, const struct traffic_record *request);

/* Requests of this class. */
unsigned rollout_requests(const struct rollout *rollout, enum traffic_class class);
/* Requests that failed (traffic_class_failed). */
unsigned rollout_failed(const struct rollout *rollout);

#endif
