/*
 * stream - the readers of a session's events: server-sent events.
 *
 * A stream hears what happens from its opening on; nothing is played again. It ends
 * some time after its session did (the manners' hold), or when its client leaves.
 */
#ifndef MOCK_AGENT_STREAM_H
#define MOCK_AGENT_STREAM_H

#include "mock-agent/mood.h"
#include "mock-agent/request.h"

struct session;
struct stream;

/* GET /v1/sessions/:id/events/stream, also of its thread. */
void stream_route(struct request *request);

/* An event for every reader of session; act is of a first_byte or chunk, and its fault
 * strikes the readers, or NULL. */
void stream_tell(struct session *session, const char *type, const char *json,
	const struct act *act);

/* The manners changed: the heartbeats of session's streams begin anew. */
void stream_heed_manners(struct session *session);

/* The last event was told: every stream of session ends after hold_ns. */
void stream_end_all(struct session *session, int64_t hold_ns);

/* All are cut off, without a word. */
void stream_reset_all(struct session *session);

unsigned stream_count(const struct session *session);

#endif
