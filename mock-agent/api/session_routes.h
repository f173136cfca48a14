/*
 * session_routes - the routes that create, read, change and list sessions, and send
 * events to them.
 */
#ifndef MOCK_AGENT_API_SESSION_ROUTES_H
#define MOCK_AGENT_API_SESSION_ROUTES_H

#include "mock-agent/api/api_request.h"

void session_routes_create(struct api_request *request); /* POST /v1/sessions */
void session_routes_list(struct api_request *request);   /* GET /v1/sessions */

/* The next ones need request->session. */
void session_routes_get(struct api_request *request);     /* GET /v1/sessions/:id */
void session_routes_update(struct api_request *request);  /* POST /v1/sessions/:id */
void session_routes_send(struct api_request *request);    /* POST .../events */
void session_routes_events(struct api_request *request);  /* GET .../events */
void session_routes_threads(struct api_request *request); /* GET .../threads */
void session_routes_thread(struct api_request *request);  /* GET .../threads/:id */
void session_routes_archive_thread(
	struct api_request *request); /* POST .../threads/:id/archive */

#endif
