/*
 * session - one live session: its status, its journal, its readers, its turn.
 *
 * The store (sessions.h) holds it until it is deleted and its streams have ended, and
 * every request and stream that is about it holds it until it is over.
 */
#ifndef MOCK_AGENT_SESSION_H
#define MOCK_AGENT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <uthash.h>

#include "lib/clock.h"
#include "mock-agent/journal.h"
#include "mock-agent/mock.h"
#include "mock-agent/wire.h"

struct stream;
struct turn;

/* The stored one, which follows the events with the manners' settle latency. */
enum session_status {
	SESSION_IDLE,
	SESSION_RUNNING,
	SESSION_TERMINATED,
};

struct session {
	struct mock *mock;
	char id[WIRE_ID_SIZE];
	char thread_id[WIRE_ID_SIZE];
	int64_t number; /* in the order of creation */
	struct mood *mood;

	char *agent; /* the agent as it was at creation: JSON text */
	char *agent_name;
	cJSON *stored; /* title, metadata and what else is stored and given back */
	char created_at[CLOCK_WALL_SIZE];
	char updated_at[CLOCK_WALL_SIZE];
	char archived_at[CLOCK_WALL_SIZE]; /* "" while it is not */

	enum session_status status;
	bool deleted;
	bool listed; /* the store has it */
	int64_t created_ns;
	int64_t running_since_ns;
	int64_t active_ns;
	int64_t model_requests;

	struct turn *turn;
	struct journal journal;
	struct stream *streams;
	unsigned holds;
	UT_hash_handle hh; /* of the store, by id */
};

/* Idle, held once, for its creator. Takes agent (an agent's JSON) and stored. */
struct session *session_create(
	struct mock *mock, struct mood *mood, cJSON *agent, cJSON *stored);
void session_hold(struct session *session);
void session_release(struct session *session); /* freed with the last one */

/* The tools that its agent declares, or another list instead. */
cJSON *session_tools(
	const struct session *session) MUST_CHECK; /* the caller's, or NULL */
void session_set_agent(struct session *session, const char *member, const cJSON *value);

/* Journals event (takes it) and sends it to the readers; act as in stream_tell(). */
void session_tell(struct session *session, cJSON *event);
void session_tell_with(struct session *session, cJSON *event, const struct act *act);

void session_set_status(struct session *session, enum session_status status);
const char *session_status_name(const struct session *session);
void session_touch(struct session *session); /* it was updated now */

/* Archived or deleted: no turn any more, the last event, then the streams' end. */
void session_archive(struct session *session);
void session_delete(struct session *session);

/* As if it had never been: without a word, its streams are reset. */
void session_forget(struct session *session);

/* As the API shows it: the caller's. */
cJSON *session_json(const struct session *session) MUST_CHECK;
cJSON *session_thread_json(const struct session *session) MUST_CHECK;

#endif
