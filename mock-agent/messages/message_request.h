/*
 * message_request - what a Messages request says, and what is wrong with it.
 */
#ifndef MOCK_AGENT_MESSAGES_MESSAGE_REQUEST_H
#define MOCK_AGENT_MESSAGES_MESSAGE_REQUEST_H

#include <stdbool.h>

#include "mock-agent/answer/conversation.h"
#include "mock-agent/api/api_request.h"

/* False: it was refused. `answered`: not count_tokens, which needs less. */
bool message_request_check(struct api_request *request, bool answered) MUST_CHECK;

/* The same, and fills a conversation that has begun. */
bool message_request_read(
	struct conversation *conversation, struct api_request *request) MUST_CHECK;

/* Fills it from a body that is right. */
void message_request_fill(struct conversation *conversation, const cJSON *body);

#endif
