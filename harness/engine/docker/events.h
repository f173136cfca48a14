/*
 * docker_events - what a daemon reports of one container, as it happens.
 *
 * The stream begins with the container's creation, whenever it is opened. Times are
 * the daemon's wall clock, read from their digits: a double would lose the last three.
 */
#ifndef HARNESS_ENGINE_DOCKER_EVENTS_H
#define HARNESS_ENGINE_DOCKER_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "harness/engine/docker/api.h"
#include "lib/err.h"

struct docker_events;

struct docker_event {
	char action[24]; /* "kill", "die", "stop", "oom" */
	int signal;      /* of a kill; else 0 */
	int64_t wall_ns; /* since 1970, by the daemon's clock */
	int64_t seen_ns; /* CLOCK_MONOTONIC, when it arrived here */
};

/* From the loop: there is one more, or the stream has ended. */
typedef void docker_events_fn(void *arg);

/* Keeps api. */
struct docker_events *docker_events_open(struct docker_api *api, const char *container,
	docker_events_fn *changed, void *arg, struct err *err) MUST_CHECK;
void docker_events_close(struct docker_events *events); /* accepts NULL */

/* The first with this action (and this signal unless 0) that arrived at or after
 * since_ns; NULL when there is none. Borrowed until the next one arrives. */
const struct docker_event *docker_events_find(const struct docker_events *events,
	const char *action, int signal_number, int64_t since_ns);

/* Is the stream whole so far? NULL, or why it ended early. Borrowed. */
const char *docker_events_broken(const struct docker_events *events);

/* All of them in the daemon's own words: an array, the caller's. */
cJSON *docker_events_json(const struct docker_events *events) MUST_CHECK;

#endif
