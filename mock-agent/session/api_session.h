/*
 * api_session - one session of the API: its status, its events and their subscribers.
 *
 * Reference-counted: the table of sessions (api_sessions.h) holds it until it is
 * deleted and its streams have ended, and every request for it holds it until the
 * request ends.
 */
#ifndef MOCK_AGENT_SESSION_API_SESSION_H
#define MOCK_AGENT_SESSION_API_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <uthash.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "mock-agent/api_format.h"
#include "mock-agent/faults/fault_schedule.h"
#include "mock-agent/session/event_log.h"

struct api_turn;
struct session_subscriber;

/* What a subscriber does about each change of its session. */
struct session_subscriber_ops {
	/* A new event: its JSON, and its SSE frame. The injection is NULL, or its fault
	 * replaces the frame. */
	void (*on_event)(struct session_subscriber *subscriber, const char *type,
		const char *json, const struct buf *frame,
		const struct injection *injection);
	void (*on_end)(struct session_subscriber *subscriber, int64_t hold_ns);
	void (*on_reset)(
		struct session_subscriber *subscriber); /* api_session_forget() */
	void (*on_behavior)(struct session_subscriber *subscriber); /* it changed */
};

/* To be embedded in its owner. */
struct session_subscriber {
	const struct session_subscriber_ops *ops;
	struct session_subscriber *prev, *next;
};

/* The stored status; it follows the idle event after the status_lag latency. */
enum api_session_status {
	SESSION_IDLE,
	SESSION_RUNNING,
	SESSION_TERMINATED,
};

/* Read by everybody, written by the functions below; the members of the turn are
 * written by api_turn.c. */
struct api_session {
	char id[API_FORMAT_ID_SIZE];
	char thread_id[API_FORMAT_ID_SIZE];
	struct fault_schedule *schedule;

	char *agent; /* JSON text: the agent as it was at creation */
	char *agent_name;
	cJSON *stored; /* title, metadata and other members that the client sent */
	char created_at[CLOCK_WALL_SIZE];
	char updated_at[CLOCK_WALL_SIZE];
	char archived_at[CLOCK_WALL_SIZE];        /* "" if it is not archived */
	char thread_archived_at[CLOCK_WALL_SIZE]; /* likewise: before the session */

	enum api_session_status status;
	bool deleted;
	int64_t created_ns;
	int64_t running_since_ns;
	int64_t active_ns;

	struct api_turn
		*turn; /* NULL before its creation and after the session's end */
	unsigned model_requests; /* of the turn */

	struct event_log log;
	struct session_subscriber *subscribers; /* each adds and deletes itself */
	unsigned holds; /* a holder adds one, and calls api_session_release() */

	/* Of api_sessions.c: */
	int64_t number; /* in the order of creation */
	bool listed;
	UT_hash_handle hh; /* by id */
};

/* The members of every event about a session: log_event("...",
 * API_SESSION_LOG(session)). */
#define API_SESSION_LOG(session)                                                       \
	"session", LOG_TEXT((session)->schedule->label), "id", LOG_TEXT((session)->id)

/* Idle, with one hold, the caller's. Keeps schedule. Takes agent (an agent's JSON) and
 * stored. */
struct api_session *api_session_create(
	struct fault_schedule *schedule, cJSON *agent, cJSON *stored);
void api_session_release(struct api_session *session); /* the last one frees it */

/* The tools that the session's agent declares, or NULL: the caller's. */
cJSON *api_session_tools(const struct api_session *session) MUST_CHECK;
/* Replaces the tools and mcp_servers of the session's agent that update has. */
void api_session_update_agent(struct api_session *session, const cJSON *update);

/* Appends event to the log and passes it to the subscribers with the injection, which
 * may be NULL. Takes event. */
void api_session_emit(
	struct api_session *session, cJSON *event, const struct injection *injection);

void api_session_set_status(
	struct api_session *session, enum api_session_status status);
const char *api_session_status_name(const struct api_session *session);
void api_session_touch(struct api_session *session); /* sets updated_at */

/* The end: status "terminated", the last event, then the end of the subscriptions. */
void api_session_archive(struct api_session *session);
void api_session_delete(struct api_session *session);

/* Deletes it without an event, and resets its subscribers. */
void api_session_forget(struct api_session *session);

/* Append the JSON object that the API shows of the session, or of its one thread. */
void api_session_write(const struct api_session *session, struct buf *text);
void api_session_write_thread(const struct api_session *session, struct buf *text);

#endif
