#include "mock-agent/openai/response_items.h"

#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/json_index.h"
#include "lib/json_write.h"
#include "lib/mem.h"
#include "mock-agent/openai/openai_error.h"
#include "mock-agent/openai/openai_request.h"

#define PARAM_SIZE 64

/* Writing */

/* "X" of "resp_X". */
static const char *random_part(const char *id)
{
	const char *line = strchr(id, '_');

	return line ? line + 1 : id;
}

void response_items_id(char id[RESPONSE_ITEM_ID_SIZE], const struct message *message,
	const struct block *block)
{
	const char *prefix = block->kind == BLOCK_TOOL ? "fc" : "msg";
	const unsigned index = (unsigned)(block - message->blocks);
	int len = snprintf(
		id, RESPONSE_ITEM_ID_SIZE, "%s_%s", prefix, random_part(message->id));

	if (index > 0)
		snprintf(id + len, RESPONSE_ITEM_ID_SIZE - (size_t)len, "_%u", index);
}

void response_items_write(
	const struct message *message, const struct block *block, struct buf *text)
{
	const char *status =
		message->stop == MESSAGE_STOP_LENGTH ? "incomplete" : "completed";
	const char *content = buf_text(&block->text.text);
	char id[RESPONSE_ITEM_ID_SIZE];

	response_items_id(id, message, block);
	if (block->kind == BLOCK_TOOL)
		json_write(text,
			"{'id':%s,'type':'function_call','status':%s,'arguments':%s,"
			"'call_id':%s,'name':%s}",
			id, status, content, block->id, block->tool);
	else
		json_write(text,
			"{'id':%s,'type':'message','status':%s,'role':'assistant',"
			"'content':[{'type':'output_text','annotations':[],"
			"'logprobs':[],'text':%s}]}",
			id, status, content);
}

/* The input as a list of complete items. Both give the caller a list. */

static cJSON *text_content(const char *text)
{
	cJSON *list = cJSON_CreateArray();

	cJSON_AddItemToArray(
		list, json_fill(NULL, "{'type': 'input_text', 'text': %s}", text));
	return list;
}

static const char *id_prefix(const cJSON *item)
{
	if (api_format_is(item, "type", "function_call"))
		return "fc";
	return api_format_is(item, "type", "message") ? "msg" : "item";
}

/* A message may leave out its type, and write its content as a text. */
static void complete_item(cJSON *item)
{
	const char *text = json_text(item, "content");
	char id[API_FORMAT_ID_SIZE];

	if (!json_get(item, "type"))
		cJSON_AddStringToObject(item, "type", "message");
	if (text && api_format_is(item, "type", "message"))
		cJSON_ReplaceItemInObjectCaseSensitive(
			item, "content", text_content(text));
	if (json_text(item, "id"))
		return;
	api_format_id(id, id_prefix(item));
	cJSON_AddStringToObject(item, "id", id);
	if (!json_get(item, "status"))
		cJSON_AddStringToObject(item, "status", "completed");
}

static cJSON *complete_input(const cJSON *input)
{
	cJSON *list, *item;

	if (cJSON_IsString(input)) {
		list = cJSON_CreateArray();
		item = cJSON_CreateObject();
		cJSON_AddStringToObject(item, "role", "user");
		cJSON_AddStringToObject(item, "content", input->valuestring);
		cJSON_AddItemToArray(list, item);
	} else {
		list = input ? cJSON_Duplicate(input, true) : cJSON_CreateArray();
	}
	cJSON_ArrayForEach(item, list)
		complete_item(item);
	return list;
}

/* Checks, of the input as it came */

static bool is_role(const char *role)
{
	static const char *const roles[] = {"assistant", "system", "developer", "user"};

	for (unsigned i = 0; i < COUNT(roles); i++) {
		if (strcmp(roles[i], role) == 0)
			return true;
	}
	return false;
}

static bool check_message(struct api_request *request, const cJSON *item, int index)
{
	const char *role = json_text(item, "role");
	const cJSON *content = json_get(item, "content");
	char param[PARAM_SIZE];

	snprintf(param, sizeof param, "input[%d].role", index);
	if (!role)
		return openai_refuse_missing(request, param);
	if (!is_role(role))
		return openai_refuse(request, param, "invalid_value",
			"Invalid value: '%s'. Supported values are: 'assistant', "
			"'system', 'developer', and 'user'.",
			role);
	snprintf(param, sizeof param, "input[%d].content", index);
	if (!content)
		return openai_refuse_missing(request, param);
	return cJSON_IsString(content) || cJSON_IsArray(content) ||
		openai_refuse_type(
			request, param, "a string or an array of objects", content);
}

static bool check_item(struct api_request *request, const cJSON *item, int index)
{
	const cJSON *type = json_get(item, "type");
	char param[PARAM_SIZE];

	snprintf(param, sizeof param, "input[%d]%s", index, type ? ".type" : "");
	if (!cJSON_IsObject(item))
		return openai_refuse_type(request, param, "an object", item);
	if (type && !cJSON_IsString(type))
		return openai_refuse_type(request, param, "a string", type);
	if (!type || strcmp(type->valuestring, "message") == 0)
		return check_message(request, item, index);
	return true;
}

static bool check_input(struct api_request *request)
{
	const cJSON *input = json_get(request->body, "input");
	const cJSON *item;
	int index = 0;

	if (!input)
		return json_text(request->body, "previous_response_id") ||
			openai_refuse_missing(request, "input");
	if (cJSON_IsString(input))
		return true;
	if (!cJSON_IsArray(input))
		return openai_refuse_type(
			request, "input", "a string or an array of input items", input);
	cJSON_ArrayForEach(item, input) {
		if (!check_item(request, item, index++))
			return false;
	}
	return true;
}

/* Items that are named only */

/* An item of a response's output; the caller's. NULL: there is none. */
static cJSON *stored_item(const struct response_store *store, const char *item_id)
{
	SCOPED(mem_free) char *id = mem_textf("resp_%s", random_part(item_id));
	SCOPED(json_free) cJSON *body = NULL;
	const struct stored_response *stored;
	const cJSON *item;

	/* The id of an item behind the first one ends in its number. */
	if (strchr(id + strlen("resp_"), '_'))
		*strchr(id + strlen("resp_"), '_') = '\0';
	stored = response_store_find(store, id);
	if (!stored)
		return NULL;
	body = json_parse(stored->body, strlen(stored->body));
	cJSON_ArrayForEach(item, json_get(body, "output")) {
		if (api_format_is(item, "id", item_id))
			return cJSON_Duplicate(item, true);
	}
	return NULL;
}

static bool resolve_references(
	struct api_request *request, const struct response_store *store, cJSON *items)
{
	cJSON *item, *next;

	for (item = items->child; item; item = next) {
		const char *id = json_text(item, "id");
		cJSON *found;

		next = item->next;
		if (!api_format_is(item, "type", "item_reference"))
			continue;
		found = id ? stored_item(store, id) : NULL;
		if (!found)
			return openai_refuse_status(request, 404, "input", NULL,
				"Item with id '%s' not found. Items are not persisted "
				"when `store` is set to false.",
				id ? id : "");
		cJSON_ReplaceItemViaPointer(items, item, found);
	}
	return true;
}

/* Reading */

static bool read_previous(
	cJSON *items, const struct response_store *store, struct api_request *request)
{
	const char *id = json_text(request->body, "previous_response_id");
	const struct stored_response *stored;
	SCOPED(json_free) cJSON *context = NULL;

	if (!id)
		return true;
	stored = response_store_find(store, id);
	if (!stored)
		return openai_refuse(request, "previous_response_id",
			"previous_response_not_found",
			"Previous response with id '%s' not found.", id);
	context = json_parse(stored->context, strlen(stored->context));
	while (context && context->child)
		cJSON_AddItemToArray(
			items, cJSON_DetachItemViaPointer(context, context->child));
	return true;
}

/* Items by their call_id. */
struct calls {
	struct json_index first;       /* calls */
	struct json_index last_output; /* from the item that is read on */
};

static void calls_done(struct calls *calls)
{
	json_index_done(&calls->first);
	json_index_done(&calls->last_output);
}

static void index_calls(struct calls *calls, const cJSON *items)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, items) {
		const char *call_id = json_text(item, "call_id");

		if (api_format_is(item, "type", "function_call"))
			json_index_add(&calls->first, call_id, item);
		else if (api_format_is(item, "type", "function_call_output"))
			json_index_replace(&calls->last_output, call_id, item);
	}
}

static bool read_output(struct conversation *conversation, struct api_request *request,
	struct calls *calls, const cJSON *item)
{
	const char *call_id = json_text(item, "call_id");
	const cJSON *call = json_index_find(&calls->first, call_id);
	SCOPED(mem_free) char *text = openai_request_text(json_get(item, "output"));

	if (!call)
		return openai_refuse(request, "input", NULL,
			"No tool call found for function call output with call_id %s.",
			call_id ? call_id : "");
	if (json_index_find(&calls->last_output, call_id) == item)
		json_index_remove(&calls->last_output, call_id);
	conversation_add_result(
		conversation, json_text(call, "name"), text ? text : "", false);
	return true;
}

static bool read_item(struct conversation *conversation, struct api_request *request,
	struct calls *calls, const cJSON *item)
{
	const char *call_id = json_text(item, "call_id");

	if (api_format_is(item, "type", "function_call_output"))
		return read_output(conversation, request, calls, item);
	if (api_format_is(item, "type", "function_call"))
		return json_index_find(&calls->last_output, call_id) ||
			openai_refuse(request, "input", NULL,
				"No tool output found for function call %s.",
				call_id ? call_id : "");
	if (api_format_is(item, "type", "message") &&
		api_format_is(item, "role", "user"))
		conversation_ask(
			conversation, openai_request_text(json_get(item, "content")));
	return true;
}

bool response_items_read(struct conversation *conversation,
	const struct response_store *store, struct api_request *request)
{
	cJSON *items = cJSON_CreateArray(), *input;
	SCOPED(calls_done) struct calls calls = {0};
	const cJSON *item;

	conversation->items = items;
	if (!check_input(request) || !read_previous(items, store, request))
		return false;
	conversation->items_before = (unsigned)cJSON_GetArraySize(items);
	input = complete_input(json_get(request->body, "input"));
	while (input->child)
		cJSON_AddItemToArray(
			items, cJSON_DetachItemViaPointer(input, input->child));
	cJSON_Delete(input);
	if (!resolve_references(request, store, items))
		return false;
	index_calls(&calls, items);
	cJSON_ArrayForEach(item, items) {
		if (!read_item(conversation, request, &calls, item))
			return false;
	}
	return true;
}

/* What is stored */

/* Appends the items from `first` on, without the brackets of their list. */
static void add_items(struct buf *text, const cJSON *first)
{
	for (; first; first = first->next) {
		SCOPED(mem_free) char *item = json_print(first);

		buf_addf(text, "%s%s", text->len > 1 ? "," : "", item);
	}
}

char *response_items_input(const struct conversation *conversation)
{
	struct buf text = {0};
	const cJSON *item = conversation->items->child;

	buf_init(&text, RESPONSE_STORE_CEILING);
	for (unsigned i = 0; item && i < conversation->items_before; i++)
		item = item->next;
	buf_adds(&text, "[");
	add_items(&text, item);
	buf_adds(&text, "]");
	return buf_take(&text);
}

char *response_items_context(const struct message *message)
{
	const cJSON *first = message->conversation->items->child, *item = first;
	struct buf text = {0};

	buf_init(&text, RESPONSE_STORE_CEILING);
	for (; item; item = item->next) {
		if (api_format_is(item, "type", "message") &&
			api_format_is(item, "role", "user"))
			first = item;
	}
	buf_adds(&text, "[");
	add_items(&text, first);
	for (unsigned i = 0; i < message->block_count; i++) {
		buf_adds(&text, text.len > 1 ? "," : "");
		response_items_write(message, &message->blocks[i], &text);
	}
	buf_adds(&text, "]");
	return buf_take(&text);
}
