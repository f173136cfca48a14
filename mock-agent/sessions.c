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

void sessions_clear(struct sessions *sessions)
{
	struct session *session, *next;

	HASH_ITER(hh, sessions->by_id, session, next) {
		session_forget(session);
		sessions_remove(sessions, session);
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
	HASH_ADD_STR(sessions->by_id, id, session);
}

struct session *sessions_find(const struct sessions *sessions, const char *id)
{
	struct session *session;

	HASH_FIND_STR(sessions->by_id, id, session);
	return session;
}

void sessions_remove(struct sessions *sessions, struct session *session)
{
	HASH_DEL(sessions->by_id, session);
	session_release(session);
}

struct session *sessions_next(
	const struct sessions *sessions, const struct session *after)
{
	return after ? after->hh.next : sessions->by_id;
}
