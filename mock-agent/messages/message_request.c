#include "mock-agent/messages/message_request.h"

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "mock-agent/api_format.h"

bool message_request_check(struct api_request *request, bool answered)
{
	const cJSON *messages = json_get(request->body, "messages");

	if (!json_text(request->body, "model"))
		return api_request_refuse(request, 400, "model: Field required");
	if (answered && json_int(request->body, "max_tokens", 0) < 1)
		return api_request_refuse(request, 400, "max_tokens: Field required");
	if (!cJSON_IsArray(messages))
		return api_request_refuse(request, 400, "messages: Field required");
	return messages->child ||
		api_request_refuse(
			request, 400, "messages: at least one message is required");
}

/* Reading */

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

static void take_results(
	struct conversation *conversation, const cJSON *messages, const cJSON *content)
{
	const cJSON *block;

	cJSON_ArrayForEach(block, content) {
		SCOPED(mem_free) char *text = NULL;

		if (!api_format_is(block, "type", "tool_result"))
			continue;
		text = api_format_content_text(json_get(block, "content"));
		conversation_add_result(conversation,
			used_tool(messages, json_text(block, "tool_use_id")), text,
			json_bool(block, "is_error", false));
	}
}

/* Counts the tool results since the last prompt. Some clients put system messages
 * behind them, so that it is not enough to look at the last message. */
static void take_messages(struct conversation *conversation, const cJSON *messages)
{
	const cJSON *message;

	cJSON_ArrayForEach(message, messages) {
		const cJSON *content = json_get(message, "content");
		char *prompt;

		if (!api_format_is(message, "role", "user"))
			continue;
		if (has_results(content)) {
			take_results(conversation, messages, content);
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

void message_request_fill(struct conversation *conversation, const cJSON *body)
{
	conversation->model = json_text(body, "model");
	conversation->streams = json_bool(body, "stream", false);
	conversation->user = json_text(json_get(body, "metadata"), "user_id");
	take_messages(conversation, json_get(body, "messages"));
	take_tools(conversation, json_get(body, "tools"));
	if (api_format_is(json_get(body, "tool_choice"), "type", "none"))
		conversation->choice = TOOL_CHOICE_NONE;
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
	const cJSON *body = request->body;

	if (!message_request_check(request, true))
		return false;
	if (cJSON_IsObject(json_get(body, "thread")))
		return refuse_thread(request);
	message_request_fill(conversation, body);
	return true;
}
