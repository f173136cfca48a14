#include "mock-agent/openai/chat_format.h"

#include <string.h>

#include "lib/json.h"
#include "lib/json_write.h"
#include "mock-agent/faults/fault.h"
#include "mock-agent/openai/chat_request.h"
#include "mock-agent/openai/openai_error.h"

static const char *const finish_reasons[] = {
	[MESSAGE_STOP_END] = "stop",
	[MESSAGE_STOP_LENGTH] = "length",
	[MESSAGE_STOP_SEQUENCE] = "stop",
	[MESSAGE_STOP_TOOL] = "tool_calls",
};

/* Its number among the tool calls. */
static unsigned call_index(const struct message *message, const struct block *block)
{
	unsigned index = 0;

	for (const struct block *before = message->blocks; before < block; before++)
		index += before->kind == BLOCK_TOOL;
	return index;
}

/* NULL: it calls tools. A text that is empty is no block. */
static const char *text_of(const struct message *message)
{
	for (unsigned i = 0; i < message->block_count; i++) {
		if (message->blocks[i].kind == BLOCK_TEXT)
			return buf_text(&message->blocks[i].text.text);
	}
	return message->block_count > 0 ? NULL : "";
}

static void add_usage(const struct message *message, struct buf *text)
{
	json_write(text,
		"'usage':{'prompt_tokens':%g,'completion_tokens':%g,'total_tokens':%g,"
		"'prompt_tokens_details':{'cached_tokens':0,'audio_tokens':0},"
		"'completion_tokens_details':{'reasoning_tokens':0,'audio_tokens':0,"
		"'accepted_prediction_tokens':0,'rejected_prediction_tokens':0}}",
		(double)message->input_tokens, (double)message->output_tokens,
		(double)(message->input_tokens + message->output_tokens));
}

/* Up to the value of "choices". */
static void add_head(
	const struct message *message, const char *object, struct buf *text)
{
	buf_addf(text, "{\"id\":\"chatcmpl-%s\"", strchr(message->id, '_') + 1);
	json_write(text,
		",'object':%s,'created':%g,'model':%s,"
		"'service_tier':'default','system_fingerprint':'fp_mock_agent',"
		"'choices':",
		object, (double)message->created_s, message->conversation->model);
}

static void add_calls(const struct message *message, struct buf *text)
{
	unsigned count = 0;

	for (unsigned i = 0; i < message->block_count; i++) {
		const struct block *block = &message->blocks[i];

		if (block->kind != BLOCK_TOOL)
			continue;
		buf_adds(text, count++ > 0 ? "," : ",\"tool_calls\":[");
		json_write(text,
			"{'id':%s,'type':'function','function':{'name':%s,"
			"'arguments':%s}}",
			block->id, block->tool, buf_text(&block->text.text));
	}
	buf_adds(text, count > 0 ? "]" : "");
}

static void write_whole(struct message *message, struct buf *body)
{
	add_head(message, "chat.completion", body);
	json_write(body,
		"[{'index':0,'message':{'role':'assistant','content':%s,"
		"'refusal':null,'annotations':[]",
		text_of(message));
	add_calls(message, body);
	json_write(body, "},'logprobs':null,'finish_reason':%s}],",
		finish_reasons[message->stop]);
	add_usage(message, body);
	buf_adds(body, "}");
}

/* The frames of a stream */

static bool wants_usage(const struct message *message)
{
	return json_bool(json_get(message->conversation->body, "stream_options"),
		"include_usage", false);
}

/* Up to the delta's members. */
static void begin_chunk(const struct message *message, struct buf *frames)
{
	buf_adds(frames, "data: ");
	add_head(message, "chat.completion.chunk", frames);
	buf_adds(frames, "[{\"index\":0,\"delta\":{");
}

/* From behind the delta's members on. */
static void end_chunk(
	const struct message *message, const char *finish_reason, struct buf *frames)
{
	json_write(frames, "},'logprobs':null,'finish_reason':%s}]", finish_reason);
	buf_adds(frames, wants_usage(message) ? ",\"usage\":null}\n\n" : "}\n\n");
}

static void write_begin(struct message *message, struct buf *frames)
{
	begin_chunk(message, frames);
	json_write(frames, "'role':'assistant','content':%s,'refusal':null",
		text_of(message) ? "" : NULL);
	end_chunk(message, NULL, frames);
}

static void begin_block(
	struct message *message, struct block *block, struct buf *frames)
{
	begin_chunk(message, &message->delta_head);
	if (block->kind != BLOCK_TOOL) {
		buf_adds(&message->delta_head, "\"content\":\"");
		return;
	}
	begin_chunk(message, frames);
	json_write(frames,
		"'tool_calls':[{'index':%u,'id':%s,'type':'function','function':"
		"{'name':%s,'arguments':''}}]",
		call_index(message, block), block->id, block->tool);
	end_chunk(message, NULL, frames);
	json_write(&message->delta_head, "'tool_calls':[{'index':%u,'function':{",
		call_index(message, block));
	buf_adds(&message->delta_head, "\"arguments\":\"");
}

static void write_delta(struct message *message, struct block *block, const char *text,
	size_t len, struct buf *frames)
{
	buf_add(frames, message->delta_head.data, message->delta_head.len);
	json_write_escaped(frames, text, len);
	buf_adds(frames, block->kind == BLOCK_TOOL ? "\"}}]" : "\"");
	end_chunk(message, NULL, frames);
}

static void end_block(UNUSED struct message *message, UNUSED struct block *block,
	UNUSED struct buf *frames)
{
}

static void write_end(struct message *message, struct buf *frames)
{
	begin_chunk(message, frames);
	end_chunk(message, finish_reasons[message->stop], frames);
	if (wants_usage(message)) {
		buf_adds(frames, "data: ");
		add_head(message, "chat.completion.chunk", frames);
		buf_adds(frames, "[],");
		add_usage(message, frames);
		buf_adds(frames, "}\n\n");
	}
	buf_adds(frames, "data: [DONE]\n\n");
}

static const struct response_form whole_form = {
	.type = API_FORMAT_JSON,
	.half = "{\"id\":\"chatcmpl-",
	.malformed = RESPONSE_NOT_JSON,
	.error = openai_error_write,
	.error_frame = openai_error_frame,
};

static const struct response_form stream_form = {
	.type = API_FORMAT_SSE,
	.half = "data: {\"id\":\"chatcmpl-",
	.malformed = "<html>\n\ndata: {oops\n\n",
	.error = openai_error_write,
	.error_frame = openai_error_frame,
};

const struct answer_format chat_format = {
	.api = "chat",
	.prefixes = {"chatcmpl", "call"},
	.whole_form = &whole_form,
	.stream_form = &stream_form,
	.read = chat_request_read,
	.whole = write_whole,
	.begin = write_begin,
	.block_begin = begin_block,
	.delta = write_delta,
	.block_end = end_block,
	.end = write_end,
};
