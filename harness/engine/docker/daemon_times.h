/*
 * daemon_times - fills in the facts of a stop from the daemon's events and inspection,
 * where the kernel's stamps are missing.
 *
 * The kill event comes a few ms after the signal and never before it: the signal lies
 * between the request and the event. FinishedAt is a few ms after the end of PID 1. Of
 * a daemon on another kernel only the difference of the two is used, since its clock is
 * not ours.
 */
#ifndef HARNESS_ENGINE_DOCKER_DAEMON_TIMES_H
#define HARNESS_ENGINE_DOCKER_DAEMON_TIMES_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "harness/engine/docker/events.h"
#include "harness/engine/facts.h"

struct daemon_times {
	const struct docker_events *events;
	const cJSON *state; /* "State" of the inspection; NULL: not known */
	bool our_clock;     /* the daemon's wall clock is ours */
	bool runs;          /* PID 1 still does, by its pidfd */
	bool complete;      /* the daemon sent no kill that is not among the events */
};

/* Called after proc_monitor_read(), whose stamps are kept. */
void daemon_times_apply(const struct daemon_times *times, struct stop_facts *facts);

#endif
