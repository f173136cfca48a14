#include "mock-agent/messages/conversation.h"

#include <stdlib.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/api_format.h"

static bool has_results(const cJSON *content)
{
	const cJSON *block;

	cJSON_ArrayForEach(block, content) {
		if (api_format_is(block, "type", "tool_result"))
			return true;
	}
	return false;
}

/* The name of the tool of a use. */
static const char *used_tool(const cJSON *messages, const char *use_id)
{
	const cJSON *message, *block;

	cJSON_ArrayForEach(message, messages) {
		cJSON_ArrayForEach(block, json_get(message, "content")) {
			if (api_format_is(block, "type", "tool_use") && use_id &&
				api_format_is(block, "id", use_id))
				return json_text(block, "name");
		}
	}
	return NULL;
}

/* The user's text: a string, or the last text block (the others are reminders that a
 * client adds). */
static char *prompt_of(const cJSON *content)
{
	const char *text = cJSON_GetStringValue(content);
	const cJSON *block;

	cJSON_ArrayForEach(block, content) {
		if (json_text(block, "text"))
			text = json_text(block, "text");
	}
	return mem_text(text);
}

static int64_t take_results(
	struct conversation *conversation, const cJSON *messages, const cJSON *content)
{
	const cJSON *block;
	int64_t count = 0;

	cJSON_ArrayForEach(block, content) {
		const char *tool = used_tool(messages, json_text(block, "tool_use_id"));
		SCOPED(mem_free) char *text = NULL;

		if (!api_format_is(block, "type", "tool_result"))
			continue;
		text = api_format_content_text(json_get(block, "content"));
		reply_add_result(&conversation->reply, tool ? tool : "tool", text,
			json_bool(block, "is_error", false));
		count++;
	}
	return count;
}

/* Counts the tool results since the last prompt. Some clients put system messages
 * behind them, so that it is not enough to look at the last message. */
void conversation_read(
	struct conversation *conversation, const cJSON *body, int64_t tools)
{
	const cJSON *messages = json_get(body, "messages");
	int64_t answered = 0;
	int count;
	const cJSON *message;

	*conversation = (struct conversation){.prompt = mem_text("")};
	reply_begin(&conversation->reply, "");
	cJSON_ArrayForEach(message, messages) {
		const cJSON *content = json_get(message, "content");
		char *asked;

		if (!api_format_is(message, "role", "user"))
			continue;
		if (has_results(content)) {
			answered += take_results(conversation, messages, content);
			continue;
		}
		asked = prompt_of(content);
		if (!asked)
			continue;
		conversation_done(conversation);
		conversation->prompt = asked;
		reply_begin(&conversation->reply, asked);
		answered = 0;
	}
	conversation->custom = reply_custom_tools(json_get(body, "tools"));
	count = cJSON_GetArraySize(conversation->custom);
	if (count > 0 && answered < tools &&
		!api_format_is(json_get(body, "tool_choice"), "type", "none"))
		conversation->tool = cJSON_GetArrayItem(
			conversation->custom, (int)(answered % count));
}

void conversation_done(struct conversation *conversation)
{
	reply_done(&conversation->reply);
	free(conversation->prompt);
	cJSON_Delete(conversation->custom);
	*conversation = (struct conversation){0};
}
