/*
 * lanes - the picture of a stop: a lane for the engine's call, for each process, session
 * and request that was there when the signal came; what each was in from when to when,
 * what happened to it, and which of these led to which.
 *
 * Computed from the evidence alone. Times are ns from the stop signal, negative before
 * it. Texts may have words of the service in them.
 */
#ifndef HARNESS_PICTURE_LANES_H
#define HARNESS_PICTURE_LANES_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "harness/judge/view.h"
#include "harness/picture/stop_steps.h"

/* Of more lanes, those that were there longest are kept. */
#define LANES_MAX 500

enum lane_kind {
	LANE_ENGINE, /* the call that stops the service: always the first */
	LANE_PROCESS,
	LANE_SESSION, /* at the agent API */
	LANE_REQUEST,
	LANE_KINDS,
};

enum span_kind {
	SPAN_CALL, /* of the engine's lane */
	/* Of a process: there, and not asked to end; then what it was asked by. */
	SPAN_RUNS,
	SPAN_EOF,
	SPAN_SIGNAL,
	SPAN_HANDLER,
	SPAN_DISCARDED, /* a signal that it ignores, or that the kernel passed over */
	SPAN_KILL,
	/* Of PID 1, where the service logs them. */
	SPAN_DRAIN,
	SPAN_DISCONNECT_PHASE,
	SPAN_FLUSH,
	/* Of a session. */
	SPAN_OPEN,
	SPAN_TURN,
	SPAN_DISCONNECT,
	SPAN_CLOSING, /* released, and not yet closed */
	SPAN_REQUEST,
	SPAN_KINDS,
};

/* The names in the JSON, NULL-terminated, and what they are called in a legend. */
extern const char *const lane_kind_names[LANE_KINDS + 1];
extern const char *const span_kind_names[SPAN_KINDS + 1];
extern const char *const span_kind_texts[SPAN_KINDS];

struct lane_span {
	enum span_kind kind;
	int64_t from_ns, to_ns;
	bool open; /* its end was not seen: it was still so when PID 1 ended */
};

struct lane_mark {
	char *what; /* "SIGTERM", "handler of SIGTERM", "exit 0", "acknowledged" */
	int64_t at_ns;
};

struct lane {
	enum lane_kind kind;
	char *name;
	char *group; /* the session that it belongs to, or NULL */
	int64_t from_ns, to_ns;
	struct lane_span *spans;
	unsigned span_count;
	struct lane_mark *marks;
	unsigned mark_count;
};

enum flow_kind {
	FLOW_SIGNAL,     /* a signal, to its handler */
	FLOW_DISCONNECT, /* the request that ends a session, to its acknowledgement */
	FLOW_EOF,        /* the end of stdin, to the exit */
	FLOW_KINDS,
};

extern const char *const flow_kind_names[FLOW_KINDS + 1];

struct lane_flow {
	enum flow_kind kind;
	unsigned from, to; /* lanes */
	int64_t from_ns, to_ns;
};

struct lanes {
	struct lane *list; /* owned, with all below it */
	unsigned count;    /* 0: there was no stop */
	unsigned left_out; /* past LANES_MAX */
	struct lane_flow *flows;
	unsigned flow_count;
};

void lanes_find(
	struct lanes *lanes, const struct view *view, const struct stop_steps *steps);
void lanes_done(struct lanes *lanes);

/* {"lanes": [...], "flows": [...], "left_out": n}; the caller's. */
cJSON *lanes_json(const struct lanes *lanes) MUST_CHECK;

#endif
