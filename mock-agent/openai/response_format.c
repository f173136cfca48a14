#include "mock-agent/openai/response_format.h"

#include <string.h>

#include "lib/json.h"
#include "lib/json_write.h"
#include "lib/mem.h"
#include "mock-agent/faults/fault.h"
#include "mock-agent/openai/openai_error.h"
#include "mock-agent/openai/response_background.h"
#include "mock-agent/openai/response_items.h"
#include "mock-agent/openai/response_request.h"

/* Bytes of what is repeated: each event of a stream that has the response has it too. */
#define REPEATED_MAX ((size_t)1 << 20)

/* What a response repeats of its request, and what it says where that says nothing, or
 * more than it can repeat. */
static const struct {
	const char *name;
	const char *preset; /* JSON; NULL: nothing */
} repeated[] = {
	{"background", "false"},
	{"instructions", "null"},
	{"max_output_tokens", "null"},
	{"max_tool_calls", "null"},
	{"metadata", "{}"},
	{"parallel_tool_calls", "true"},
	{"previous_response_id", "null"},
	{"prompt_cache_key", "null"},
	{"reasoning", "{\"effort\":null,\"summary\":null}"},
	{"safety_identifier", "null"},
	{"service_tier", "\"default\""},
	{"store", "true"},
	{"temperature", "1"},
	{"text", "{\"format\":{\"type\":\"text\"},\"verbosity\":\"medium\"}"},
	{"tool_choice", "\"auto\""},
	{"tools", "[]"},
	{"top_logprobs", "0"},
	{"top_p", "1"},
	{"truncation", "\"disabled\""},
	{"user", NULL},
};

static void add_repeated(const cJSON *request, struct buf *text)
{
	size_t left = REPEATED_MAX;

	for (unsigned i = 0; i < COUNT(repeated); i++) {
		const cJSON *member = json_get(request, repeated[i].name);
		SCOPED(mem_free) char *given =
			member && !cJSON_IsNull(member) ? json_print(member) : NULL;
		const size_t len = given ? strlen(given) : 0;
		const bool repeats = given && len <= left;

		if (repeats || repeated[i].preset)
			buf_addf(text, ",\"%s\":%s", repeated[i].name,
				repeats ? given : repeated[i].preset);
		left -= repeats ? len : 0;
	}
}

static void add_output(const struct message *message, struct buf *text)
{
	for (unsigned i = 0; i < message->block_count; i++) {
		buf_adds(text, i > 0 ? "," : "");
		response_items_write(message, &message->blocks[i], text);
	}
}

static void add_usage(const struct message *message, struct buf *text)
{
	json_write(text,
		",'usage':{'input_tokens':%g,'input_tokens_details':{"
		"'cached_tokens':0,'cache_write_tokens':0},'output_tokens':%g,"
		"'output_tokens_details':{'reasoning_tokens':0},'total_tokens':%g}",
		(double)message->input_tokens, (double)message->output_tokens,
		(double)(message->input_tokens + message->output_tokens));
}

const char *response_format_final(const struct message *message)
{
	return message->stop == MESSAGE_STOP_LENGTH ? "incomplete" : "completed";
}

void response_format_write(
	const struct message *message, const char *status, struct buf *text)
{
	const bool over = strcmp(status, response_format_final(message)) == 0;

	json_write(text,
		"{'id':%s,'object':'response','created_at':%g,'status':%s,"
		"'model':%s",
		message->id, (double)message->created_s, status,
		message->conversation->model);
	buf_adds(text,
		strcmp(status, "failed") == 0
			? ",\"error\":{\"code\":\"server_error\",\"message\":\"The "
			  "first_byte fault was asked for.\"}"
			: ",\"error\":null");
	buf_adds(text,
		over && message->stop == MESSAGE_STOP_LENGTH
			? ",\"incomplete_details\":{\"reason\":\"max_output_tokens\"}"
			: ",\"incomplete_details\":null");
	buf_adds(text, ",\"access_programs\":null,\"output\":[");
	if (over)
		add_output(message, text);
	buf_adds(text, "]");
	add_repeated(message->conversation->body, text);
	if (over)
		add_usage(message, text);
	buf_adds(text, "}");
}

static void write_whole(struct message *message, struct buf *body)
{
	response_format_write(message, response_format_final(message), body);
}

/* The frames of a stream */

static void begin_event(struct message *message, const char *type, struct buf *frames)
{
	buf_addf(frames, "event: %s\ndata: ", type);
	json_write(
		frames, "{'type':%s,'sequence_number':%u", type, message->sequence++);
}

static void end_event(struct buf *frames)
{
	buf_adds(frames, "}\n\n");
}

static void write_response(struct message *message, const char *type,
	const char *status, struct buf *frames)
{
	begin_event(message, type, frames);
	buf_adds(frames, ",\"response\":");
	response_format_write(message, status, frames);
	end_event(frames);
}

static void write_begin(struct message *message, struct buf *frames)
{
	write_response(message, "response.created", "in_progress", frames);
	write_response(message, "response.in_progress", "in_progress", frames);
}

static unsigned index_of(const struct message *message, const struct block *block)
{
	return (unsigned)(block - message->blocks);
}

/* An event about a block's item, up to what is its own. */
static void begin_item_event(struct message *message, const struct block *block,
	const char *type, struct buf *frames)
{
	char id[RESPONSE_ITEM_ID_SIZE];

	response_items_id(id, message, block);
	begin_event(message, type, frames);
	json_write(frames, ",'item_id':%s,'output_index':%u", id,
		index_of(message, block));
	if (block->kind != BLOCK_TOOL)
		buf_adds(frames, ",\"content_index\":0");
}

static void begin_item(
	struct message *message, const struct block *block, struct buf *frames)
{
	char id[RESPONSE_ITEM_ID_SIZE];

	response_items_id(id, message, block);
	begin_event(message, "response.output_item.added", frames);
	json_write(frames, ",'output_index':%u,'item':", index_of(message, block));
	if (block->kind == BLOCK_TOOL)
		json_write(frames,
			"{'id':%s,'type':'function_call','status':'in_progress',"
			"'arguments':'','call_id':%s,'name':%s}",
			id, block->id, block->tool);
	else
		json_write(frames,
			"{'id':%s,'type':'message','status':'in_progress',"
			"'role':'assistant','content':[]}",
			id);
	end_event(frames);
}

/* What each delta of a block begins with; its sequence_number is behind the text. */
static void compose_delta_head(struct message *message, const struct block *block)
{
	const char *type = block->kind == BLOCK_TOOL
		? "response.function_call_arguments.delta"
		: "response.output_text.delta";
	struct buf *head = &message->delta_head;
	char id[RESPONSE_ITEM_ID_SIZE];

	response_items_id(id, message, block);
	buf_addf(head, "event: %s\ndata: ", type);
	json_write(head, "{'type':%s,'item_id':%s,'output_index':%u", type, id,
		index_of(message, block));
	if (block->kind != BLOCK_TOOL)
		buf_adds(head, ",\"content_index\":0,\"logprobs\":[]");
	buf_adds(head, ",\"delta\":\"");
}

/* The only part of a message's content. */
static void add_part(const char *part, struct buf *frames)
{
	json_write(frames,
		",'part':{'type':'output_text','annotations':[],'logprobs':[],"
		"'text':%s}",
		part);
}

static void begin_block(
	struct message *message, struct block *block, struct buf *frames)
{
	begin_item(message, block, frames);
	if (block->kind != BLOCK_TOOL) {
		begin_item_event(message, block, "response.content_part.added", frames);
		add_part("", frames);
		end_event(frames);
	}
	compose_delta_head(message, block);
}

static void write_delta(struct message *message, UNUSED struct block *block,
	const char *text, size_t len, struct buf *frames)
{
	buf_add(frames, message->delta_head.data, message->delta_head.len);
	json_write_escaped(frames, text, len);
	buf_addf(frames, "\",\"sequence_number\":%u}\n\n", message->sequence++);
}

static void end_block(struct message *message, struct block *block, struct buf *frames)
{
	const char *content = buf_text(&block->text.text);

	if (block->kind == BLOCK_TOOL) {
		begin_item_event(message, block,
			"response.function_call_arguments.done", frames);
		json_write(frames, ",'name':%s,'arguments':%s", block->tool, content);
		end_event(frames);
	} else {
		begin_item_event(message, block, "response.output_text.done", frames);
		json_write(frames, ",'logprobs':[],'text':%s", content);
		end_event(frames);
		begin_item_event(message, block, "response.content_part.done", frames);
		add_part(content, frames);
		end_event(frames);
	}
	begin_event(message, "response.output_item.done", frames);
	json_write(frames, ",'output_index':%u,'item':", index_of(message, block));
	response_items_write(message, block, frames);
	end_event(frames);
}

static void write_end(struct message *message, struct buf *frames)
{
	const char *status = response_format_final(message);
	SCOPED(mem_free) char *type = mem_textf("response.%s", status);

	write_response(message, type, status, frames);
}

void response_format_store(
	struct response_store *store, const struct message *message, const char *status)
{
	struct buf body = {0};

	buf_init(&body, RESPONSE_STORE_CEILING);
	response_format_write(message, status, &body);
	response_store_put(store, message->id, buf_take(&body),
		response_items_input(message->conversation),
		response_items_context(message));
}

static void keep(const struct message *message, struct api_request *request)
{
	if (json_bool(request->body, "store", true))
		response_format_store(&request->mock->responses, message,
			response_format_final(message));
}

static void write_error_frame(
	struct buf *frame, unsigned status, const char *message, unsigned sequence)
{
	buf_addf(frame,
		"event: error\ndata: {\"type\":\"error\",\"sequence_number\":%u,",
		sequence);
	openai_error_members(frame, status, message);
	buf_adds(frame, "}\n\n");
}

static const struct response_form whole_form = {
	.type = API_FORMAT_JSON,
	.half = "{\"id\":\"resp_01",
	.malformed = RESPONSE_NOT_JSON,
	.error = openai_error_write,
	.error_frame = write_error_frame,
};

static const struct response_form stream_form = {
	.type = API_FORMAT_SSE,
	.half = "event: response.created\ndata: {\"type\":\"response.cr",
	.malformed = "<html>\n\nevent: response.output_text.delta\ndata: {oops\n\n",
	.error = openai_error_write,
	.error_frame = write_error_frame,
};

const struct answer_format response_format = {
	.api = "responses",
	.prefixes = {"resp", "call"},
	.whole_form = &whole_form,
	.stream_form = &stream_form,
	.read = response_request_read,
	.whole = write_whole,
	.begin = write_begin,
	.block_begin = begin_block,
	.delta = write_delta,
	.block_end = end_block,
	.end = write_end,
	.keep = keep,
	.detach = response_background_take,
};
