/*
 * api_sessions - the table of sessions, and the beginning and end of each with its
 * turn.
 */
#ifndef MOCK_AGENT_SESSION_API_SESSIONS_H
#define MOCK_AGENT_SESSION_API_SESSIONS_H

#include <uv.h>

#include "mock-agent/session/api_session.h"

#define SESSIONS_MAX 100000

/* Deleted sessions stay in the table while they have streams. */
struct api_sessions {
	uv_loop_t *loop;
	struct api_session *by_id; /* in the order of creation: see api_sessions_each */
	int64_t last_number;
};

#define api_sessions_count(sessions) HASH_COUNT((sessions)->by_id)
#define api_sessions_each(sessions, session)                                           \
	for ((session) = (sessions)->by_id; (session); (session) = (session)->hh.next)

/* Deletes all sessions without an event, and resets their streams. The next is 1. */
void api_sessions_clear(struct api_sessions *sessions);

/* Arguments as in api_session_create(). Borrowed. */
struct api_session *api_sessions_open(struct api_sessions *sessions,
	struct fault_schedule *schedule, cJSON *agent, cJSON *stored);

/* NULL if there is none or it is deleted. Borrowed. */
struct api_session *api_sessions_find(
	const struct api_sessions *sessions, const char *id);

void api_sessions_archive(struct api_session *session);
void api_sessions_delete(struct api_sessions *sessions, struct api_session *session);

/* Removes session from the table if it is deleted and has no subscriber. */
void api_sessions_remove_unused(
	struct api_sessions *sessions, struct api_session *session);

#endif
