#include "mock-agent/answer/conversation.h"

#include <stdlib.h>

#include "lib/mem.h"

void conversation_begin(struct conversation *conversation)
{
	*conversation = (struct conversation){.prompt = mem_text("")};
	reply_begin(&conversation->reply, "");
}

void conversation_done(struct conversation *conversation)
{
	reply_done(&conversation->reply);
	free(conversation->prompt);
	free(conversation->tools);
	cJSON_Delete(conversation->items);
	*conversation = (struct conversation){0};
}

void conversation_ask(struct conversation *conversation, char *prompt)
{
	reply_done(&conversation->reply);
	free(conversation->prompt);
	conversation->prompt = prompt;
	conversation->answered = 0;
	client_turn_key_ask(&conversation->turn, prompt);
	reply_begin(&conversation->reply, prompt);
}

void conversation_add_result(struct conversation *conversation, const char *tool,
	const char *text, bool failed)
{
	reply_add_result(&conversation->reply, tool ? tool : "tool", text, failed);
	conversation->answered++;
	conversation->turn.has_results = true;
}

void conversation_add_tool(
	struct conversation *conversation, const char *name, const cJSON *schema)
{
	const unsigned count = conversation->tool_count;

	/* Doubled whenever it is full: at 1, 2, 4, ... */
	if ((count & (count - 1)) == 0)
		conversation->tools = mem_grown(conversation->tools,
			count > 0 ? 2 * count : 1, sizeof *conversation->tools);
	conversation->tools[count] = (struct conversation_tool){name, schema};
	conversation->tool_count++;
}
