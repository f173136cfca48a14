/*
 * agent_release - releases a remote session: the API's contract, step by step.
 *
 * A running session is interrupted. Once idle it is archived, deleted, or only left, to
 * be resumed later. The API refuses to archive or delete while the stored status says
 * "running", which it does for a while after the idle event: then the request is
 * repeated.
 *
 *   HELD -> STARTING -> INTERRUPTING -> WAITING <-> LOOKING -> ENDING <-> RETRYING
 *
 * HELD waits for agent_release_begin(). Steps that the remote session does not need are
 * left out; every state can change to OVER.
 */
#ifndef SERVICE_AGENT_AGENT_RELEASE_H
#define SERVICE_AGENT_AGENT_RELEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "service/agent/agent_http.h"

struct agent_release;

/* What becomes of the remote session. */
enum agent_session_end {
	AGENT_SESSION_KEEP, /* nothing: it can be resumed */
	AGENT_SESSION_ARCHIVE,
	AGENT_SESSION_DELETE,
};

/* The remote session, as its events and the API's responses describe it. */
enum agent_remote {
	AGENT_REMOTE_IDLE,
	AGENT_REMOTE_RUNNING,
	AGENT_REMOTE_WAITING, /* for a tool's result: the API calls that idle */
	AGENT_REMOTE_INTERRUPTED,
	AGENT_REMOTE_UNKNOWN,
	AGENT_REMOTE_TERMINATED,
	AGENT_REMOTE_DELETED, /* or it never existed */
};

/* Once, from the loop. why is NULL when the session was released, else the reason. */
typedef void agent_release_fn(void *arg, const char *why);

/* Keeps http. In state HELD until agent_release_begin(), while the deadline
 * (CLOCK_MONOTONIC, 0: none) already counts; past it why is "deadline". */
struct agent_release *agent_release_create(struct agent_http *http,
	enum agent_session_end end, int64_t deadline_ns, agent_release_fn *done,
	void *arg) MUST_CHECK;
void agent_release_destroy(struct agent_release *release); /* accepts NULL */

/* Leaves HELD, from the loop. Copies session_id, which may be NULL when remote is
 * AGENT_REMOTE_DELETED. `streaming`: the session's events arrive, and the idle event
 * will be reported with agent_release_learn(). */
void agent_release_begin(struct agent_release *release, const char *session_id,
	enum agent_remote remote, bool streaming);
bool agent_release_is_held(const struct agent_release *release);
/* It has begun, and acts in the loop's next turn. */
bool agent_release_is_starting(const struct agent_release *release);
/* The request to archive or delete is under way. */
bool agent_release_is_ending(const struct agent_release *release);

/* From the loop only. The remote session is idle, terminated or deleted. */
void agent_release_learn(struct agent_release *release, enum agent_remote remote);
/* From the loop only. No events arrive any more. */
void agent_release_lose_stream(struct agent_release *release);

/* `done` is called with `why`, in any state; the first call counts. Copies. */
void agent_release_give_up(struct agent_release *release, const char *why);

#endif
