/*
 * session_resources - what is mounted into a session: files, repositories, memory stores.
 *
 * They are a list in the session's stored members. The mock mounts nothing; it keeps what a
 * client says of them, but never its authorization_token.
 */
#ifndef MOCK_AGENT_API_SESSION_RESOURCES_H
#define MOCK_AGENT_API_SESSION_RESOURCES_H

#include <stdbool.h>

#include "mock-agent/api/api_request.h"

#define SESSION_RESOURCES_MAX 500

/* Checks the "resources" of a new session. False: the request was refused. */
bool session_resources_check(struct api_request *request) MUST_CHECK;

/* Replaces what a client sent in stored by what a session has: with ids and times. */
void session_resources_take(cJSON *stored);

/* These need request->session. */
void session_resources_add_route(struct api_request *request);  /* POST .../resources */
void session_resources_list_route(struct api_request *request); /* GET .../resources */
/* GET, POST and DELETE .../resources/:id */
void session_resources_get_route(struct api_request *request);
void session_resources_update_route(struct api_request *request);
void session_resources_delete_route(struct api_request *request);

#endif
