#include "mock-agent/messages/message_format.h"

#include "lib/json_write.h"
#include "mock-agent/faults/fault.h"
#include "mock-agent/messages/message_request.h"

static const char *const stop_reasons[] = {
	[MESSAGE_STOP_END] = "end_turn",
	[MESSAGE_STOP_LENGTH] = "max_tokens",
	[MESSAGE_STOP_SEQUENCE] = "stop_sequence",
	[MESSAGE_STOP_TOOL] = "tool_use",
};

/* The members that an event's usage has as well, with its brace open. */
static void begin_usage(const struct message *message, int64_t output, struct buf *text)
{
	json_write(text,
		"'usage':{'input_tokens':%g,'output_tokens':%g,"
		"'cache_creation_input_tokens':0,'cache_read_input_tokens':0,"
		"'server_tool_use':null,'iterations':null,'fallback_credit':null,"
		"'output_tokens_details':{'thinking_tokens':%g}",
		(double)message->input_tokens, (double)output,
		(double)message->thinking_tokens);
}

static void add_usage(const struct message *message, int64_t output, struct buf *text)
{
	begin_usage(message, output, text);
	json_write(text,
		",'cache_creation':{'ephemeral_1h_input_tokens':0,"
		"'ephemeral_5m_input_tokens':0},'service_tier':'standard',"
		"'inference_geo':null,'speed':null}");
}

/* A content block; `begins`: as in content_block_start, without its content. */
static void add_block(const struct message *message, const struct block *block,
	bool begins, struct buf *text)
{
	const char *content = begins ? "" : buf_text(&block->text.text);

	switch (block->kind) {
	case BLOCK_THINKING:
		json_write(text, "{'type':'thinking','thinking':%s,'signature':%s}",
			content, begins ? "" : message->id);
		return;
	case BLOCK_TEXT:
		/* Some clients of the old version take a list, but no null. */
		json_write(text, "{'type':'text','text':%s", content);
		buf_adds(text,
			message->conversation->is_old ? ",\"citations\":[]}"
						      : ",\"citations\":null}");
		return;
	case BLOCK_TOOL:
		json_write(text,
			"{'type':'tool_use','id':%s,'name':%s,"
			"'caller':{'type':'direct'},'input':",
			block->id, block->tool);
		buf_addf(text, "%s}", begins ? "{}" : content);
	}
}

/* `begins`: as in message_start. */
static void add_message(const struct message *message, bool begins, struct buf *text)
{
	json_write(text,
		"{'id':%s,'type':'message','role':'assistant','model':%s,"
		"'stop_details':null,'container':null,'diagnostics':null,"
		"'context_management':null,'stop_sequence':",
		message->id, message->conversation->model);
	json_write_text(text, begins ? NULL : message->stop_sequence);
	buf_adds(text, ",\"stop_reason\":");
	json_write_text(text, begins ? NULL : stop_reasons[message->stop]);
	buf_adds(text, ",\"content\":[");
	for (unsigned i = 0; i < message->block_count && !begins; i++) {
		buf_adds(text, i > 0 ? "," : "");
		add_block(message, &message->blocks[i], false, text);
	}
	buf_adds(text, "],");
	add_usage(message, begins ? 1 : message->output_tokens, text);
	buf_adds(text, "}");
}

static void write_whole(struct message *message, struct buf *body)
{
	add_message(message, false, body);
}

/* The frames of a stream */

static unsigned index_of(const struct message *message, const struct block *block)
{
	return (unsigned)(block - message->blocks);
}

static void begin_event(const char *type, struct buf *frames)
{
	buf_addf(frames, "event: %s\n", type);
	buf_adds(frames, "data: ");
	json_write(frames, "{'type':%s", type);
}

static void end_event(struct buf *frames)
{
	buf_adds(frames, "}\n\n");
}

static void write_begin(struct message *message, struct buf *frames)
{
	begin_event("message_start", frames);
	buf_adds(frames, ",\"message\":");
	add_message(message, true, frames);
	end_event(frames);
	begin_event("ping", frames);
	end_event(frames);
}

static void begin_block(
	struct message *message, struct block *block, struct buf *frames)
{
	/* Up to the text of the delta, which is inside the quotes. */
	static const char *const deltas[] = {
		[BLOCK_THINKING] = "\"type\":\"thinking_delta\",\"thinking\":\"",
		[BLOCK_TEXT] = "\"type\":\"text_delta\",\"text\":\"",
		[BLOCK_TOOL] = "\"type\":\"input_json_delta\",\"partial_json\":\"",
	};

	begin_event("content_block_start", frames);
	json_write(frames, ",'index':%u,'content_block':", index_of(message, block));
	add_block(message, block, true, frames);
	end_event(frames);
	begin_event("content_block_delta", &message->delta_head);
	json_write(&message->delta_head, ",'index':%u,'delta':{",
		index_of(message, block));
	buf_adds(&message->delta_head, deltas[block->kind]);
}

static void write_delta(struct message *message, struct block *block UNUSED,
	const char *text, size_t len, struct buf *frames)
{
	buf_add(frames, message->delta_head.data, message->delta_head.len);
	json_write_escaped(frames, text, len);
	buf_adds(frames, "\"}}\n\n");
}

static void end_block(struct message *message, struct block *block, struct buf *frames)
{
	if (block->kind == BLOCK_THINKING) {
		begin_event("content_block_delta", frames);
		json_write(frames,
			",'index':%u,'delta':{'type':'signature_delta','signature':%s}",
			index_of(message, block), message->id);
		end_event(frames);
	}
	begin_event("content_block_stop", frames);
	json_write(frames, ",'index':%u", index_of(message, block));
	end_event(frames);
}

static void write_end(struct message *message, struct buf *frames)
{
	begin_event("message_delta", frames);
	json_write(frames,
		",'delta':{'stop_reason':%s,'stop_details':null,'container':null,"
		"'stop_sequence':",
		stop_reasons[message->stop]);
	json_write_text(frames, message->stop_sequence);
	buf_adds(frames, "},\"context_management\":null,");
	begin_usage(message, message->output_tokens, frames);
	buf_adds(frames, "}");
	end_event(frames);
	begin_event("message_stop", frames);
	end_event(frames);
}

static const struct response_form whole_form = {
	.type = API_FORMAT_JSON,
	.half = "{\"id\":\"msg_01",
	.malformed = RESPONSE_NOT_JSON,
	.error = api_format_write_error,
	.error_frame = api_format_error_frame,
};

static const struct response_form stream_form = {
	.type = API_FORMAT_SSE,
	.half = "event: message_start\ndata: {\"type\":\"message_st",
	.malformed = "<html>\n\nevent: content_block_delta\ndata: {oops\n\n",
	.error = api_format_write_error,
	.error_frame = api_format_error_frame,
};

const struct answer_format message_format = {
	.api = "messages",
	.prefixes = {"msg", "toolu"},
	.whole_form = &whole_form,
	.stream_form = &stream_form,
	.read = message_request_read,
	.whole = write_whole,
	.begin = write_begin,
	.block_begin = begin_block,
	.delta = write_delta,
	.block_end = end_block,
	.end = write_end,
};
