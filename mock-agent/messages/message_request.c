#include "mock-agent/messages/message_request.h"

#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/json_index.h"
#include "lib/mem.h"
#include "mock-agent/answer/message.h"
#include "mock-agent/api_format.h"
#include "mock-agent/messages/message_check.h"

#define FILE_BYTES 6000 /* an image is about 1500 tokens */

static bool has_results(const cJSON *content)
{
	const cJSON *block;

	cJSON_ArrayForEach(block, content) {
		if (api_format_is(block, "type", "tool_result"))
			return true;
	}
	return false;
}

/* The uses of tools, by their id. */
static void index_uses(struct json_index *uses, const cJSON *messages)
{
	const cJSON *message, *block;

	cJSON_ArrayForEach(message, messages) {
		cJSON_ArrayForEach(block, json_get(message, "content")) {
			if (api_format_is(block, "type", "tool_use"))
				json_index_add(uses, json_text(block, "id"), block);
		}
	}
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

static void take_results(struct conversation *conversation,
	const struct json_index *uses, const cJSON *content)
{
	const cJSON *block;

	cJSON_ArrayForEach(block, content) {
		const char *id = json_text(block, "tool_use_id");
		SCOPED(mem_free) char *text = NULL;

		if (!api_format_is(block, "type", "tool_result"))
			continue;
		text = api_format_content_text(json_get(block, "content"));
		conversation_add_result(conversation,
			json_text(json_index_find(uses, id), "name"), text,
			json_bool(block, "is_error", false));
	}
}

/* Counts the tool results since the last prompt. Some clients put system messages
 * behind them, so that it is not enough to look at the last message. */
static void take_messages(struct conversation *conversation, const cJSON *messages)
{
	SCOPED(json_index_done) struct json_index uses = {0};
	const cJSON *message;

	index_uses(&uses, messages);
	cJSON_ArrayForEach(message, messages) {
		const cJSON *content = json_get(message, "content");
		char *prompt;

		if (!api_format_is(message, "role", "user"))
			continue;
		if (has_results(content)) {
			take_results(conversation, &uses, content);
			continue;
		}
		prompt = prompt_of(content);
		if (prompt)
			conversation_ask(conversation, prompt);
	}
}

static void take_tools(struct conversation *conversation, const cJSON *tools)
{
	SCOPED(json_free) cJSON *custom = reply_custom_tools(tools);
	const cJSON *tool;

	cJSON_ArrayForEach(tool, custom)
		conversation_add_tool(conversation, json_text(tool, "name"),
			json_get(tool, "input_schema"));
}

static void take_choice(struct conversation *conversation, const cJSON *choice)
{
	static const struct {
		const char *type;
		enum tool_choice choice;
	} choices[] = {
		{"none", TOOL_CHOICE_NONE},
		{"any", TOOL_CHOICE_ANY},
		{"tool", TOOL_CHOICE_NAMED},
	};

	for (unsigned i = 0; i < COUNT(choices); i++) {
		if (api_format_is(choice, "type", choices[i].type))
			conversation->choice = choices[i].choice;
	}
	conversation->chosen = json_text(choice, "name");
}

/* "adaptive" leaves it to the model, and this one always thinks; "between_tools" is for
 * what follows a tool's result. */
static bool thinks(const struct conversation *conversation, const cJSON *thinking)
{
	return api_format_is(thinking, "type", "enabled") ||
		api_format_is(thinking, "type", "adaptive") ||
		(api_format_is(thinking, "type", "between_tools") &&
			conversation->answered > 0);
}

void message_request_fill(struct conversation *conversation, const cJSON *body)
{
	const cJSON *thinking = json_get(body, "thinking");

	conversation->model = json_text(body, "model");
	conversation->streams = json_bool(body, "stream", false);
	conversation->user = json_text(json_get(body, "metadata"), "user_id");
	conversation->max_tokens = json_int(body, "max_tokens", 0);
	conversation->stops = json_get(body, "stop_sequences");
	conversation->schema = json_at(body, "output_config.format.schema");
	if (!conversation->schema)
		conversation->schema = json_at(body, "output_format.schema");
	take_messages(conversation, json_get(body, "messages"));
	take_tools(conversation, json_get(body, "tools"));
	take_choice(conversation, json_get(body, "tool_choice"));
	conversation->thinks = thinks(conversation, thinking);
	conversation->hides_thoughts = api_format_is(thinking, "display", "omitted");
	conversation->input_tokens = message_request_tokens(body);
}

/* Bytes of text below node. The data of an image or a document is no text. */
static size_t text_bytes(const cJSON *node)
{
	size_t bytes = node->string ? strlen(node->string) : 0;
	const cJSON *member;

	if (cJSON_IsString(node))
		return bytes + strlen(node->valuestring);
	cJSON_ArrayForEach(member, node) {
		if (api_format_is(member, "type", "base64"))
			bytes += FILE_BYTES;
		else
			bytes += text_bytes(member);
	}
	return bytes + 1;
}

int64_t message_request_tokens(const cJSON *body)
{
	static const char *const members[] = {"system", "messages", "tools"};
	size_t bytes = 0;

	for (unsigned i = 0; i < COUNT(members); i++) {
		const cJSON *member = json_get(body, members[i]);

		if (member)
			bytes += text_bytes(member);
	}
	return message_tokens(bytes);
}

/* The mock stores no conversation. After this error code the SDKs send the whole
 * conversation, now and in later requests. */
static bool refuse_thread(struct api_request *request)
{
	cJSON *body = api_format_error(
		400, "thread: message threads are not supported", request->id);

	json_fill(cJSON_GetObjectItemCaseSensitive(body, "error"),
		"{'details': {'error_code': 'thread_unsupported_request', "
		"'unsupported': ['thread']}}");
	api_request_reply(request, 400, body);
	return false;
}

bool message_request_read(
	struct conversation *conversation, struct api_request *request)
{
	const char *version = web_header(request->exchange, "anthropic-version");
	struct err err;

	if (!message_check(request->body, true, &err))
		return api_request_refuse(request, 400, "%s", err.text);
	if (cJSON_IsObject(json_get(request->body, "thread")))
		return refuse_thread(request);
	message_request_fill(conversation, request->body);
	conversation->is_old = version && strcmp(version, "2024") < 0;
	return true;
}
