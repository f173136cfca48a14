#include "mock-agent/openai/response_background.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/api/api_request.h"
#include "mock-agent/openai/openai_error.h"
#include "mock-agent/openai/response_format.h"
#include "mock-agent/openai/response_store.h"

struct response_background {
	struct mock *mock;
	cJSON *body; /* of the request: the conversation borrows from it */
	struct conversation conversation;
	struct message message;
	struct client_request client;
	struct fault_schedule *schedule;
	struct injection injection;
	struct loop_timer *timer;
	struct response_background *prev, *next; /* in mock->backgrounds */
};

static void destroy(struct response_background *background)
{
	DL_DELETE(background->mock->backgrounds, background);
	loop_timer_destroy(background->timer);
	message_done(&background->message);
	conversation_done(&background->conversation);
	cJSON_Delete(background->body);
	free(background);
}

static void store(const struct response_background *background, const char *status)
{
	response_format_store(
		&background->mock->responses, &background->message, status);
}

static void finish(
	struct response_background *background, const char *status, enum client_end end)
{
	const struct message *message = &background->message;
	const bool asks = message->stop == MESSAGE_STOP_TOOL &&
		background->conversation.choice == TOOL_CHOICE_AUTO;

	store(background, status);
	client_request_end(
		&background->client, end, asks ? message->blocks[0].tool : NULL);
	destroy(background);
}

static void on_timer(void *arg)
{
	struct response_background *background = arg;
	const struct client_session *session = background->client.session;

	if (background->schedule->blackholed)
		return;
	if (background->injection.fault != FAULT_NONE)
		fault_log(background->schedule, session ? session->id : NULL,
			&background->injection);
	switch (fault_on_turn(background->schedule, &background->injection)) {
	case FAULT_TURN_CONTINUES:
		finish(background, response_format_final(&background->message),
			CLIENT_ANSWERED);
		return;
	case FAULT_TURN_STOPS:
		return;
	case FAULT_TURN_FAILS:
		finish(background, "failed", CLIENT_FAILED);
		return;
	}
}

/* What is detached moves here, with the body that it borrows from. */
static struct response_background *create(
	struct api_request *request, const struct answer_detached *detached)
{
	struct response_background *background = mem_zeroed(sizeof *background);

	background->mock = request->mock;
	background->body = request->body;
	background->conversation = *detached->conversation;
	background->message = *detached->message;
	background->message.conversation = &background->conversation;
	background->client = *detached->client;
	background->schedule = request->schedule;
	request->body = NULL;
	*detached->conversation = (struct conversation){0};
	*detached->message = (struct message){0};
	*detached->client = (struct client_request){0};
	background->timer =
		loop_timer_create(request->mock->loop, on_timer, background);
	DL_APPEND(request->mock->backgrounds, background);
	return background;
}

bool response_background_take(
	struct api_request *request, const struct answer_detached *detached)
{
	struct response_background *background;
	SCOPED(buf_done) struct buf text = {0};

	if (!json_bool(request->body, "background", false) ||
		detached->conversation->streams)
		return false;
	background = create(request, detached);
	response_format_write(&background->message, "queued", &text);
	web_reply(request->exchange, 200, API_FORMAT_JSON, buf_text(&text), text.len);
	store(background, "in_progress");
	background->injection =
		fault_schedule_next(background->schedule, PHASE_FIRST_BYTE);
	loop_timer_set(background->timer, background->injection.delay_ns);
	return true;
}

bool response_background_cancel(struct mock *mock, const char *id)
{
	struct response_background *background;

	DL_FOREACH(mock->backgrounds, background) {
		if (strcmp(background->message.id, id) == 0) {
			finish(background, "cancelled", CLIENT_INTERRUPTED);
			return true;
		}
	}
	return false;
}

void response_background_clear(struct mock *mock)
{
	while (mock->backgrounds) {
		client_request_end(
			&mock->backgrounds->client, CLIENT_INTERRUPTED, NULL);
		destroy(mock->backgrounds);
	}
}
