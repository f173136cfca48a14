#include "mock-agent/messages/messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/messages/conversation.h"
#include "mock-agent/session/session_numbers.h"

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

static cJSON *usage_json(const struct api_request *request, size_t output)
{
	cJSON *usage = cJSON_CreateObject();

	cJSON_AddNumberToObject(
		usage, "input_tokens", tokens(web_body(request->exchange)->len));
	cJSON_AddNumberToObject(usage, "output_tokens", tokens(output));
	cJSON_AddNumberToObject(usage, "cache_creation_input_tokens", 0);
	cJSON_AddNumberToObject(usage, "cache_read_input_tokens", 0);
	cJSON_AddNullToObject(usage, "cache_creation");
	cJSON_AddNullToObject(usage, "server_tool_use");
	cJSON_AddStringToObject(usage, "service_tier", "standard");
	return usage;
}

static const char *stop_reason(const struct message_answer *answer)
{
	return answer->conversation.tool ? "tool_use" : "end_turn";
}

/* A content block; `begins`: as in content_block_start, without its content. */
static cJSON *block_json(const struct message_answer *answer, bool begins)
{
	const struct conversation *conversation = &answer->conversation;
	cJSON *block = cJSON_CreateObject();
	char id[API_FORMAT_ID_SIZE];

	if (!conversation->tool) {
		cJSON_AddStringToObject(block, "type", "text");
		cJSON_AddStringToObject(block, "text",
			begins ? "" : buf_text(&conversation->reply.text));
		cJSON_AddNullToObject(block, "citations");
		return block;
	}
	api_format_id(id, "toolu");
	cJSON_AddStringToObject(block, "type", "tool_use");
	cJSON_AddStringToObject(block, "id", id);
	cJSON_AddStringToObject(block, "name", json_text(conversation->tool, "name"));
	cJSON_AddItemToObject(block, "input",
		begins ? cJSON_CreateObject()
		       : reply_tool_input(conversation->tool, conversation->prompt));
	cJSON_AddItemToObject(block, "caller", cJSON_Parse("{\"type\":\"direct\"}"));
	return block;
}

static cJSON *message_json(const struct message_answer *answer, bool begins)
{
	static const char *const nulls[] = {
		"stop_sequence", "stop_details", "container", "diagnostics"};
	cJSON *message = cJSON_CreateObject();
	cJSON *content;
	char id[API_FORMAT_ID_SIZE];

	api_format_id(id, "msg");
	cJSON_AddStringToObject(message, "id", id);
	cJSON_AddStringToObject(message, "type", "message");
	cJSON_AddStringToObject(message, "role", "assistant");
	cJSON_AddStringToObject(
		message, "model", json_text(answer->request->body, "model"));
	content = cJSON_AddArrayToObject(message, "content");
	if (begins) {
		cJSON_AddNullToObject(message, "stop_reason");
	} else {
		cJSON_AddItemToArray(content, block_json(answer, false));
		cJSON_AddStringToObject(message, "stop_reason", stop_reason(answer));
	}
	for (unsigned i = 0; i < COUNT(nulls); i++)
		cJSON_AddNullToObject(message, nulls[i]);
	cJSON_AddItemToObject(message, "usage",
		usage_json(answer->request,
			begins ? 0 : answer->conversation.reply.text.len));
	return message;
}

/* The stream */

static cJSON *frame_json(const char *type)
{
	cJSON *data = cJSON_CreateObject();

	cJSON_AddStringToObject(data, "type", type);
	return data;
}

static cJSON *block_frame_json(const char *type)
{
	cJSON *data = frame_json(type);

	cJSON_AddNumberToObject(data, "index", 0);
	return data;
}

/* Takes data. */
static void add_frame(struct buf *frame, cJSON *data)
{
	SCOPED(mem_free) char *json = json_print(data);

	api_format_frame(frame, json_text(data, "type"), json);
	cJSON_Delete(data);
}

static void send_frame(struct message_answer *answer, cJSON *data)
{
	SCOPED(buf_done) struct buf frame = {0};

	add_frame(&frame, data);
	web_stream_add(answer->request->exchange, frame.data, frame.len);
}

static void wait_for(struct message_answer *answer, enum phase phase)
{
	answer->injection = injector_next(answer->request->injector, phase);
	loop_timer_set(answer->next, answer->injection.delay_ns);
}

static void begin_stream(struct message_answer *answer)
{
	cJSON *data = frame_json("message_start");

	web_add_header(answer->request->exchange, "cache-control", "no-cache");
	web_stream_begin(answer->request->exchange, 200, API_FORMAT_SSE);
	cJSON_AddItemToObject(data, "message", message_json(answer, true));
	send_frame(answer, data);
	send_frame(answer, frame_json("ping"));
	data = block_frame_json("content_block_start");
	cJSON_AddItemToObject(data, "content_block", block_json(answer, true));
	send_frame(answer, data);
	reply_cut(&answer->conversation.reply,
		injector_behavior(answer->request->injector)->chunks);
	wait_for(answer, PHASE_FIRST_BYTE);
}

static void end_stream(struct message_answer *answer)
{
	cJSON *data = frame_json("message_delta"), *delta;

	send_frame(answer, block_frame_json("content_block_stop"));
	delta = cJSON_AddObjectToObject(data, "delta");
	cJSON_AddStringToObject(delta, "stop_reason", stop_reason(answer));
	cJSON_AddNullToObject(delta, "stop_sequence");
	cJSON_AddItemToObject(data, "usage",
		usage_json(answer->request, answer->conversation.reply.text.len));
	send_frame(answer, data);
	send_frame(answer, frame_json("message_stop"));
	web_stream_end(answer->request->exchange);
}

/* The next delta; there must be one. The caller's. */
static cJSON *delta_json(struct message_answer *answer)
{
	struct conversation *conversation = &answer->conversation;
	cJSON *data = block_frame_json("content_block_delta");
	cJSON *delta = cJSON_AddObjectToObject(data, "delta");
	SCOPED(buf_done) struct buf part = {0};
	size_t len = 0;

	if (conversation->tool) {
		SCOPED(json_free) cJSON *input =
			reply_tool_input(conversation->tool, conversation->prompt);
		SCOPED(mem_free) char *text = json_print(input);

		cJSON_AddStringToObject(delta, "type", "input_json_delta");
		cJSON_AddStringToObject(delta, "partial_json", text);
		conversation->reply.given = conversation->reply.parts;
	} else {
		const char *text = reply_next(&conversation->reply, &len);

		buf_add(&part, text, len);
		cJSON_AddStringToObject(delta, "type", "text_delta");
		cJSON_AddStringToObject(delta, "text", buf_text(&part));
	}
	return data;
}

static void on_next(void *arg)
{
	struct message_answer *answer = arg;
	const struct api_request *request = answer->request;
	const struct response response = api_request_response(request);
	const struct reply *reply = &answer->conversation.reply;
	SCOPED(buf_done) struct buf frame = {0};

	if (request->injector->blackholed)
		return;
	add_frame(&frame, delta_json(answer));
	if (answer->injection.fault != FAULT_NONE)
		fault_log(request->injector, NULL, &answer->injection);
	if (!fault_on_response(
		    request->injector, &answer->injection, &response, &frame))
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
		injector_behavior(request->injector)->tools);
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
		api_request_refuse(request, 400, "model: Field required");
	else if (with_max && json_int(request->body, "max_tokens", 0) < 1)
		api_request_refuse(request, 400, "max_tokens: Field required");
	else if (!cJSON_IsArray(messages))
		api_request_refuse(request, 400, "messages: Field required");
	else if (!messages->child)
		api_request_refuse(
			request, 400, "messages: at least one message is required");
	else
		return true;
	return false;
}

/* The mock stores no conversation. After this error code the SDKs send the whole
 * conversation, now and in later requests. */
static void refuse_thread(struct api_request *request)
{
	static const char *const unsupported[] = {"thread"};
	cJSON *body = api_format_error(
		400, "thread: message threads are not supported", request->id);
	cJSON *error = cJSON_GetObjectItemCaseSensitive(body, "error");
	cJSON *details = cJSON_AddObjectToObject(error, "details");

	cJSON_AddStringToObject(details, "error_code", "thread_unsupported_request");
	cJSON_AddItemToObject(
		details, "unsupported", cJSON_CreateStringArray(unsupported, 1));
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
	if (json_bool(request->body, "stream", false))
		request->response = RESPONSE_DELTAS;
	else
		request->response = RESPONSE_MESSAGE;
	api_request_wait(request,
		injectors_get(&mock->injectors,
			name ? session_numbers_take_named(mock->numbers, name) : 0),
		PHASE_MESSAGES, answer_message);
}

void messages_count_route(struct api_request *request)
{
	cJSON *body;

	if (!check_request(request, false))
		return;
	body = cJSON_CreateObject();
	cJSON_AddNumberToObject(
		body, "input_tokens", tokens(web_body(request->exchange)->len));
	api_request_answer(request, body);
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
	cJSON *model = cJSON_CreateObject();

	cJSON_AddStringToObject(model, "id", models[i].id);
	cJSON_AddStringToObject(model, "type", "model");
	cJSON_AddStringToObject(model, "display_name", models[i].name);
	cJSON_AddStringToObject(model, "created_at", models[i].created_at);
	return model;
}

void messages_models_route(struct api_request *request)
{
	cJSON *body = cJSON_CreateObject();
	cJSON *data = cJSON_AddArrayToObject(body, "data");

	for (unsigned i = 0; i < COUNT(models); i++)
		cJSON_AddItemToArray(data, model_json(i));
	cJSON_AddBoolToObject(body, "has_more", false);
	cJSON_AddStringToObject(body, "first_id", models[0].id);
	cJSON_AddStringToObject(body, "last_id", models[COUNT(models) - 1].id);
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
