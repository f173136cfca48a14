/*
 * stop_part - "stop" of a scenario: when it comes, and how.
 */
#ifndef HARNESS_SCENARIO_STOP_PART_H
#define HARNESS_SCENARIO_STOP_PART_H

#include <stdint.h>

#include "lib/fields.h"

#define STOP_SIGNALS_MAX 8

struct stop_signal {
	char *signal;     /* "SIGINT" */
	int64_t after_ns; /* since the stop was asked for */
};

/* Sent to PID 1 after the stop signal, in any order. */
struct stop_signals {
	struct stop_signal step[STOP_SIGNALS_MAX];
	unsigned count;
};

struct stop_part {
	int64_t grace_ns;
	char *when; /* "sessions.ready", "exit", or an event's name (docs/events.md) */
	int64_t after_ns;  /* the stop comes so long after that moment */
	int64_t count;     /* of that event: this many */
	int64_t within_ns; /* how long `when` may take: 60s */
	struct stop_signals signals;
};

extern const struct field stop_fields[];

#endif
