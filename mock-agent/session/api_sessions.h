/*
 * api_sessions - the store of live sessions.
 */
#ifndef MOCK_AGENT_SESSION_API_SESSIONS_H
#define MOCK_AGENT_SESSION_API_SESSIONS_H

#include <stddef.h>

#include "mock-agent/session/api_session.h"

#define SESSIONS_MAX 100000

struct api_sessions;

struct api_sessions *api_sessions_create(void);
void api_sessions_destroy(struct api_sessions *sessions); /* accepts NULL */

/* As new: the sessions are gone, their streams are reset, numbers begin anew. */
void api_sessions_clear(struct api_sessions *sessions);

size_t api_sessions_count(const struct api_sessions *sessions); /* deleted ones too */
void api_sessions_add(
	struct api_sessions *sessions, struct api_session *session); /* takes it */

/* NULL when there is none, or it is deleted. Borrowed. */
struct api_session *api_sessions_find(
	const struct api_sessions *sessions, const char *id);

/* Lets go of a deleted one, unless it still has streams: then again at their end. */
void api_sessions_remove(struct api_sessions *sessions, struct api_session *session);

/* In the order of creation, deleted ones too; NULL at the end. Borrowed. */
struct api_session *api_sessions_next(
	const struct api_sessions *sessions, const struct api_session *after);

#endif
