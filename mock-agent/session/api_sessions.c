#include "mock-agent/session/api_sessions.h"

#include "mock-agent/session/api_turn.h"

static void remove_session(struct api_sessions *sessions, struct api_session *session)
{
	HASH_DEL(sessions->by_id, session);
	session->listed = false;
	api_session_release(session);
}

static void end_turn(struct api_session *session)
{
	api_turn_destroy(session->turn);
	session->turn = NULL;
}

void api_sessions_clear(struct api_sessions *sessions)
{
	struct api_session *session, *next;

	HASH_ITER(hh, sessions->by_id, session, next) {
		end_turn(session);
		api_session_forget(session);
		remove_session(sessions, session);
	}
	sessions->last_number = 0;
}

struct api_session *api_sessions_open(struct api_sessions *sessions,
	struct fault_schedule *schedule, cJSON *agent, cJSON *stored)
{
	struct api_session *session = api_session_create(schedule, agent, stored);

	session->turn = api_turn_create(sessions->loop, session);
	session->number = ++sessions->last_number;
	session->listed = true;
	HASH_ADD_STR(sessions->by_id, id, session);
	return session;
}

struct api_session *api_sessions_find(
	const struct api_sessions *sessions, const char *id)
{
	struct api_session *session;

	HASH_FIND_STR(sessions->by_id, id, session);
	return session && !session->deleted ? session : NULL;
}

void api_sessions_archive(struct api_session *session)
{
	end_turn(session);
	api_session_archive(session);
}

void api_sessions_delete(struct api_sessions *sessions, struct api_session *session)
{
	end_turn(session);
	api_session_delete(session);
	api_sessions_remove_unused(sessions, session);
}

void api_sessions_remove_unused(
	struct api_sessions *sessions, struct api_session *session)
{
	if (session->deleted && session->listed && !session->subscribers)
		remove_session(sessions, session);
}
