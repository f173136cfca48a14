/*
 * traffic_table - the requests of a rollout, counted by the phase in which they ended, by
 * class, and by whether they went over a new or a reused connection.
 *
 * Pure. Also what openshift/origin's disruption monitors tell of a server that is stopped:
 * how long after its stop signal it still got and answered requests.
 */
#ifndef HARNESS_ROLLOUT_TRAFFIC_TABLE_H
#define HARNESS_ROLLOUT_TRAFFIC_TABLE_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "harness/rollout/rollout.h"
#include "lib/cc.h"

/* Of the moment; of several that hold the last one. */
enum traffic_phase {
	TRAFFIC_BEFORE,   /* the first action */
	TRAFFIC_CHANGING, /* between its order and its end, and none of these: */
	TRAFFIC_DRAINING, /* a task is not wanted any more, and has got no signal */
	TRAFFIC_STOPPING, /* a task is between its stop signal and its end */
	TRAFFIC_AFTER,    /* the last action */
	TRAFFIC_PHASES,
};

/* "before", "changing", ...; NULL-terminated. */
extern const char *const traffic_phase_names[TRAFFIC_PHASES + 1];

enum traffic_connection {
	TRAFFIC_NEW,
	TRAFFIC_REUSED,
	TRAFFIC_CONNECTIONS,
};

struct traffic_table {
	unsigned count[TRAFFIC_PHASES][TRAFFIC_CLASSES][TRAFFIC_CONNECTIONS];
	unsigned repeated;      /* requests that a client sent again by itself */
	int64_t longest_gap_ns; /* in which no request was finished, from the first on */
	/* The longest time after a task's stop signal at which it finished a request that
	 * was sent after it; 0: there was none. */
	int64_t late_ns[TRAFFIC_CONNECTIONS];
};

void traffic_table_fill(struct traffic_table *table, const struct rollout *rollout);

/* For results.json; the caller's. */
cJSON *traffic_table_json(const struct rollout *rollout) MUST_CHECK;

#endif
