/*
 * reply - the agent's reply: no model, but a text that a test can check.
 *
 * The text echoes the prompt ("You said: hello") and has a line for each tool result.
 * Tools are called with an input that their schema accepts.
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
#define REPLY_OPENING "You said: "

struct reply {
	struct buf text;
	unsigned parts; /* 0 before reply_cut() */
	unsigned given; /* parts, by reply_next() */
	size_t characters;
	size_t at;
};

/* Text beyond REPLY_CEILING is left out. */
void reply_begin(struct reply *reply, const char *prompt);
void reply_begin_with(struct reply *reply, const char *text); /* as it is */

/* Keeps the whole characters in the first `most` bytes. */
void reply_shorten(struct reply *reply, size_t most);

/* The length of the whole characters in the first `most` bytes of text. */
size_t reply_whole_len(const char *text, size_t most);
/* "\nlookup answered: 42", "\nlookup failed: no such row" */
void reply_add_result(
	struct reply *reply, const char *tool, const char *text, bool failed);
void reply_done(struct reply *reply);

/* Cuts the complete text into that many parts of about the same length, but at most one
 * for each character. */
void reply_cut(struct reply *reply, int64_t parts);

/* The next part, of *len bytes; NULL after the last. Borrowed, and the text goes on
 * behind it. */
const char *reply_next(struct reply *reply, size_t *len) MUST_CHECK;

/* The tools of a list that the client runs: those with a name that are "custom" or
 * have no type. The caller's: references into tools, which must outlive it. */
cJSON *reply_custom_tools(const cJSON *tools) MUST_CHECK;

/* The input of a call of a tool with this schema (NULL: none): a schema_sample() that is
 * an object. The caller's. */
cJSON *reply_tool_input(const cJSON *schema, const char *prompt) MUST_CHECK;

#endif
