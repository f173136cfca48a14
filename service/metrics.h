/*
 * metrics - counters from the start to the stop, and their Prometheus text.
 *
 * The code that does a thing counts it here, with the words for what it counts; a
 * zeroed struct is a valid one.
 */
#ifndef SERVICE_METRICS_H
#define SERVICE_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "service/mcp_step.h"

#define METRICS_STATUS_MAX 600

/* The state of a session when a turn came. */
enum session_path {
	SESSION_PATH_COLD,
	SESSION_PATH_WARM,
	SESSION_PATH_HOT,
};
#define SESSION_PATHS (SESSION_PATH_HOT + 1)

enum turn_end {
	TURN_ANSWERED,
	TURN_INTERRUPTED, /* its session closes */
	TURN_FAILED,
	TURN_TIMED_OUT,
};
#define TURN_ENDS (TURN_TIMED_OUT + 1)

extern const char *const session_path_names[SESSION_PATHS];
extern const char *const turn_end_names[TURN_ENDS];

/* One stop of the service, from the signal to the flush of the store. */
struct stop_stats {
	/* Saved at the start, and alone: when the next start finds it, this process was
	 * killed before its stop was complete. */
	bool unfinished;
	int64_t took_ns;
	int64_t sessions;
	int64_t failed;          /* sessions whose release failed */
	int64_t killed;          /* MCP servers and CLIs that only SIGKILL ended */
	int64_t eof, term, kill; /* steps down the ladder of all of them */
};

struct metrics {
	uint64_t requests[METRICS_STATUS_MAX]; /* answered, by HTTP status */
	uint64_t sessions[SESSION_PATHS]; /* cold and warm: opened; hot: used again */
	uint64_t turns[TURN_ENDS];
	int64_t turns_ns; /* the sum of all turns */
	uint64_t evictions, idle_closes;
	uint64_t disconnects, disconnect_failures;
	uint64_t mcp_starts, mcp_failures;
	uint64_t mcp_kills;            /* those that only SIGKILL ended */
	uint64_t mcp_steps[MCP_STEPS]; /* by the step that was entered */
	uint64_t cli_starts;
	uint64_t cli_kills;            /* those that only SIGKILL ended */
	uint64_t cli_steps[MCP_STEPS]; /* likewise: a CLI goes down the same ladder */
	uint64_t orphans;
	bool has_last_stop;
	struct stop_stats last_stop; /* of the process before this one */
};

/* Values of this moment. */
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
