#include "mock-agent/faults/fault.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "mock-agent/api_format.h"
#include "mock-agent/listener.h"

#define NOT_JSON "<html><body>Bad Gateway</body></html>\n"

/* The beginning of a response up to a cut before what the client needs from it, and
 * text that is neither SSE nor JSON. */
static const struct {
	const char *type;
	const char *half;
	const char *malformed;
} forms[] = {
	[RESPONSE_SESSION] = {API_FORMAT_JSON, "{\"id\":\"sesn_01", NOT_JSON},
	[RESPONSE_EVENTS] = {API_FORMAT_SSE,
		"event: session.status_running\ndata: {\"id\":\"se",
		"<html>\n\nevent: agent.message\ndata: {oops\n\n"},
	[RESPONSE_MESSAGE] = {API_FORMAT_JSON, "{\"id\":\"msg_01", NOT_JSON},
	[RESPONSE_DELTAS] = {API_FORMAT_SSE,
		"event: message_start\ndata: {\"type\":\"message_st",
		"<html>\n\nevent: content_block_delta\ndata: {oops\n\n"},
};

void fault_log(const struct fault_schedule *schedule, const char *session_id,
	const struct injection *injection)
{
	log_event("agent.fault", "session", LOG_TEXT(schedule->label), "id",
		LOG_TEXT(session_id), "phase", LOG_TEXT(phase_name(injection->phase)),
		"fault", LOG_TEXT(fault_name(injection->fault)));
}

/* The next functions replace one event's frame, or the whole response if it is NULL. */

static void add_retry_after(struct web_exchange *exchange, int64_t ns)
{
	char number[32];

	snprintf(number, sizeof number, "%lld",
		(long long)((ns + CLOCK_S - 1) / CLOCK_S));
	web_add_header(exchange, "retry-after", number);
	snprintf(number, sizeof number, "%lld", (long long)(ns / CLOCK_MS));
	web_add_header(exchange, "retry-after-ms", number);
}

static void send_error(const struct response *response,
	const struct injection *injection, const struct buf *frame)
{
	SCOPED(mem_free) char *message =
		mem_textf("The %s fault was asked for.", phase_name(injection->phase));
	SCOPED(json_free) cJSON *body = api_format_error(
		injection->status, message, frame ? NULL : response->request_id);
	SCOPED(mem_free) char *text = json_print(body);
	SCOPED(buf_done) struct buf event = {0};

	if (frame) {
		api_format_frame(&event, "error", text);
		web_stream_add(response->exchange, event.data, event.len);
		web_stream_end(response->exchange);
		return;
	}
	if (injection->retry_after_ns > 0)
		add_retry_after(response->exchange, injection->retry_after_ns);
	web_reply(response->exchange, injection->status, API_FORMAT_JSON, text,
		strlen(text));
}

static void send_half(const struct response *response, const struct buf *frame)
{
	const char *half = forms[response->kind].half;

	if (frame) {
		web_stream_add(response->exchange, frame->data, frame->len / 2);
	} else {
		web_stream_begin(response->exchange, 200, forms[response->kind].type);
		web_stream_add(response->exchange, half, strlen(half));
	}
	web_stream_cut(response->exchange);
}

static void send_malformed(const struct response *response, const struct buf *frame)
{
	const char *text = forms[response->kind].malformed;

	if (frame)
		web_stream_add(response->exchange, text, strlen(text));
	else
		web_reply(response->exchange, 200, forms[response->kind].type, text,
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
