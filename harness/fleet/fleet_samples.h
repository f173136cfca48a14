/*
 * fleet_samples - how long the spans of an update took, one after the other, where it was
 * measured: in results.json of rollouts, or of single stops.
 *
 * Of a rollout every update counts. What is a span of which task is found by the stamps of
 * the tasks, which the orchestrator names by their slot ("shop.2" is replaced by
 * "shop.2"). Of single stops there are two spans alone: the stop, and the start until the
 * service is ready.
 */
#ifndef HARNESS_FLEET_FLEET_SAMPLES_H
#define HARNESS_FLEET_FLEET_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

enum fleet_span {
	FLEET_BEGIN, /* from the order of the update to that of its first task */
	FLEET_WAIT,  /* the task is not wanted any more, and has not got the signal */
	FLEET_STOP,  /* from the stop signal to the end */
	FLEET_START, /* from the end of the old task to the new one's running; with
		      * start-first from the new one's order */
	FLEET_NEXT,  /* from there to the order of the next task */
	FLEET_END,   /* from the last task's running to the end of the update */
	FLEET_SPANS,
};

/* "begin", "wait", "stop", ...; NULL-terminated. */
extern const char *const fleet_span_names[FLEET_SPANS + 1];

/* In seconds. An empty list stands for a span of no time. Owned. */
struct fleet_samples {
	double *span[FLEET_SPANS];
	unsigned count[FLEET_SPANS];
	double *updates; /* the whole of each update */
	unsigned update_count;
	bool start_first; /* the updates were so */
	bool mixed;       /* some of them, and others not */
};

void fleet_samples_done(struct fleet_samples *samples);

void fleet_samples_add(struct fleet_samples *samples, enum fleet_span span, double s);

/* Adds what results, a results.json (results_file.h), has. Gives how many updates or
 * stops it has. */
unsigned fleet_samples_read(struct fleet_samples *samples, const cJSON *results);

#endif
