/*
 * agent_release - how a session is let go: the API's contract, step by step.
 *
 * A running session is interrupted. When it is idle it is archived or deleted, or just
 * left, to be resumed later. Both are refused while the stored status says "running",
 * which it does for a while after the idle event: then they are asked for again.
 */
#ifndef SERVICE_AGENT_AGENT_RELEASE_H
#define SERVICE_AGENT_AGENT_RELEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "service/agent/agent_client.h"
#include "service/agent/agent_http.h"

struct agent_release;

/* What is known of the session when parting begins. */
enum agent_release_from {
	AGENT_RELEASE_FROM_IDLE,
	AGENT_RELEASE_FROM_RUNNING,
	AGENT_RELEASE_FROM_WAITING, /* idle in the API's eyes: it waits for a tool's result */
	AGENT_RELEASE_FROM_UNKNOWN,
};

struct agent_release_spec {
	enum agent_session_end ending;
	int64_t deadline_ns; /* CLOCK_MONOTONIC, 0: none */
	int64_t request_ns; /* deadline of a request, but that which ends the session */
	agent_release_fn *done;
	void *arg;
};

/* Keeps wire; copies spec. Waits for agent_release_begin(); its deadline runs. `done`
 * comes from the loop, once, unless it is destroyed first. */
struct agent_release *agent_release_create(
	struct agent_http *wire, const struct agent_release_spec *spec) MUST_CHECK;

/* session_id NULL: there is nothing to let go. `hears`: the session's events arrive and
 * will be told by agent_release_idle(). Copies. */
void agent_release_begin(struct agent_release *release, const char *session_id,
	enum agent_release_from from, bool hears);

/* From the loop only, like the two below: the session's turn is over. */
void agent_release_idle(struct agent_release *release);
/* It was ended or deleted, by us or somebody else. */
void agent_release_ended(struct agent_release *release, bool deleted);
/* No events arrive any more. */
void agent_release_deaf(struct agent_release *release);

/* `done` hears `why`. Copies. */
void agent_release_give_up(struct agent_release *release, const char *why);

void agent_release_destroy(struct agent_release *release); /* accepts NULL */

#endif
