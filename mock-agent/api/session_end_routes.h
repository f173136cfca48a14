/*
 * session_end_routes - the routes that end a session: archive and delete.
 *
 * A delete is refused while the stored status is "running", an archive unless it is
 * "idle". Each step is an event of docs/events.md.
 */
#ifndef MOCK_AGENT_API_SESSION_END_ROUTES_H
#define MOCK_AGENT_API_SESSION_END_ROUTES_H

#include "mock-agent/api/api_request.h"

/* Both need request->session. */
void session_end_routes_archive(struct api_request *request);
void session_end_routes_delete(struct api_request *request);

#endif
