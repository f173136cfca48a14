/*
 * response_request - reads the body of POST /v1/responses.
 */
#ifndef MOCK_AGENT_OPENAI_RESPONSE_REQUEST_H
#define MOCK_AGENT_OPENAI_RESPONSE_REQUEST_H

#include "mock-agent/answer/conversation.h"
#include "mock-agent/api/api_request.h"

/* As answer_format.read. */
bool response_request_read(
	struct conversation *conversation, struct api_request *request);

#endif
