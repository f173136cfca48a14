#include "mock-agent/answer/message.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/session/schema_sample.h"

#define BYTES_PER_TOKEN 4   /* about */
#define THOUGHT_MAX     200 /* bytes of the prompt in a thought */

int64_t message_tokens(size_t bytes)
{
	return (int64_t)(bytes / BYTES_PER_TOKEN) + 1;
}

static struct block *add_block(struct message *message, enum block_kind kind)
{
	struct block *block = &message->blocks[message->block_count++];

	assert(message->block_count <= MESSAGE_BLOCKS_MAX);
	*block = (struct block){.kind = kind};
	return block;
}

static const struct conversation_tool *named_tool(
	const struct conversation *conversation, const char *name)
{
	for (unsigned i = 0; name && i < conversation->tool_count; i++) {
		if (strcmp(conversation->tools[i].name, name) == 0)
			return &conversation->tools[i];
	}
	return NULL;
}

static bool is_offered(const void *conversation, const char *name)
{
	return named_tool(conversation, name) != NULL;
}

/* In rotation, without those that start agents; NULL: there are no others. */
static const struct conversation_tool *tool_in_turn(
	const struct conversation *conversation)
{
	unsigned count = 0, at;

	for (unsigned i = 0; i < conversation->tool_count; i++)
		count += !tool_starts_agent(conversation->tools[i].name);
	if (count == 0)
		return NULL;
	at = (unsigned)(conversation->answered % count);
	for (unsigned i = 0;; i++) {
		if (!tool_starts_agent(conversation->tools[i].name) && at-- == 0)
			return &conversation->tools[i];
	}
}

/* The tool to call now; NULL: the agent replies. `call` is what the behavior says of it;
 * NULL: nothing. */
static const struct conversation_tool *next_tool(
	const struct conversation *conversation, const struct tool_calls *calls,
	const struct tool_call **call)
{
	const struct conversation_tool *tool;

	*call = tool_calls_next(
		calls, conversation->answered, is_offered, conversation);
	switch (conversation->choice) {
	case TOOL_CHOICE_NONE:
		return NULL;
	case TOOL_CHOICE_NAMED:
		tool = named_tool(conversation, conversation->chosen);
		if (*call && tool && strcmp((*call)->name, tool->name) != 0)
			*call = NULL;
		return tool;
	case TOOL_CHOICE_AUTO:
		if (!*call && conversation->answered >= calls->count)
			return NULL;
		break;
	case TOOL_CHOICE_ANY:
		break;
	}
	if (*call)
		return named_tool(conversation, (*call)->name);
	tool = tool_in_turn(conversation);
	return tool || conversation->choice == TOOL_CHOICE_AUTO ||
			conversation->tool_count == 0
		? tool
		: conversation->tools;
}

static void call_tool(struct message *message, const struct conversation_tool *tool,
	const struct tool_call *call, const char *prefix)
{
	struct block *block = add_block(message, BLOCK_TOOL);
	SCOPED(json_free) cJSON *input = call && call->input
		? cJSON_Duplicate(call->input, true)
		: reply_tool_input(tool->schema, message->conversation->prompt);
	SCOPED(mem_free) char *json = json_print(input);

	api_format_id(block->id, prefix);
	block->tool = tool->name;
	reply_begin_with(&block->text, json);
	message->stop = MESSAGE_STOP_TOOL;
}

static void think(struct message *message)
{
	struct block *block = add_block(message, BLOCK_THINKING);

	reply_begin_with(&block->text, "");
	if (!message->conversation->hides_thoughts)
		buf_addf(&block->text.text, "I was asked: %.*s",
			(int)reply_whole_len(
				message->conversation->prompt, THOUGHT_MAX),
			message->conversation->prompt);
}

/* Cuts the text at the first stop sequence in it. */
static void cut_at_stop(struct message *message, struct reply *text)
{
	const char *all = buf_text(&text->text), *first = NULL;
	const cJSON *stop;

	cJSON_ArrayForEach(stop, message->conversation->stops) {
		const char *found = cJSON_IsString(stop) && *stop->valuestring
			? strstr(all, stop->valuestring)
			: NULL;

		if (found && (!first || found < first)) {
			first = found;
			message->stop = MESSAGE_STOP_SEQUENCE;
			message->stop_sequence = stop->valuestring;
		}
	}
	if (first)
		reply_shorten(text, (size_t)(first - all));
}

/* What is left of max_tokens behind the thoughts; at least one token. */
static void cut_at_length(struct message *message, struct reply *text)
{
	const int64_t most = message->conversation->max_tokens;
	const int64_t left =
		most > message->output_tokens + 1 ? most - message->output_tokens : 1;

	/* A product of the client's number might not fit. */
	if (most == 0 ||
		(int64_t)(text->text.len + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN <=
			left)
		return;
	reply_shorten(text, (size_t)(left * BYTES_PER_TOKEN));
	message->stop = MESSAGE_STOP_LENGTH;
	message->stop_sequence = NULL;
}

/* Takes the reply of conversation. A text that is empty is no block. */
static void speak(struct message *message, struct conversation *conversation)
{
	struct block *block = add_block(message, BLOCK_TEXT);
	SCOPED(json_free) cJSON *value = NULL;
	SCOPED(mem_free) char *json = NULL;

	if (conversation->schema) {
		value = schema_sample(conversation->schema, conversation->prompt);
		json = json_print(value);
		reply_begin_with(&block->text, json);
	} else {
		block->text = conversation->reply;
		conversation->reply = (struct reply){0};
	}
	cut_at_stop(message, &block->text);
	cut_at_length(message, &block->text);
	if (block->text.text.len == 0) {
		reply_done(&block->text);
		message->block_count--;
	}
}

static void count_tokens(struct message *message)
{
	message->output_tokens = 0;
	for (unsigned i = 0; i < message->block_count; i++) {
		const struct block *block = &message->blocks[i];
		int64_t tokens = message_tokens(block->text.text.len);

		message->output_tokens += tokens;
		if (block->kind == BLOCK_THINKING)
			message->thinking_tokens = tokens;
	}
	if (message->stop == MESSAGE_STOP_LENGTH)
		message->output_tokens = message->conversation->max_tokens;
}

void message_compose(struct message *message, struct conversation *conversation,
	const struct message_prefixes *prefixes, const struct tool_calls *calls)
{
	const struct tool_call *call;
	const struct conversation_tool *tool = next_tool(conversation, calls, &call);

	*message = (struct message){
		.conversation = conversation, .created_s = (int64_t)time(NULL)};
	api_format_id(message->id, prefixes->message);
	if (conversation->thinks)
		think(message);
	count_tokens(message);
	if (tool)
		call_tool(message, tool, call, prefixes->tool);
	else
		speak(message, conversation);
	count_tokens(message);
}

void message_done(struct message *message)
{
	for (unsigned i = 0; i < message->block_count; i++)
		reply_done(&message->blocks[i].text);
	buf_done(&message->delta_head);
	*message = (struct message){0};
}
