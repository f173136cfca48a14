/*
 * openai_request - what the two request formats of OpenAI's API have in common: numbers
 * with a range, tools, the choice among them, and the format of the text.
 *
 * The functions read a request's body into a conversation, and report whether it goes
 * on: false means that the request was refused, as the hosted API refuses it.
 */
#ifndef MOCK_AGENT_OPENAI_OPENAI_REQUEST_H
#define MOCK_AGENT_OPENAI_OPENAI_REQUEST_H

#include <stdbool.h>

#include "mock-agent/answer/conversation.h"
#include "mock-agent/api/api_request.h"

/* Where the format of a request has what both know. */
struct openai_request {
	const char *tools; /* the path of a tool's own members: "function", or "" */
	const char
		*max[2];   /* the members that bound the answer; the first one counts */
	int64_t max_least; /* that bound's least value */
	const char *format;   /* the path of the text's format */
	const char *json_of;  /* the same format's members: "json_schema", or "" */
	const char *messages; /* the member that has to say "json" for a json_object */
};

/* model, which is there, stream, the numbers, tools, tool_choice, and the format of the text. */
bool openai_request_read(struct conversation *conversation, struct api_request *request,
	const struct openai_request *where);

/* The text of a content: a string, or the texts of its parts, one per line; NULL: it
 * has another type. Gives the caller a string to free(). */
char *openai_request_text(const cJSON *content);

#endif
