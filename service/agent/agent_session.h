/*
 * agent_session - one remote session of the agent API, with its open event stream.
 *
 * A message goes in; the reply comes back when the turn ends; tool uses in between ask
 * the owner for results. The release follows the API's contract: interrupt a running
 * turn, wait until the session is idle, archive or delete it if asked to, close the
 * stream.
 *
 *   OPENING --> OPEN --> BROKEN
 *      |         |         |
 *      +---------+---------+--> RELEASING --> RELEASED
 *
 * OPENING changes to BROKEN as well, and every state to CLOSED, when it is destroyed.
 *
 * All callbacks come from the loop, never from inside a call of yours.
 */
#ifndef SERVICE_AGENT_AGENT_SESSION_H
#define SERVICE_AGENT_AGENT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/err.h"
#include "service/agent/agent_client.h"
#include "service/agent/agent_release.h"
#include "service/metrics.h"

struct agent_session;

struct agent_session_events {
	/* The session is open: id is its API id. Or it could not be opened: id is NULL,
	 * and only agent_session_release() and agent_session_destroy() make sense. Not
	 * after agent_session_release(). */
	void (*opened)(void *arg, const char *id, const char *why);
	/* A turn ended; never TURN_TIMED_OUT. text is the reply, or why there is none.
	 * Once for each successful agent_session_send(), before the release is done. */
	void (*turned)(void *arg, enum turn_end end, const char *text);
	/* The agent uses a custom tool; agent_session_tool_result(session, use_id, ...)
	 * answers. */
	void (*wants_tool)(
		void *arg, const char *use_id, const char *name, const cJSON *input);
	/* The stream or the remote session ended; `turned` came before. Only
	 * agent_session_release() and agent_session_destroy() make sense. Not after
	 * agent_session_release(). */
	void (*broke)(void *arg, const char *why);
};

/* Opens a new remote session, with room and bot as its metadata, or resumes the stored
 * one named by id; if the API refuses that one, `opened` reports a new one. id may be
 * NULL. Keeps client, room, bot and events; copies id. */
struct agent_session *agent_session_open(struct agent_client *client, const char *id,
	const char *room, const char *bot, const struct agent_session_events *events,
	void *arg) MUST_CHECK;

/* Is there a remote session, as far as is known? */
bool agent_session_exists(const struct agent_session *session);

/* Begins a turn. Fails while another one runs. */
bool agent_session_send(
	struct agent_session *session, const char *text, struct err *err) MUST_CHECK;
/* content is an array of the API's content blocks. Copies. A result that comes after
 * its turn is ignored. */
void agent_session_tool_result(struct agent_session *session, const char *use_id,
	const cJSON *content, bool is_error);
/* Interrupts the running turn; `turned` follows. */
void agent_session_interrupt(struct agent_session *session);

/* Releases the remote session in any state, once. deadline_ns is CLOCK_MONOTONIC, 0 for
 * none; past it `done` is called with "deadline". A session that is being created is
 * waited for, so that it can be ended; AGENT_SESSION_KEEP drops it instead. A session
 * that the API does not know counts as released. */
void agent_session_release(struct agent_session *session, enum agent_session_end end,
	int64_t deadline_ns, agent_release_fn *done, void *arg);
/* Ends a release that is under way: `done` is called with `why`, from the loop. */
void agent_session_give_up(struct agent_session *session, const char *why);

/* Closes everything without a request to the API. No callback follows. Accepts NULL. */
void agent_session_destroy(struct agent_session *session);

#endif
