/*
 * reply - what the agent says: no model, but words one can check.
 *
 * It echoes ("You said: hello"), adds what the tools answered, and calls tools with an
 * input that their schema asks for.
 */
#ifndef MOCK_AGENT_SESSION_REPLY_H
#define MOCK_AGENT_SESSION_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/buf.h"
#include "lib/cc.h"

#define REPLY_CEILING ((size_t)1 << 20)

struct reply {
	struct buf text;
	unsigned parts; /* what it was cut into; 0 before */
	unsigned given; /* of them */
	size_t characters;
	size_t at;
};

/* What does not fit under the ceiling is left out. */
void reply_begin(struct reply *reply, const char *said);
/* "\nlookup answered: 42", "\nlookup failed: no such row" */
void reply_add_result(
	struct reply *reply, const char *tool, const char *text, bool failed);
void reply_done(struct reply *reply);

/* It is whole: it will be given in `wanted` parts of about the same length, or in as
 * many as it has characters. */
void reply_cut(struct reply *reply, int64_t wanted);

/* The next part, NULL when all were given. Borrowed from the text. */
const char *reply_next(struct reply *reply, size_t *len);

/* The tools that the client runs, out of a list of tools: those with a name that are
 * "custom" or of no type. Gives the caller an array of references into tools, which
 * must outlive it. */
cJSON *reply_custom_tools(const cJSON *tools) MUST_CHECK;

/* An input with all properties that tool's input_schema requires. Texts are `said`
 * where the schema leaves them free. The caller's. */
cJSON *reply_tool_input(const cJSON *tool, const char *said) MUST_CHECK;

#endif
