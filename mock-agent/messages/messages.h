/*
 * messages - the Messages API: one request, one message, as JSON or as a stream.
 *
 * For clients that keep the conversation themselves, such as the Claude CLI. A client
 * that names its session (x-claude-code-session-id) has a session number, and with it
 * an schedule. All others share session 0, and also its blackhole.
 */
#ifndef MOCK_AGENT_MESSAGES_MESSAGES_H
#define MOCK_AGENT_MESSAGES_MESSAGES_H

#include "mock-agent/api/api_request.h"

void messages_route(struct api_request *request);        /* POST /v1/messages */
void messages_count_route(struct api_request *request);  /* POST .../count_tokens */
void messages_models_route(struct api_request *request); /* GET /v1/models */
void messages_model_route(struct api_request *request);  /* GET /v1/models/:id */

#endif
