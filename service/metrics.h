/*
 * metrics - what is counted from start to stop, and its Prometheus text.
 *
 * Whoever does a thing counts it here; a zeroed struct is a valid one.
 */
#ifndef SERVICE_METRICS_H
#define SERVICE_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/child.h"
#include "service/session.h"
#include "service/store.h"
#include "service/turn_queue.h"

#define METRICS_STATUS_MAX 600

struct metrics {
	uint64_t requests[METRICS_STATUS_MAX]; /* answered, by HTTP status */
	uint64_t sessions[SESSION_PATHS]; /* cold and warm: opened; hot: used again */
	uint64_t turns[TURN_ENDS];
	int64_t turns_ns; /* all of them together */
	uint64_t evictions, idle_closes;
	uint64_t disconnects, disconnect_failures;
	uint64_t mcp_starts, mcp_failures;
	uint64_t mcp_kills;                 /* those that only SIGKILL ended */
	uint64_t mcp_steps[CHILD_KILL + 1]; /* by the rung that was entered */
	uint64_t orphans;
	bool has_last_stop;
	struct store_stop last_stop; /* of the process before this one */
};

/* What is not counted but is so now. */
struct metrics_now {
	unsigned sessions;
	unsigned turns; /* running and waiting */
	unsigned requests;
	unsigned connections;
	int64_t up_ns;
};

void metrics_request(struct metrics *metrics, unsigned status);

void metrics_write(
	const struct metrics *metrics, const struct metrics_now *now, struct buf *text);

#endif
