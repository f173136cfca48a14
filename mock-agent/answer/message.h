/*
 * message - what the agent says to a conversation, in blocks, before any wire format.
 *
 * It calls a tool, as the behavior and the client say, or replies with a text: the echo
 * of the prompt with the tools' results, or JSON that fits the client's schema. The
 * client's max_tokens and stop sequences cut the text. Thoughts come first.
 */
#ifndef MOCK_AGENT_ANSWER_MESSAGE_H
#define MOCK_AGENT_ANSWER_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "mock-agent/answer/conversation.h"
#include "mock-agent/api_format.h"
#include "mock-agent/faults/tool_calls.h"
#include "mock-agent/session/reply.h"

enum block_kind {
	BLOCK_THINKING,
	BLOCK_TEXT,
	BLOCK_TOOL,
};

struct block {
	enum block_kind kind;
	struct reply text;           /* owned; a tool's input as JSON */
	const char *tool;            /* BLOCK_TOOL: its name; borrowed */
	char id[API_FORMAT_ID_SIZE]; /* BLOCK_TOOL */
};

enum message_stop {
	MESSAGE_STOP_END,      /* it has said everything */
	MESSAGE_STOP_LENGTH,   /* max_tokens cut it */
	MESSAGE_STOP_SEQUENCE, /* one of the stop sequences did */
	MESSAGE_STOP_TOOL,     /* it waits for a tool's result */
};

#define MESSAGE_BLOCKS_MAX 4

struct message {
	const struct conversation *conversation; /* kept */
	char id[API_FORMAT_ID_SIZE];
	struct block blocks[MESSAGE_BLOCKS_MAX]; /* owned */
	unsigned block_count;
	enum message_stop stop;
	const char *stop_sequence; /* MESSAGE_STOP_SEQUENCE; borrowed */
	int64_t input_tokens;
	int64_t output_tokens, thinking_tokens; /* the latter are part of the former */

	/* Of a stream, for its format: */
	struct buf delta_head; /* what each delta of the block begins with */
	int64_t created_s;     /* when it began, since 1970 */
	unsigned sequence;     /* frames so far, or what the format counts */
};

/* The prefixes of ids: "msg", "toolu". */
struct message_prefixes {
	const char *message, *tool;
};

/* Composes the answer, with the calls that the behavior wants. Takes the reply of
 * conversation, which must outlive the message. */
void message_compose(struct message *message, struct conversation *conversation,
	const struct message_prefixes *prefixes, const struct tool_calls *calls);
void message_done(struct message *message); /* accepts a zeroed one */

/* How many tokens that many bytes of text are, about. */
int64_t message_tokens(size_t bytes);

#endif
