/*
 * sessions - the store of live sessions.
 */
#ifndef MOCK_AGENT_SESSIONS_H
#define MOCK_AGENT_SESSIONS_H

#include <stddef.h>

#include "mock-agent/session.h"

#define SESSIONS_MAX 100000

struct sessions;

struct sessions *sessions_create(void);
void sessions_destroy(struct sessions *sessions); /* accepts NULL */

/* As new: the sessions are gone, their streams are reset, numbers begin anew. */
void sessions_clear(struct sessions *sessions);

size_t sessions_count(const struct sessions *sessions); /* deleted ones too */
void sessions_add(struct sessions *sessions, struct session *session); /* takes it */

/* NULL when there is none, or it is deleted. Borrowed. */
struct session *sessions_find(const struct sessions *sessions, const char *id);

/* Lets go of a deleted one, unless it still has streams: then again at their end. */
void sessions_remove(struct sessions *sessions, struct session *session);

/* In the order of creation, deleted ones too; NULL at the end. Borrowed. */
struct session *sessions_next(
	const struct sessions *sessions, const struct session *after);

#endif
