#include "mock-agent/openai/chat_request.h"

#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/json_index.h"
#include "lib/mem.h"
#include "mock-agent/openai/openai_error.h"
#include "mock-agent/openai/openai_request.h"

#define PARAM_SIZE 64
#define STOPS_MAX  4

static const struct openai_request where = {
	.tools = "function",
	.max = {"max_completion_tokens", "max_tokens"},
	.max_least = 1,
	.format = "response_format",
	.json_of = "json_schema",
	.messages = "messages",
};

static bool is_role(const char *role)
{
	static const char *const roles[] = {
		"system", "assistant", "user", "function", "tool", "developer"};

	for (unsigned i = 0; i < COUNT(roles); i++) {
		if (strcmp(roles[i], role) == 0)
			return true;
	}
	return false;
}

/* The name of the function of a call; NULL: the messages so far do not have this call. */
static const char *called_name(const struct json_index *calls, const char *call_id)
{
	const cJSON *call = json_index_find(calls, call_id);
	const cJSON *function = json_get(call, "function");

	return json_text(function ? function : json_get(call, "custom"), "name");
}

static void index_calls(struct json_index *calls, const cJSON *message)
{
	const cJSON *call;

	cJSON_ArrayForEach(call, json_get(message, "tool_calls"))
		json_index_add(calls, json_text(call, "id"), call);
}

static bool refuse_content(struct api_request *request, const cJSON *content, int index)
{
	char param[PARAM_SIZE];

	snprintf(param, sizeof param, "messages[%d].content", index);
	return content ? openai_refuse_type(request, param,
				 "a string or an array of objects", content)
		       : openai_refuse_missing(request, param);
}

/* A result, of a message of the role "tool". */
static bool read_result(struct conversation *conversation, struct api_request *request,
	const struct json_index *calls, const cJSON *message, int index)
{
	const char *name = called_name(calls, json_text(message, "tool_call_id"));
	SCOPED(mem_free) char *text = openai_request_text(json_get(message, "content"));
	char param[PARAM_SIZE];

	snprintf(param, sizeof param, "messages.[%d].role", index);
	if (!name)
		return openai_refuse(request, param, NULL,
			"Invalid parameter: messages with role 'tool' must be a "
			"response to a preceding message with 'tool_calls'.");
	if (!text)
		return refuse_content(request, json_get(message, "content"), index);
	conversation_add_result(conversation, name, text, false);
	return true;
}

static bool read_prompt(struct conversation *conversation, struct api_request *request,
	const cJSON *message, int index)
{
	const cJSON *content = json_get(message, "content");
	char *text = openai_request_text(content);

	if (!text)
		return refuse_content(request, content, index);
	conversation_ask(conversation, text);
	return true;
}

/* The tools' messages from this one on, by the calls that they answer. */
static void index_answers(struct json_index *answers, const cJSON *from)
{
	for (; from && api_format_is(from, "role", "tool"); from = from->next)
		json_index_add(answers, json_text(from, "tool_call_id"), from);
}

/* An assistant's calls must be answered by the messages behind it. */
static bool check_calls(struct api_request *request, const cJSON *message, int index)
{
	SCOPED(json_index_done) struct json_index answers = {0};
	const cJSON *calls = json_get(message, "tool_calls");
	const cJSON *call;
	char param[PARAM_SIZE];

	if (!calls &&
		(!json_get(message, "content") ||
			cJSON_IsNull(json_get(message, "content"))) &&
		!json_get(message, "function_call") && !json_get(message, "refusal"))
		return refuse_content(request, json_get(message, "content"), index);
	snprintf(param, sizeof param, "messages.[%d].role", index);
	index_answers(&answers, message->next);
	cJSON_ArrayForEach(call, calls) {
		const char *id = json_text(call, "id");

		if (!json_index_find(&answers, id))
			return openai_refuse(request, param, NULL,
				"An assistant message with 'tool_calls' must be "
				"followed by tool messages responding to each "
				"'tool_call_id'. The following tool_call_ids did not "
				"have response messages: %s",
				id ? id : "");
	}
	return true;
}

/* `calls`: those of the messages before this one. */
static bool read_message(struct conversation *conversation, struct api_request *request,
	const struct json_index *calls, const cJSON *message, int index)
{
	const char *role = json_text(message, "role");
	char param[PARAM_SIZE];

	snprintf(param, sizeof param, "messages[%d]%s", index,
		cJSON_IsObject(message) ? ".role" : "");
	if (!cJSON_IsObject(message))
		return openai_refuse_type(request, param, "an object", message);
	if (!role)
		return openai_refuse_missing(request, param);
	if (!is_role(role))
		return openai_refuse(request, param, "invalid_value",
			"Invalid value: '%s'. Supported values are: 'system', "
			"'assistant', 'user', 'function', 'tool', and 'developer'.",
			role);
	if (strcmp(role, "user") == 0)
		return read_prompt(conversation, request, message, index);
	if (strcmp(role, "tool") == 0)
		return read_result(conversation, request, calls, message, index);
	return strcmp(role, "assistant") != 0 || check_calls(request, message, index);
}

static bool read_messages(
	struct conversation *conversation, struct api_request *request)
{
	const cJSON *messages = json_get(request->body, "messages");
	SCOPED(json_index_done) struct json_index calls = {0};
	const cJSON *message;
	int index = 0;

	if (!messages)
		return openai_refuse_missing(request, "messages");
	if (!cJSON_IsArray(messages))
		return openai_refuse_type(
			request, "messages", "an array of objects", messages);
	if (!messages->child)
		return openai_refuse(request, "messages", "empty_array",
			"Invalid 'messages': empty array. Expected an array with "
			"minimum length 1, but got an empty array instead.");
	cJSON_ArrayForEach(message, messages) {
		if (!read_message(conversation, request, &calls, message, index++))
			return false;
		index_calls(&calls, message);
	}
	return true;
}

/* A single string becomes the list that a conversation has. */
static bool read_stops(struct conversation *conversation, struct api_request *request)
{
	const cJSON *stop = json_get(request->body, "stop");
	const cJSON *entry;
	cJSON *list;

	if (!stop || cJSON_IsNull(stop))
		return true;
	if (cJSON_IsString(stop)) {
		list = cJSON_CreateArray();
		cJSON_AddItemToArray(list, cJSON_Duplicate(stop, true));
		cJSON_ReplaceItemInObjectCaseSensitive(request->body, "stop", list);
		conversation->stops = list;
		return true;
	}
	cJSON_ArrayForEach(entry, stop) {
		if (!cJSON_IsString(entry))
			return openai_refuse_type(request, "stop",
				"a string or an array of strings", entry);
	}
	if (!cJSON_IsArray(stop) || cJSON_GetArraySize(stop) > STOPS_MAX)
		return openai_refuse(request, "stop", "array_above_max_length",
			"Invalid 'stop': expected a string, or an array of at most %d.",
			STOPS_MAX);
	conversation->stops = stop;
	return true;
}

static bool check_count(struct api_request *request)
{
	const cJSON *n = json_get(request->body, "n");

	return !n || cJSON_IsNull(n) || json_int(request->body, "n", 0) == 1 ||
		openai_refuse(request, "n", "unsupported_value",
			"Unsupported value: 'n' must be 1. mock-agent gives one "
			"choice.");
}

bool chat_request_read(struct conversation *conversation, struct api_request *request)
{
	if (!json_text(request->body, "model"))
		return openai_refuse(
			request, NULL, NULL, "you must provide a model parameter");
	return read_messages(conversation, request) && check_count(request) &&
		read_stops(conversation, request) &&
		openai_request_read(conversation, request, &where);
}
