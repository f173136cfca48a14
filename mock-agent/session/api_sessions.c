#include "mock-agent/session/api_sessions.h"

#include <stdlib.h>

#include "lib/mem.h"

struct api_sessions {
	struct api_session *by_id;
	int64_t last_number;
};

struct api_sessions *api_sessions_create(void)
{
	return mem_zeroed(sizeof(struct api_sessions));
}

static void let_go(struct api_sessions *sessions, struct api_session *session)
{
	HASH_DEL(sessions->by_id, session);
	session->listed = false;
	api_session_release(session);
}

void api_sessions_clear(struct api_sessions *sessions)
{
	struct api_session *session, *next;

	HASH_ITER(hh, sessions->by_id, session, next) {
		api_session_forget(session);
		let_go(sessions, session);
	}
	sessions->last_number = 0;
}

void api_sessions_destroy(struct api_sessions *sessions)
{
	if (!sessions)
		return;
	api_sessions_clear(sessions);
	free(sessions);
}

size_t api_sessions_count(const struct api_sessions *sessions)
{
	return HASH_COUNT(sessions->by_id);
}

void api_sessions_add(struct api_sessions *sessions, struct api_session *session)
{
	session->number = ++sessions->last_number;
	session->listed = true;
	HASH_ADD_STR(sessions->by_id, id, session);
}

struct api_session *api_sessions_find(
	const struct api_sessions *sessions, const char *id)
{
	struct api_session *session;

	HASH_FIND_STR(sessions->by_id, id, session);
	return session && !session->deleted ? session : NULL;
}

void api_sessions_remove(struct api_sessions *sessions, struct api_session *session)
{
	if (session->listed && !session->streams)
		let_go(sessions, session);
}

struct api_session *api_sessions_next(
	const struct api_sessions *sessions, const struct api_session *after)
{
	return after ? after->hh.next : sessions->by_id;
}
