#include "mock-agent/sessions.h"

#include <stdlib.h>

#include "lib/mem.h"

struct sessions {
	struct session *by_id;
	int64_t last_number;
};

struct sessions *sessions_create(void)
{
	return mem_zeroed(sizeof(struct sessions));
}

static void let_go(struct sessions *sessions, struct session *session)
{
	HASH_DEL(sessions->by_id, session);
	session->listed = false;
	session_release(session);
}

void sessions_clear(struct sessions *sessions)
{
	struct session *session, *next;

	HASH_ITER(hh, sessions->by_id, session, next) {
		session_forget(session);
		let_go(sessions, session);
	}
	sessions->last_number = 0;
}

void sessions_destroy(struct sessions *sessions)
{
	if (!sessions)
		return;
	sessions_clear(sessions);
	free(sessions);
}

size_t sessions_count(const struct sessions *sessions)
{
	return HASH_COUNT(sessions->by_id);
}

void sessions_add(struct sessions *sessions, struct session *session)
{
	session->number = ++sessions->last_number;
	session->listed = true;
	HASH_ADD_STR(sessions->by_id, id, session);
}

struct session *sessions_find(const struct sessions *sessions, const char *id)
{
	struct session *session;

	HASH_FIND_STR(sessions->by_id, id, session);
	return session && !session->deleted ? session : NULL;
}

void sessions_remove(struct sessions *sessions, struct session *session)
{
	if (session->listed && !session->streams)
		let_go(sessions, session);
}

struct session *sessions_next(
	const struct sessions *sessions, const struct session *after)
{
	return after ? after->hh.next : sessions->by_id;
}
