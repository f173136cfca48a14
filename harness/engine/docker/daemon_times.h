/*
 * daemon_times - what the daemon says of a stop, put into the facts where the kernel was
 * not seen to say it.
 *
 * The daemon's kill event comes a few ms after the signal, and never before: the signal
 * lies between the request and the event. Its FinishedAt is a few ms behind the end of
 * PID 1. From a daemon on another kernel only the difference of those two is used: its
 * clock is not ours.
 */
#ifndef HARNESS_ENGINE_DOCKER_DAEMON_TIMES_H
#define HARNESS_ENGINE_DOCKER_DAEMON_TIMES_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "harness/engine/docker/events.h"
#include "harness/engine/facts.h"

struct daemon_times {
	const struct docker_events *events;
	const cJSON *state; /* "State" of its inspection, NULL: not known */
	bool our_clock;     /* the daemon's wall clock is ours */
	bool complete;      /* a kill that is not among the events did not happen */
};

/* After the eye has told what it saw. */
void daemon_times_tell(const struct daemon_times *testimony, struct stop_facts *facts);

#endif
