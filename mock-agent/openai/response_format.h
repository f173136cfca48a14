/*
 * response_format - the wire format of POST /v1/responses.
 */
#ifndef MOCK_AGENT_OPENAI_RESPONSE_FORMAT_H
#define MOCK_AGENT_OPENAI_RESPONSE_FORMAT_H

#include "mock-agent/answer/answer_format.h"

extern const struct answer_format response_format;

/* Appends a response that has this status. One that is not over has no output. */
void response_format_write(
	const struct message *message, const char *status, struct buf *text);

#endif
