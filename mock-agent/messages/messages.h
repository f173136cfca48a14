/*
 * messages - the routes of the Messages API: one request, one message.
 *
 * For clients that keep the conversation themselves, such as the Claude CLI.
 */
#ifndef MOCK_AGENT_MESSAGES_MESSAGES_H
#define MOCK_AGENT_MESSAGES_MESSAGES_H

#include "mock-agent/api/api_request.h"

void messages_route(struct api_request *request);       /* POST /v1/messages */
void messages_count_route(struct api_request *request); /* POST .../count_tokens */

#endif
