/*
 * conversation - what a client that keeps its conversation itself sends with each
 * request, whatever the wire format: the last prompt with the results of the tools since
 * then, the tools, and what the answer may be.
 *
 * A format fills it in the order of the messages: conversation_ask() for each prompt,
 * conversation_add_result() for each result behind it.
 */
#ifndef MOCK_AGENT_ANSWER_CONVERSATION_H
#define MOCK_AGENT_ANSWER_CONVERSATION_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "mock-agent/session/client_turn.h"
#include "mock-agent/session/reply.h"

/* Which tools the answer may call. */
enum tool_choice {
	TOOL_CHOICE_AUTO,
	TOOL_CHOICE_NONE,
	TOOL_CHOICE_ANY,   /* it must call one */
	TOOL_CHOICE_NAMED, /* it must call this one */
};

struct conversation_tool {
	const char *name;    /* borrowed from the body */
	const cJSON *schema; /* of its input; borrowed; NULL: none */
};

/* All that is borrowed is the request's body's. */
struct conversation {
	const cJSON *body;  /* borrowed: for what only a format knows */
	const char *model;  /* borrowed */
	char *prompt;       /* owned: the user's last message */
	struct reply reply; /* to the prompt, with the tool results */
	int64_t answered;   /* results since the prompt */
	const char *user; /* whom the client says it serves; borrowed; NULL: not said */
	struct client_turn_key turn;

	/* For a format that keeps what the prompt and the results were read from: */
	cJSON *items;          /* owned; NULL: none */
	unsigned items_before; /* the first ones, of earlier requests */

	struct conversation_tool *tools; /* owned: those that the client runs */
	unsigned tool_count;
	enum tool_choice choice;
	const char *chosen; /* borrowed: TOOL_CHOICE_NAMED */

	int64_t input_tokens; /* 0: as many as the body has bytes for */
	bool is_old;          /* what its format takes for an older version of it */
	bool streams;         /* the answer is a stream */
	bool thinks;          /* the answer begins with its thoughts */
	bool hides_thoughts;  /* without their text */
	int64_t max_tokens;   /* of the answer; 0: no limit */
	const cJSON *stops;   /* borrowed: strings that end the text; NULL: none */
	const cJSON
		*schema; /* borrowed: the text is JSON that fits; NULL: it is text */
};

void conversation_begin(struct conversation *conversation);
void conversation_done(struct conversation *conversation); /* accepts a zeroed one */

/* A prompt, which the results before it do not belong to. Takes prompt. */
void conversation_ask(struct conversation *conversation, char *prompt);

/* "tool answered: text"; tool may be NULL, if nobody knows what was used. */
void conversation_add_result(struct conversation *conversation, const char *tool,
	const char *text, bool failed);

/* Keeps both. */
void conversation_add_tool(
	struct conversation *conversation, const char *name, const cJSON *schema);

#endif
