#include "mock-agent/answer/answer.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/mem.h"

struct answer {
	struct api_request *request;
	const struct answer_format *format;
	struct conversation conversation;
	struct message message;     /* when the messages phase is over */
	struct loop_timer *next;    /* delta of a stream */
	struct injection injection; /* of that delta */
	unsigned block;             /* the one that it belongs to */
	int fault;                  /* enum fault: the last one performed */
	struct client_request client;
	struct buf frames; /* composed here, to be sent at once */
};

static void keep_message(struct answer *answer)
{
	if (answer->format->keep)
		answer->format->keep(&answer->message, answer->request);
}

/* The stream */

/* Frames that do not fit are no frames. */
static void send_frames(struct answer *answer)
{
	if (answer->frames.full)
		web_reset(answer->request->exchange);
	web_stream_add(
		answer->request->exchange, answer->frames.data, answer->frames.len);
	buf_clear(&answer->frames);
}

static void draw(struct answer *answer, enum phase phase)
{
	answer->injection = fault_schedule_next(answer->request->schedule, phase);
}

static void wait_for(struct answer *answer, int64_t ns, loop_timer_fn *resume)
{
	if (!answer->next)
		answer->next =
			loop_timer_create(answer->request->mock->loop, resume, answer);
	loop_timer_set(answer->next, ns);
}

/* The block of the next delta; NULL: all have been sent. */
static struct block *current_block(struct answer *answer)
{
	return answer->block < answer->message.block_count
		? &answer->message.blocks[answer->block]
		: NULL;
}

/* Begins the next block that has a delta. Only a text has several. */
static void begin_block(struct answer *answer)
{
	const struct session_behavior *behavior =
		fault_schedule_behavior(answer->request->schedule);
	struct block *block;

	while ((block = current_block(answer)) != NULL) {
		buf_clear(&answer->message.delta_head);
		answer->format->block_begin(&answer->message, block, &answer->frames);
		reply_cut(
			&block->text, block->kind == BLOCK_TEXT ? behavior->chunks : 1);
		if (block->text.parts > 0)
			return;
		answer->format->block_end(&answer->message, block, &answer->frames);
		answer->block++;
	}
}

static void end_stream(struct answer *answer)
{
	keep_message(answer);
	answer->format->end(&answer->message, &answer->frames);
	send_frames(answer);
	web_stream_end(answer->request->exchange);
}

/* Steps behind a delta that was sent, or was lost by a fault. False: it was the last. */
static bool step(struct answer *answer, struct block *block)
{
	if (block && block->text.given == block->text.parts) {
		answer->format->block_end(&answer->message, block, &answer->frames);
		answer->block++;
		begin_block(answer);
	}
	if (!current_block(answer)) {
		end_stream(answer);
		return false;
	}
	if (answer->frames.len > 0)
		send_frames(answer);
	draw(answer, PHASE_CHUNK);
	return true;
}

static const char *session_id(const struct answer *answer)
{
	return answer->client.session ? answer->client.session->id : NULL;
}

static void note_fault(struct answer *answer, const struct injection *injection)
{
	if (injection->fault == FAULT_NONE)
		return;
	answer->fault = injection->fault;
	fault_log(answer->request->schedule, session_id(answer), injection);
}

/* The next delta, or its fault. False: nothing may follow. */
static bool send_delta(struct answer *answer)
{
	const struct api_request *request = answer->request;
	struct response response = api_request_response(request);
	struct block *block = current_block(answer);
	const char *part;
	size_t len = 0;
	bool continues;

	response.sequence = answer->message.sequence;
	part = block ? reply_next(&block->text, &len) : NULL;
	if (part)
		answer->format->delta(
			&answer->message, block, part, len, &answer->frames);
	note_fault(answer, &answer->injection);
	continues = fault_on_response(
		request->schedule, &answer->injection, &response, &answer->frames);
	buf_clear(&answer->frames);
	return continues && step(answer, block);
}

/* How long the next delta waits; 0: not even for a turn of the loop. A fault comes when
 * what was before it has been sent. */
static int64_t wait_ns(const struct answer *answer)
{
	const struct injection *injection = &answer->injection;

	return injection->delay_ns == 0 && injection->fault != FAULT_NONE
		? CLOCK_MS
		: injection->delay_ns;
}

static void on_next(void *arg);

/* Deltas that are due at once go out in one write; all that a behavior can ask for are
 * fewer bytes than a stream may have unsent. */
static void continue_stream(struct answer *answer)
{
	int64_t ns = wait_ns(answer);

	while (ns == 0 && send_delta(answer))
		ns = wait_ns(answer);
	if (ns > 0)
		wait_for(answer, ns, on_next);
}

static void on_next(void *arg)
{
	struct answer *answer = arg;

	if (!answer->request->schedule->blackholed && send_delta(answer))
		continue_stream(answer);
}

static void begin_stream(struct answer *answer)
{
	struct web_exchange *exchange = answer->request->exchange;

	web_add_header(exchange, "cache-control", "no-cache");
	web_stream_begin(exchange, 200, API_FORMAT_SSE);
	answer->format->begin(&answer->message, &answer->frames);
	begin_block(answer);
	send_frames(answer);
	draw(answer, PHASE_FIRST_BYTE);
	continue_stream(answer);
}

/* The request */

/* Where nothing comes any more, the client ends it. */
static enum client_end how_it_ended(const struct answer *answer, enum web_end end)
{
	bool silent = answer->fault == FAULT_HANG || answer->fault == FAULT_BLACKHOLE;

	if (answer->fault != FAULT_NONE && !silent)
		return CLIENT_FAILED;
	switch (end) {
	case WEB_ANSWERED:
		return CLIENT_ANSWERED;
	case WEB_LEFT:
		return CLIENT_INTERRUPTED;
	case WEB_BROKEN:
		break;
	}
	return CLIENT_FAILED;
}

/* The tool that the answer asks for. One that the client forced is a form to fill in:
 * the turn ends with it. */
static const char *asked_tool(const struct answer *answer)
{
	const struct message *message = &answer->message;
	bool forced = answer->conversation.choice == TOOL_CHOICE_ANY ||
		answer->conversation.choice == TOOL_CHOICE_NAMED;

	for (unsigned i = 0; i < message->block_count && !forced; i++) {
		if (message->blocks[i].kind == BLOCK_TOOL)
			return message->blocks[i].tool;
	}
	return NULL;
}

static void on_over(struct api_request *request, enum web_end end)
{
	struct answer *answer = request->data;

	client_request_end(
		&answer->client, how_it_ended(answer, end), asked_tool(answer));
	message_done(&answer->message);
	conversation_done(&answer->conversation);
	loop_timer_destroy(answer->next);
	buf_done(&answer->frames);
	free(answer);
}

static void send_whole(struct answer *answer)
{
	const struct api_request *request = answer->request;
	const struct response response = api_request_response(request);

	if (request->schedule->blackholed)
		return;
	note_fault(answer, &answer->injection);
	if (answer->fault != FAULT_NONE) {
		(void)fault_on_response(
			request->schedule, &answer->injection, &response, NULL);
		return;
	}
	keep_message(answer);
	answer->format->whole(&answer->message, &answer->frames);
	if (answer->frames.full) {
		api_request_refuse(answer->request, 500, "The answer is too long.");
		return;
	}
	web_reply(answer->request->exchange, 200, API_FORMAT_JSON,
		buf_text(&answer->frames), answer->frames.len);
}

static void on_whole(void *arg)
{
	send_whole(arg);
}

/* What the first byte waits for, all of it does. */
static void begin_whole(struct answer *answer)
{
	draw(answer, PHASE_FIRST_BYTE);
	if (answer->injection.delay_ns > 0)
		wait_for(answer, answer->injection.delay_ns, on_whole);
	else
		send_whole(answer);
}

static bool detach(struct answer *answer)
{
	const struct answer_detached detached = {
		&answer->conversation, &answer->message, &answer->client};

	return answer->format->detach &&
		answer->format->detach(answer->request, &detached);
}

static void on_due(struct api_request *request)
{
	struct answer *answer = request->data;

	request->session_id = session_id(answer);
	if (api_request_is_faulted(request)) {
		answer->fault = request->injection.fault;
		return;
	}
	message_compose(&answer->message, &answer->conversation,
		&answer->format->prefixes,
		&fault_schedule_behavior(request->schedule)->tools);
	answer->message.input_tokens = answer->conversation.input_tokens > 0
		? answer->conversation.input_tokens
		: message_tokens(request->exchange->body.len);
	if (detach(answer))
		return;
	if (answer->conversation.streams)
		begin_stream(answer);
	else
		begin_whole(answer);
}

/* The session of the request, with a hold; NULL: there are too many. */
static struct client_session *take_session(struct answer *answer)
{
	const struct api_request *request = answer->request;
	const char *user = answer->conversation.user;
	SCOPED(mem_free) char *named = user ? client_session_of_user(user) : NULL;
	const struct client_origin origin = {
		.names =
			{
				[CLIENT_BY_PATH] = request->room,
				[CLIENT_BY_HEADER] = api_request_session_name(request),
				[CLIENT_BY_CLI] = web_header(
					request->exchange, "x-claude-code-session-id"),
				[CLIENT_BY_USER] = named,
			},
		.connection = request->exchange->client,
		.api = answer->format->api,
	};

	return client_sessions_take(&request->mock->clients, &origin);
}

/* Gives the schedule of its faults. */
static struct fault_schedule *begin_turn(struct answer *answer)
{
	struct mock *mock = answer->request->mock;
	struct client_session *session = take_session(answer);

	client_request_begin(&answer->client, session, &answer->conversation.turn);
	return session ? session->schedule : fault_schedules_get(&mock->schedules, 0);
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
	api_request_draw(request, begin_turn(answer), PHASE_MESSAGES);
	if (request->injection.delay_ns > 0)
		api_request_delay(request, on_due);
	else
		on_due(request);
}
