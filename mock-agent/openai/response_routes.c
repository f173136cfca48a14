#include "mock-agent/openai/response_routes.h"

#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "mock-agent/answer/answer.h"
#include "mock-agent/api/query.h"
#include "mock-agent/openai/openai_error.h"
#include "mock-agent/openai/response_background.h"
#include "mock-agent/openai/response_format.h"
#include "mock-agent/openai/response_request.h"

#define ITEMS_DEFAULT 20
#define ITEMS_MAX     100

void response_create_route(struct api_request *request)
{
	answer_request(request, &response_format);
}

void response_count_route(struct api_request *request)
{
	struct conversation conversation;

	conversation_begin(&conversation);
	conversation.body = request->body;
	if (response_request_read(&conversation, request))
		api_request_answer(request,
			json_fill(NULL,
				"{'object': 'response.input_tokens', 'input_tokens': "
				"%g}",
				(double)message_tokens(request->exchange->body.len)));
	conversation_done(&conversation);
}

/* NULL: the request was refused. */
static const struct stored_response *find(struct api_request *request)
{
	const struct stored_response *stored =
		response_store_find(&request->mock->responses, request->param[0]);

	if (!stored)
		openai_refuse_status(request, 404, NULL, NULL,
			"Response with id '%s' not found.", request->param[0]);
	return stored;
}

static void answer_stored(
	struct api_request *request, const struct stored_response *stored)
{
	web_reply(request->exchange, 200, API_FORMAT_JSON, stored->body,
		strlen(stored->body));
}

void response_get_route(struct api_request *request)
{
	const struct stored_response *stored = find(request);

	if (!stored)
		return;
	if (query_is_true(request, "stream")) {
		openai_refuse(request, "stream", "unsupported_parameter",
			"Unsupported parameter: 'stream'. mock-agent does not replay "
			"the events of a stored response.");
		return;
	}
	answer_stored(request, stored);
}

void response_delete_route(struct api_request *request)
{
	cJSON *body;

	if (!find(request))
		return;
	(void)response_background_cancel(request->mock, request->param[0]);
	(void)response_store_remove(&request->mock->responses, request->param[0]);
	body = json_fill(NULL, "{'id': %s, 'object': 'response'}", request->param[0]);
	cJSON_AddTrueToObject(body, "deleted");
	api_request_answer(request, body);
}

static bool is_background(const struct stored_response *stored)
{
	SCOPED(json_free) cJSON *body = json_parse(stored->body, strlen(stored->body));

	return json_bool(body, "background", false);
}

/* Cancelling what is over already is no mistake. */
void response_cancel_route(struct api_request *request)
{
	const struct stored_response *stored;

	(void)response_background_cancel(request->mock, request->param[0]);
	stored = find(request);
	if (!stored)
		return;
	if (is_background(stored))
		answer_stored(request, stored);
	else
		openai_refuse(
			request, NULL, NULL, "Cannot cancel a synchronous response.");
}

/* A page of the items, which are in the order of the answer. Takes items. */
static void answer_page(struct api_request *request, cJSON *items, int64_t limit)
{
	const bool more = cJSON_GetArraySize(items) > limit;
	cJSON *body = json_fill(NULL, "{'object': 'list'}");
	const cJSON *first, *last;

	while (cJSON_GetArraySize(items) > limit)
		cJSON_DeleteItemFromArray(items, (int)limit);
	first = items->child;
	last = first ? cJSON_GetArrayItem(items, cJSON_GetArraySize(items) - 1) : NULL;
	json_fill(body, "{'first_id': %s, 'last_id': %s}", json_text(first, "id"),
		json_text(last, "id"));
	cJSON_AddBoolToObject(body, "has_more", more);
	cJSON_AddItemToObject(body, "data", items);
	api_request_answer(request, body);
}

static void reverse(cJSON *items)
{
	const int count = cJSON_GetArraySize(items);

	for (int i = 1; i < count; i++)
		cJSON_InsertItemInArray(items, 0, cJSON_DetachItemFromArray(items, i));
}

/* Drops the items up to the one with this id. False: there is none. */
static bool drop_until(cJSON *items, const char *id)
{
	const cJSON *item;
	int count = 0;

	cJSON_ArrayForEach(item, items) {
		count++;
		if (api_format_is(item, "id", id))
			break;
	}
	for (int i = 0; i < count && item; i++)
		cJSON_DeleteItemFromArray(items, 0);
	return item != NULL;
}

void response_input_route(struct api_request *request)
{
	static const char *const orders[] = {"asc", "desc", NULL};
	const struct stored_response *stored = find(request);
	const char *after = web_query(request->exchange, "after", 0);
	int64_t limit = ITEMS_DEFAULT;
	cJSON *items;

	if (!stored || !query_number(request, "limit", ITEMS_MAX, &limit) ||
		!query_check_values(request, "order", orders))
		return;
	items = json_parse(stored->input, strlen(stored->input));
	if (query_allows(request, "order", "desc"))
		reverse(items);
	if (after && !drop_until(items, after)) {
		openai_refuse_status(request, 404, "after", NULL,
			"Item with id '%s' not found.", after);
		cJSON_Delete(items);
		return;
	}
	answer_page(request, items, limit);
}
