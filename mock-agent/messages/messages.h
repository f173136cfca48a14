/*
 * messages - the Messages API: one question, one answer, as JSON or as a stream.
 *
 * For clients that keep the conversation themselves, such as the Claude CLI. A client
 * that names its session (x-claude-code-session-id) has behavior and a dice of its own;
 * everybody else is session 0, so that a black hole for one is one for all of them.
 */
#ifndef MOCK_AGENT_MESSAGES_MESSAGES_H
#define MOCK_AGENT_MESSAGES_MESSAGES_H

#include "mock-agent/api/api_request.h"

void messages_route(struct api_request *request);        /* POST /v1/messages */
void messages_count_route(struct api_request *request);  /* POST .../count_tokens */
void messages_models_route(struct api_request *request); /* GET /v1/models */
void messages_model_route(struct api_request *request);  /* GET /v1/models/:id */

#endif
