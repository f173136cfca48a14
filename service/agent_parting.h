/*
 * agent_parting - how a session is let go: the API's contract, step by step.
 *
 * A running session is interrupted. When it is idle it is archived or deleted, or just
 * left, to be resumed later. Both are refused while the stored status says "running",
 * which it does for a while after the idle event: then they are asked for again.
 */
#ifndef SERVICE_AGENT_PARTING_H
#define SERVICE_AGENT_PARTING_H

#include <stdbool.h>
#include <stdint.h>

#include "service/agent.h"
#include "service/agent_wire.h"

struct agent_parting;

/* What is known of the session when parting begins. */
enum parting_from {
	PARTING_FROM_IDLE,
	PARTING_FROM_RUNNING,
	PARTING_FROM_WAITING, /* idle in the API's eyes: it waits for a tool's result */
	PARTING_FROM_UNKNOWN,
};

struct agent_parting_spec {
	enum agent_ending ending;
	int64_t deadline_ns; /* CLOCK_MONOTONIC, 0: none */
	int64_t request_ns; /* deadline of a request, but that which ends the session */
	agent_let_go_fn *done;
	void *arg;
};

/* Keeps wire; copies spec. Waits for agent_parting_begin(); its deadline runs. `done`
 * comes from the loop, once, unless it is destroyed first. */
struct agent_parting *agent_parting_create(
	struct agent_wire *wire, const struct agent_parting_spec *spec) MUST_CHECK;

/* session_id NULL: there is nothing to let go. `hears`: the session's events arrive and
 * will be told by agent_parting_idle(). Copies. */
void agent_parting_begin(struct agent_parting *parting, const char *session_id,
	enum parting_from from, bool hears);

/* From the loop only, like the two below: the session's turn is over. */
void agent_parting_idle(struct agent_parting *parting);
/* It was ended or deleted, by us or somebody else. */
void agent_parting_ended(struct agent_parting *parting, bool deleted);
/* No events arrive any more. */
void agent_parting_deaf(struct agent_parting *parting);

/* `done` hears `why`. Copies. */
void agent_parting_give_up(struct agent_parting *parting, const char *why);

void agent_parting_destroy(struct agent_parting *parting); /* accepts NULL */

#endif
