#include "mock-agent/messages/messages.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "mock-agent/messages/conversation.h"

#define BYTES_PER_TOKEN 4 /* about */

/* The answer to one request. */
struct message_answer {
	struct api_request *request;
	struct conversation conversation;
	struct injection injection; /* of the next delta */
	struct loop_timer *next;    /* delta of a stream */
};

static double tokens(size_t bytes)
{
	return (double)(bytes / BYTES_PER_TOKEN + 1);
}

/* Adds "usage" to object. Gives object. */
static cJSON *add_usage(cJSON *object, const struct api_request *request, size_t output)
{
	return json_fill(object,
		"{'usage': {'input_tokens': %g, 'output_tokens': %g, "
		"'cache_creation_input_tokens': 0, 'cache_read_input_tokens': 0, "
		"'cache_creation': null, 'server_tool_use': null, "
		"'service_tier': 'standard'}}",
		tokens(request->exchange->body.len), tokens(output));
}

static const char *stop_reason(const struct message_answer *answer)
{
	return answer->conversation.tool ? "tool_use" : "end_turn";
}

/* A content block; `begins`: as in content_block_start, without its content. */
static cJSON *block_json(const struct message_answer *answer, bool begins)
{
	const struct conversation *conversation = &answer->conversation;
	char id[API_FORMAT_ID_SIZE];
	cJSON *block;

	if (!conversation->tool)
		return json_fill(NULL,
			"{'type': 'text', 'text': %s, 'citations': null}",
			begins ? "" : buf_text(&conversation->reply.text));
	api_format_id(id, "toolu");
	block = json_fill(NULL,
		"{'type': 'tool_use', 'id': %s, 'name': %s, "
		"'caller': {'type': 'direct'}}",
		id, json_text(conversation->tool, "name"));
	cJSON_AddItemToObject(block, "input",
		begins ? cJSON_CreateObject()
		       : reply_tool_input(conversation->tool, conversation->prompt));
	return block;
}

static cJSON *message_json(const struct message_answer *answer, bool begins)
{
	char id[API_FORMAT_ID_SIZE];
	cJSON *message;

	api_format_id(id, "msg");
	message = json_fill(NULL,
		"{'id': %s, 'type': 'message', 'role': 'assistant', 'model': %s, "
		"'stop_sequence': null, 'stop_details': null, 'container': null, "
		"'diagnostics': null}",
		id, json_text(answer->request->body, "model"));
	if (begins)
		return add_usage(
			json_fill(message, "{'content': [], 'stop_reason': null}"),
			answer->request, 0);
	json_fill(message, "{'stop_reason': %s}", stop_reason(answer));
	cJSON_AddItemToArray(
		cJSON_AddArrayToObject(message, "content"), block_json(answer, false));
	return add_usage(message, answer->request, answer->conversation.reply.text.len);
}

/* The stream */

/* Takes event. */
static void send_event(struct message_answer *answer, cJSON *event)
{
	SCOPED(buf_done) struct buf frame = {0};

	api_format_event(&frame, event);
	web_stream_add(answer->request->exchange, frame.data, frame.len);
	cJSON_Delete(event);
}

static void wait_for(struct message_answer *answer, enum phase phase)
{
	answer->injection = fault_schedule_next(answer->request->schedule, phase);
	loop_timer_set(answer->next, answer->injection.delay_ns);
}

static void begin_stream(struct message_answer *answer)
{
	cJSON *event = json_fill(NULL, "{'type': 'message_start'}");

	web_add_header(answer->request->exchange, "cache-control", "no-cache");
	web_stream_begin(answer->request->exchange, 200, API_FORMAT_SSE);
	cJSON_AddItemToObject(event, "message", message_json(answer, true));
	send_event(answer, event);
	send_event(answer, json_fill(NULL, "{'type': 'ping'}"));
	event = json_fill(NULL, "{'type': 'content_block_start', 'index': 0}");
	cJSON_AddItemToObject(event, "content_block", block_json(answer, true));
	send_event(answer, event);
	reply_cut(&answer->conversation.reply,
		fault_schedule_behavior(answer->request->schedule)->chunks);
	wait_for(answer, PHASE_FIRST_BYTE);
}

static void end_stream(struct message_answer *answer)
{
	send_event(
		answer, json_fill(NULL, "{'type': 'content_block_stop', 'index': 0}"));
	send_event(answer,
		add_usage(json_fill(NULL,
				  "{'type': 'message_delta', 'delta': "
				  "{'stop_reason': %s, 'stop_sequence': null}}",
				  stop_reason(answer)),
			answer->request, answer->conversation.reply.text.len));
	send_event(answer, json_fill(NULL, "{'type': 'message_stop'}"));
	web_stream_end(answer->request->exchange);
}

/* The next delta; there must be one. The caller's. */
static cJSON *delta_json(struct message_answer *answer)
{
	struct conversation *conversation = &answer->conversation;
	SCOPED(mem_free) char *text = NULL;

	if (conversation->tool) {
		SCOPED(json_free) cJSON *input =
			reply_tool_input(conversation->tool, conversation->prompt);

		text = json_print(input);
		conversation->reply.given = conversation->reply.parts;
		return json_fill(NULL,
			"{'type': 'content_block_delta', 'index': 0, 'delta': "
			"{'type': 'input_json_delta', 'partial_json': %s}}",
			text);
	}
	text = reply_next(&conversation->reply);
	return json_fill(NULL,
		"{'type': 'content_block_delta', 'index': 0, 'delta': "
		"{'type': 'text_delta', 'text': %s}}",
		text);
}

static void on_next(void *arg)
{
	struct message_answer *answer = arg;
	const struct api_request *request = answer->request;
	const struct response response = api_request_response(request);
	const struct reply *reply = &answer->conversation.reply;
	SCOPED(json_free) cJSON *delta = NULL;
	SCOPED(buf_done) struct buf frame = {0};

	if (request->schedule->blackholed)
		return;
	delta = delta_json(answer);
	api_format_event(&frame, delta);
	if (answer->injection.fault != FAULT_NONE)
		fault_log(request->schedule, NULL, &answer->injection);
	if (!fault_on_response(
		    request->schedule, &answer->injection, &response, &frame))
		return;
	if (reply->given < reply->parts)
		wait_for(answer, PHASE_CHUNK);
	else
		end_stream(answer);
}

/* The routes */

static void on_over(struct api_request *request, UNUSED enum web_end end)
{
	struct message_answer *answer = request->data;

	conversation_done(&answer->conversation);
	loop_timer_destroy(answer->next);
	free(answer);
}

static void answer_message(struct api_request *request)
{
	struct message_answer *answer;

	if (api_request_is_faulted(request))
		return;
	answer = mem_zeroed(sizeof *answer);
	answer->request = request;
	answer->next = loop_timer_create(request->mock->loop, on_next, answer);
	conversation_read(&answer->conversation, request->body,
		fault_schedule_behavior(request->schedule)->tools);
	request->data = answer;
	request->over = on_over;
	if (request->response == RESPONSE_DELTAS)
		begin_stream(answer);
	else
		api_request_answer(request, message_json(answer, false));
}

/* False: it was refused. */
static bool check_request(struct api_request *request, bool with_max)
{
	const cJSON *messages = json_get(request->body, "messages");

	if (!json_text(request->body, "model"))
		return api_request_refuse(request, 400, "model: Field required");
	if (with_max && json_int(request->body, "max_tokens", 0) < 1)
		return api_request_refuse(request, 400, "max_tokens: Field required");
	if (!cJSON_IsArray(messages))
		return api_request_refuse(request, 400, "messages: Field required");
	return messages->child ||
		api_request_refuse(
			request, 400, "messages: at least one message is required");
}

/* The mock stores no conversation. After this error code the SDKs send the whole
 * conversation, now and in later requests. */
static void refuse_thread(struct api_request *request)
{
	cJSON *body = api_format_error(
		400, "thread: message threads are not supported", request->id);

	json_fill(cJSON_GetObjectItemCaseSensitive(body, "error"),
		"{'details': {'error_code': 'thread_unsupported_request', "
		"'unsupported': ['thread']}}");
	api_request_reply(request, 400, body);
}

void messages_route(struct api_request *request)
{
	struct mock *mock = request->mock;
	const char *name = web_header(request->exchange, "x-claude-code-session-id");

	if (!check_request(request, true))
		return;
	if (cJSON_IsObject(json_get(request->body, "thread"))) {
		refuse_thread(request);
		return;
	}
	request->response = json_bool(request->body, "stream", false)
		? RESPONSE_DELTAS
		: RESPONSE_MESSAGE;
	api_request_wait(request,
		fault_schedules_get(&mock->schedules,
			name ? session_numbers_take_named(&mock->numbers, name) : 0),
		PHASE_MESSAGES, answer_message);
}

void messages_count_route(struct api_request *request)
{
	if (check_request(request, false))
		api_request_answer(request,
			json_fill(NULL, "{'input_tokens': %g}",
				tokens(request->exchange->body.len)));
}

static const struct {
	const char *id;
	const char *name;
	const char *created_at;
} models[] = {
	{"claude-opus-5", "Claude Opus 5", "2026-06-01T00:00:00Z"},
	{"claude-sonnet-5", "Claude Sonnet 5", "2026-04-01T00:00:00Z"},
	{"claude-haiku-4-5", "Claude Haiku 4.5", "2025-10-01T00:00:00Z"},
};

static cJSON *model_json(unsigned i)
{
	return json_fill(NULL,
		"{'id': %s, 'type': 'model', 'display_name': %s, 'created_at': %s}",
		models[i].id, models[i].name, models[i].created_at);
}

void messages_models_route(struct api_request *request)
{
	cJSON *body =
		json_fill(NULL, "{'has_more': false, 'first_id': %s, 'last_id': %s}",
			models[0].id, models[COUNT(models) - 1].id);
	cJSON *data = cJSON_AddArrayToObject(body, "data");

	for (unsigned i = 0; i < COUNT(models); i++)
		cJSON_AddItemToArray(data, model_json(i));
	api_request_answer(request, body);
}

void messages_model_route(struct api_request *request)
{
	for (unsigned i = 0; i < COUNT(models); i++) {
		if (strcmp(models[i].id, request->param[0]) == 0) {
			api_request_answer(request, model_json(i));
			return;
		}
	}
	api_request_refuse(request, 404, "model: %s", request->param[0]);
}
