#include "mock-agent/faults/fault.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "mock-agent/api_format.h"
#include "mock-agent/listener.h"

const struct response_form response_form_session = {
	.type = API_FORMAT_JSON,
	.half = "{\"id\":\"sesn_01",
	.malformed = RESPONSE_NOT_JSON,
	.error = api_format_write_error,
	.error_frame = api_format_error_frame,
};

const struct response_form response_form_events = {
	.type = API_FORMAT_SSE,
	.half = "event: session.status_running\ndata: {\"id\":\"se",
	.malformed = "<html>\n\nevent: agent.message\ndata: {oops\n\n",
	.error = api_format_write_error,
	.error_frame = api_format_error_frame,
};

void fault_log(const struct fault_schedule *schedule, const char *session_id,
	const struct injection *injection)
{
	log_event("agent.fault", "session", LOG_TEXT(schedule->label), "id",
		LOG_TEXT(session_id), "phase", LOG_TEXT(phase_name(injection->phase)),
		"fault", LOG_TEXT(fault_name(injection->fault)));
}

void fault_add_retry_after(struct web_exchange *exchange, int64_t ns)
{
	char number[32];

	snprintf(number, sizeof number, "%lld",
		(long long)((ns + CLOCK_S - 1) / CLOCK_S));
	web_add_header(exchange, "retry-after", number);
	snprintf(number, sizeof number, "%lld",
		(long long)((ns + CLOCK_MS - 1) / CLOCK_MS));
	web_add_header(exchange, "retry-after-ms", number);
}

/* The next functions replace one event's frame, or the whole response if it is NULL. */

static void send_error(const struct response *response,
	const struct injection *injection, const struct buf *frame)
{
	SCOPED(mem_free) char *message =
		mem_textf("The %s fault was asked for.", phase_name(injection->phase));
	SCOPED(buf_done) struct buf body = {0};

	if (frame) {
		response->form->error_frame(
			&body, injection->status, message, response->sequence);
		web_stream_add(response->exchange, body.data, body.len);
		web_stream_end(response->exchange);
		return;
	}
	if (injection->retry_after_ns > 0)
		fault_add_retry_after(response->exchange, injection->retry_after_ns);
	response->form->error(&body, injection->status, message, response->request_id);
	web_reply(response->exchange, injection->status, API_FORMAT_JSON, body.data,
		body.len);
}

static void send_half(const struct response *response, const struct buf *frame)
{
	const char *half = response->form->half;

	if (frame) {
		web_stream_add(response->exchange, frame->data, frame->len / 2);
	} else {
		web_stream_begin(response->exchange, 200, response->form->type);
		web_stream_add(response->exchange, half, strlen(half));
	}
	web_stream_cut(response->exchange);
}

static void send_malformed(const struct response *response, const struct buf *frame)
{
	const char *text = response->form->malformed;

	if (frame)
		web_stream_add(response->exchange, text, strlen(text));
	else
		web_reply(response->exchange, 200, response->form->type, text,
			strlen(text));
}

/* The part of a fault that concerns more than the response. */
static void apply(struct fault_schedule *schedule, const struct injection *injection)
{
	if (injection->fault == FAULT_BLACKHOLE)
		schedule->blackholed = true;
	else if (injection->fault == FAULT_REFUSE)
		listener_shut(schedule->schedules->listener);
}

bool fault_on_response(struct fault_schedule *schedule,
	const struct injection *injection, const struct response *response,
	const struct buf *frame)
{
	apply(schedule, injection);
	switch ((enum fault)injection->fault) {
	case FAULT_NONE:
		web_stream_add(response->exchange, frame->data, frame->len);
		return true;
	case FAULT_HANG:
	case FAULT_BLACKHOLE:
		return false;
	case FAULT_RESET:
	case FAULT_REFUSE:
		web_reset(response->exchange);
		return false;
	case FAULT_HALF_CLOSE:
		web_half_close(response->exchange);
		return false;
	case FAULT_ERROR:
		send_error(response, injection, frame);
		return false;
	case FAULT_TRUNCATE:
		send_half(response, frame);
		return false;
	case FAULT_MALFORM:
		send_malformed(response, frame);
		return true;
	}
	return false;
}

enum fault_turn fault_on_turn(
	struct fault_schedule *schedule, const struct injection *injection)
{
	apply(schedule, injection);
	if (injection->fault == FAULT_HANG || injection->fault == FAULT_BLACKHOLE)
		return FAULT_TURN_STOPS;
	return injection->fault == FAULT_ERROR ? FAULT_TURN_FAILS
					       : FAULT_TURN_CONTINUES;
}
