#include "mock-agent/answer/message.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "lib/json.h"
#include "lib/mem.h"

#define BYTES_PER_TOKEN 4 /* about */

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

/* NULL: the agent replies. */
static const struct conversation_tool *next_tool(
	const struct conversation *conversation, int64_t tools)
{
	if (conversation->tool_count == 0 || conversation->answered >= tools ||
		conversation->choice == TOOL_CHOICE_NONE)
		return NULL;
	return &conversation->tools[conversation->answered % conversation->tool_count];
}

static void call_tool(struct message *message, const struct conversation_tool *tool,
	const char *prefix)
{
	struct block *block = add_block(message, BLOCK_TOOL);
	SCOPED(json_free) cJSON *input =
		reply_tool_input(tool->schema, message->conversation->prompt);
	SCOPED(mem_free) char *json = json_print(input);

	api_format_id(block->id, prefix);
	block->tool = tool->name;
	reply_begin_with(&block->text, json);
	message->stop = MESSAGE_STOP_TOOL;
}

void message_compose(struct message *message, struct conversation *conversation,
	const struct message_prefixes *prefixes, int64_t tools)
{
	const struct conversation_tool *tool = next_tool(conversation, tools);
	struct block *block;

	*message = (struct message){
		.conversation = conversation, .created_s = (int64_t)time(NULL)};
	api_format_id(message->id, prefixes->message);
	if (tool) {
		call_tool(message, tool, prefixes->tool);
	} else {
		block = add_block(message, BLOCK_TEXT);
		block->text = conversation->reply;
		conversation->reply = (struct reply){0};
	}
	for (unsigned i = 0; i < message->block_count; i++)
		message->output_tokens +=
			message_tokens(message->blocks[i].text.text.len);
}

void message_done(struct message *message)
{
	for (unsigned i = 0; i < message->block_count; i++)
		reply_done(&message->blocks[i].text);
	buf_done(&message->delta_head);
	*message = (struct message){0};
}
