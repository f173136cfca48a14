/*
 * docker_events - the daemon's stream of events of one container.
 *
 * Times are the daemon's wall
 * clock, read from the digits, since a double would lose the last three.
 */
#ifndef HARNESS_ENGINE_DOCKER_EVENTS_H
#define HARNESS_ENGINE_DOCKER_EVENTS_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "harness/engine/docker/api.h"
#include "lib/err.h"

struct docker_events;

struct docker_event {
	char action[24]; /* "kill", "die", "stop", "oom" */
	int signal;      /* of a kill; else 0 */
	int exit_code;   /* of a die; else -1 */
	int64_t wall_ns; /* since 1970, by the daemon's clock */
	int64_t seen_ns; /* CLOCK_MONOTONIC, when it arrived here */
};

/* Called from the loop: an event has arrived, or the stream has ended. */
typedef void docker_events_fn(void *arg);

/* Keeps api. The stream begins at since_ns of the daemon's wall clock; 0: with the
 * container's creation. */
struct docker_events *docker_events_open(struct docker_api *api, const char *container,
	int64_t since_ns, docker_events_fn *changed, void *arg,
	struct err *err) MUST_CHECK;
void docker_events_close(struct docker_events *events); /* accepts NULL */

/* The first event with this action (and this signal unless 0) that arrived at or after
 * since_ns; NULL: none. Borrowed until the next event arrives. */
const struct docker_event *docker_events_find(const struct docker_events *events,
	const char *action, int signal_number, int64_t since_ns);

/* Lets go of those that arrived before this. */
void docker_events_trim(struct docker_events *events, int64_t before_ns);

/* NULL while the stream is open; else why it ended. Borrowed. */
const char *docker_events_broken(const struct docker_events *events);

/* All events as the daemon sent them: an array, the caller's. */
cJSON *docker_events_json(const struct docker_events *events) MUST_CHECK;

#endif
