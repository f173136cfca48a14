/*
 * api_session - one live session: its status, its journal, its readers, its turn.
 *
 * The store (sessions.h) holds it until it is deleted and its streams have ended, and
 * every request and stream that is about it holds it until it is over.
 */
#ifndef MOCK_AGENT_SESSION_API_SESSION_H
#define MOCK_AGENT_SESSION_API_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <uthash.h>

#include "lib/clock.h"
#include "mock-agent/api/api_format.h"
#include "mock-agent/mock.h"
#include "mock-agent/session/event_log.h"

struct event_stream;
struct api_turn;

/* The stored one, which follows the events with the behavior' status_lag latency. */
enum api_session_status {
	SESSION_IDLE,
	SESSION_RUNNING,
	SESSION_TERMINATED,
};

struct api_session {
	struct mock *mock;
	char id[API_FORMAT_ID_SIZE];
	char thread_id[API_FORMAT_ID_SIZE];
	int64_t number; /* in the order of creation */
	struct injector *injector;

	char *agent; /* the agent as it was at creation: JSON text */
	char *agent_name;
	cJSON *stored; /* title, metadata and what else is stored and given back */
	char created_at[CLOCK_WALL_SIZE];
	char updated_at[CLOCK_WALL_SIZE];
	char archived_at[CLOCK_WALL_SIZE]; /* "" while it is not */

	enum api_session_status status;
	bool deleted;
	bool listed; /* the store has it */
	int64_t created_ns;
	int64_t running_since_ns;
	int64_t active_ns;
	int64_t model_requests;

	struct api_turn *turn;
	struct event_log log;
	struct event_stream *streams;
	unsigned holds;
	UT_hash_handle hh; /* of the store, by id */
};

/* Idle, held once, for its creator. Takes agent (an agent's JSON) and stored. */
struct api_session *api_session_create(
	struct mock *mock, struct injector *injector, cJSON *agent, cJSON *stored);
void api_session_hold(struct api_session *session);
void api_session_release(struct api_session *session); /* freed with the last one */

/* The tools that its agent declares, or another list instead. */
cJSON *api_session_tools(
	const struct api_session *session) MUST_CHECK; /* the caller's, or NULL */
void api_session_set_agent(
	struct api_session *session, const char *member, const cJSON *value);

/* Journals event (takes it) and sends it to the readers; act as in event_stream_tell(). */
void api_session_tell(struct api_session *session, cJSON *event);
void api_session_tell_with(
	struct api_session *session, cJSON *event, const struct injection *injection);

void api_session_set_status(
	struct api_session *session, enum api_session_status status);
const char *api_session_status_name(const struct api_session *session);
void api_session_touch(struct api_session *session); /* it was updated now */

/* Archived or deleted: no turn any more, the last event, then the streams' end. */
void api_session_archive(struct api_session *session);
void api_session_delete(struct api_session *session);

/* As if it had never been: without a word, its streams are reset. */
void api_session_forget(struct api_session *session);

/* As the API shows it: the caller's. */
cJSON *api_session_json(const struct api_session *session) MUST_CHECK;
cJSON *api_session_thread_json(const struct api_session *session) MUST_CHECK;

#endif
