#include "mock-agent/answer/answer.h"

#include <stdlib.h>

#include "lib/mem.h"

struct answer {
	struct api_request *request;
	const struct answer_format *format;
	struct conversation conversation;
	struct message message;     /* when the messages phase is over */
	struct loop_timer *next;    /* delta of a stream */
	struct injection injection; /* of that delta */
	unsigned block;             /* the one that it belongs to */
	struct buf frames;          /* composed here, to be sent at once */
};

static void keep_message(struct answer *answer)
{
	if (answer->format->keep)
		answer->format->keep(&answer->message, answer->request);
}

/* The stream */

static void send_frames(struct answer *answer)
{
	web_stream_add(
		answer->request->exchange, answer->frames.data, answer->frames.len);
	buf_clear(&answer->frames);
}

static void wait_for(struct answer *answer, enum phase phase)
{
	answer->injection = fault_schedule_next(answer->request->schedule, phase);
	loop_timer_set(answer->next, answer->injection.delay_ns);
}

/* The block of the next delta; NULL: all have been sent. */
static struct block *current_block(struct answer *answer)
{
	return answer->block < answer->message.block_count
		? &answer->message.blocks[answer->block]
		: NULL;
}

/* Only a text comes in several deltas. */
static void begin_block(struct answer *answer)
{
	const struct session_behavior *behavior =
		fault_schedule_behavior(answer->request->schedule);
	struct block *block = current_block(answer);

	if (!block)
		return;
	buf_clear(&answer->message.delta_head);
	answer->format->block_begin(&answer->message, block, &answer->frames);
	reply_cut(&block->text, block->kind == BLOCK_TEXT ? behavior->chunks : 1);
}

static void end_stream(struct answer *answer)
{
	keep_message(answer);
	answer->format->end(&answer->message, &answer->frames);
	send_frames(answer);
	web_stream_end(answer->request->exchange);
}

static void begin_stream(struct answer *answer)
{
	struct web_exchange *exchange = answer->request->exchange;

	web_add_header(exchange, "cache-control", "no-cache");
	web_stream_begin(exchange, 200, API_FORMAT_SSE);
	answer->format->begin(&answer->message, &answer->frames);
	begin_block(answer);
	send_frames(answer);
	wait_for(answer, PHASE_FIRST_BYTE);
}

/* Steps behind a delta that was sent, or was lost by a fault. */
static void continue_stream(struct answer *answer, struct block *block)
{
	if (block && block->text.given == block->text.parts) {
		answer->format->block_end(&answer->message, block, &answer->frames);
		answer->block++;
		begin_block(answer);
	}
	if (!current_block(answer)) {
		end_stream(answer);
		return;
	}
	if (answer->frames.len > 0)
		send_frames(answer);
	wait_for(answer, PHASE_CHUNK);
}

static void on_next(void *arg)
{
	struct answer *answer = arg;
	const struct api_request *request = answer->request;
	struct response response = api_request_response(request);
	struct block *block = current_block(answer);
	const char *part;
	size_t len = 0;
	bool continues;

	if (request->schedule->blackholed)
		return;
	response.sequence = answer->message.sequence;
	part = block ? reply_next(&block->text, &len) : NULL;
	if (part)
		answer->format->delta(
			&answer->message, block, part, len, &answer->frames);
	if (answer->injection.fault != FAULT_NONE)
		fault_log(request->schedule, NULL, &answer->injection);
	continues = fault_on_response(
		request->schedule, &answer->injection, &response, &answer->frames);
	buf_clear(&answer->frames);
	if (continues)
		continue_stream(answer, block);
}

/* The request */

static void on_over(struct api_request *request, UNUSED enum web_end end)
{
	struct answer *answer = request->data;

	message_done(&answer->message);
	conversation_done(&answer->conversation);
	loop_timer_destroy(answer->next);
	buf_done(&answer->frames);
	free(answer);
}

static void send_whole(struct answer *answer)
{
	keep_message(answer);
	answer->format->whole(&answer->message, &answer->frames);
	web_reply(answer->request->exchange, 200, API_FORMAT_JSON,
		buf_text(&answer->frames), answer->frames.len);
}

static void on_due(struct api_request *request)
{
	struct answer *answer = request->data;

	if (api_request_is_faulted(request))
		return;
	message_compose(&answer->message, &answer->conversation,
		&answer->format->prefixes,
		fault_schedule_behavior(request->schedule)->tools);
	answer->message.input_tokens = message_tokens(request->exchange->body.len);
	if (!answer->conversation.streams) {
		send_whole(answer);
		return;
	}
	answer->next = loop_timer_create(request->mock->loop, on_next, answer);
	begin_stream(answer);
}

static struct fault_schedule *schedule_of(const struct api_request *request)
{
	struct mock *mock = request->mock;
	const char *name = web_header(request->exchange, "x-claude-code-session-id");

	return fault_schedules_get(&mock->schedules,
		name ? session_numbers_take_named(&mock->numbers, name) : 0);
}

void answer_request(struct api_request *request, const struct answer_format *format)
{
	struct answer *answer = mem_zeroed(sizeof *answer);

	answer->request = request;
	answer->format = format;
	request->data = answer;
	request->over = on_over;
	buf_init(&answer->frames, WEB_UNSENT_MAX);
	conversation_begin(&answer->conversation);
	answer->conversation.body = request->body;
	if (!format->read(&answer->conversation, request))
		return;
	request->form =
		answer->conversation.streams ? format->stream_form : format->whole_form;
	api_request_wait(request, schedule_of(request), PHASE_MESSAGES, on_due);
}
