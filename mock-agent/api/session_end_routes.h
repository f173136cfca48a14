/*
 * session_end_routes - the routes that end a session: archive and delete.
 *
 * Both are refused while the stored status is "running". What the behavior let happen
 * here is what a shutdown has to live with; each step is an event of docs/events.md.
 */
#ifndef MOCK_AGENT_API_SESSION_END_ROUTES_H
#define MOCK_AGENT_API_SESSION_END_ROUTES_H

#include "mock-agent/api/api_request.h"

/* request->session is the one of the path. */
void session_end_routes_archive(
	struct api_request *request); /* POST /v1/sessions/:id/archive */
void session_end_routes_delete(
	struct api_request *request); /* DELETE /v1/sessions/:id */

#endif
