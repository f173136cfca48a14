/*
 * service_stop - the stop of a service that an orchestrator runs, by an order to it: scaled
 * to zero, or replaced task by task.
 *
 * Each task that ran when the order was given is followed to its end. A witness on its node
 * tells of it, or the orchestrator's API alone.
 */
#ifndef HARNESS_ROLLOUT_SERVICE_STOP_H
#define HARNESS_ROLLOUT_SERVICE_STOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "harness/rollout/task_stop.h"
#include "lib/err.h"

struct service_task {
	char *name, *node; /* node NULL: not known */
	unsigned index;    /* among the cluster's tasks */
	bool told;         /* a witness has told of its stop */
	int64_t unwanted_ns; /* the orchestrator was seen to want its end; 0: it was not */
	struct task_stop stop;
};

/* Stamps are CLOCK_MONOTONIC. */
struct service_stop {
	const char *orchestrator; /* "swarm"; static */
	cJSON *cluster;           /* its fingerprint */
	char *service;
	bool rolling;
	unsigned replicas;  /* before the order */
	int64_t grace_ns;   /* of the service; 0: not known */
	int64_t ordered_ns; /* the order was given, */
	int64_t settled_ns; /* and done; 0: it was not, in time */
	char *trouble;      /* why it was not; NULL: it was */
	struct service_task *tasks;
	unsigned count;
};

struct service_stop_options {
	uv_loop_t *loop;
	const char *
		orchestrator; /* "swarm", "kubernetes"; NULL: the first that is there */
	const char *service;
	bool rolling;                 /* replaced, not scaled to zero */
	const char *const *witnesses; /* as witnesses.h has them; NULL: none is named */
	const bool *interrupted;
};

/* Fills stop, which is zeroed before. False with err: no order was given. Turns the loop,
 * each task's grace and a minute at most. */
bool service_stop_run(struct service_stop *stop,
	const struct service_stop_options *options, struct err *err) MUST_CHECK;
void service_stop_done(struct service_stop *stop);

/* From the order, or, of a rolling one, from when the orchestrator turned to this task, to
 * the stop signal: its own time, and none of the service's; -1: not known. */
int64_t service_stop_before_ns(
	const struct service_stop *stop, const struct service_task *task);

#endif
