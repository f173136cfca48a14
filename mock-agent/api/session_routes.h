/*
 * session_routes - the routes of a session's life: opened, read, spoken to, listed.
 *
 * (How it is listened to is in stream.h, how it ends in ending.h.)
 */
#ifndef MOCK_AGENT_API_SESSION_ROUTES_H
#define MOCK_AGENT_API_SESSION_ROUTES_H

#include "mock-agent/api/api_request.h"

void session_routes_create(struct api_request *request); /* POST /v1/sessions */
void session_routes_list(struct api_request *request);   /* GET /v1/sessions */

/* From here on request->session is the one of the path. */
void session_routes_get(struct api_request *request);     /* GET /v1/sessions/:id */
void session_routes_update(struct api_request *request);  /* POST /v1/sessions/:id */
void session_routes_say(struct api_request *request);     /* POST .../events */
void session_routes_events(struct api_request *request);  /* GET .../events */
void session_routes_threads(struct api_request *request); /* GET .../threads */
void session_routes_thread(struct api_request *request);  /* GET .../threads/:id */

#endif
