/*
 * message_request - what a Messages request asks for.
 */
#ifndef MOCK_AGENT_MESSAGES_MESSAGE_REQUEST_H
#define MOCK_AGENT_MESSAGES_MESSAGE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "mock-agent/answer/conversation.h"
#include "mock-agent/api/api_request.h"

/* Fills a conversation that has begun. False: the request was refused. */
bool message_request_read(
	struct conversation *conversation, struct api_request *request) MUST_CHECK;

/* The same from a body that message_check() accepts. */
void message_request_fill(struct conversation *conversation, const cJSON *body);

/* How many tokens a body's system prompt, messages and tools are, about. */
int64_t message_request_tokens(const cJSON *body);

#endif
