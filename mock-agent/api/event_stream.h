/*
 * event_stream - the readers of a session's events: server-sent events.
 *
 * A stream hears what happens from its opening on; nothing is played again. It ends
 * some time after its session did (the behavior' hold), or when its client leaves.
 */
#ifndef MOCK_AGENT_API_EVENT_STREAM_H
#define MOCK_AGENT_API_EVENT_STREAM_H

#include "mock-agent/api/api_request.h"
#include "mock-agent/faults/injector.h"

struct api_session;
struct event_stream;

/* GET /v1/sessions/:id/events/stream, also of its thread. */
void event_stream_route(struct api_request *request);

/* An event for every reader of session; act is of a first_byte or chunk, and its fault
 * strikes the readers, or NULL. */
void event_stream_tell(struct api_session *session, const char *type, const char *json,
	const struct injection *injection);

/* The behavior changed: the heartbeats of session's streams begin anew. */
void event_stream_heed_behavior(struct api_session *session);

/* The last event was told: every stream of session ends after hold_ns. */
void event_stream_end_all(struct api_session *session, int64_t hold_ns);

/* All are cut off, without a word. */
void event_stream_reset_all(struct api_session *session);

unsigned event_stream_count(const struct api_session *session);

#endif
