/*
 * response_format - the wire format of POST /v1/responses.
 */
#ifndef MOCK_AGENT_OPENAI_RESPONSE_FORMAT_H
#define MOCK_AGENT_OPENAI_RESPONSE_FORMAT_H

#include "mock-agent/answer/answer_format.h"
#include "mock-agent/openai/response_store.h"

extern const struct answer_format response_format;

/* The status of a response that is over: "completed" or "incomplete". */
const char *response_format_final(const struct message *message);

/* Appends a response with that status, or with "queued", "in_progress", "failed" or
 * "cancelled": then it has no output. */
void response_format_write(
	const struct message *message, const char *status, struct buf *text);

/* Puts it into a store, with what came with its request. */
void response_format_store(struct response_store *store, const struct message *message,
	const char *status);

#endif
