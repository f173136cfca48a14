/*
 * event_stream - the server-sent events of a session.
 *
 * A stream carries the events from its opening on, without the earlier ones. It ends
 * the behavior's hold time after its session, or when its client leaves.
 */
#ifndef MOCK_AGENT_API_EVENT_STREAM_H
#define MOCK_AGENT_API_EVENT_STREAM_H

#include "mock-agent/api/api_request.h"

/* GET /v1/sessions/:id/events/stream, and that of its thread. */
void event_stream_route(struct api_request *request);

#endif
