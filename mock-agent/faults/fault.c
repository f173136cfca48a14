#include "mock-agent/faults/fault.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/session/api_session.h"
#include "mock-agent/session/event.h"

#define NO_JSON "<html><body>Bad Gateway</body></html>\n"

/* How an answer begins, up to where it is cut off: what the client would have to know
 * is in the other half. And what is neither SSE nor JSON. */
static const struct {
	const char *type;
	const char *half;
	const char *nonsense;
} speeches[] = {
	[RESPONSE_SESSION] = {REQUEST_JSON, "{\"id\":\"sesn_01", NO_JSON},
	[RESPONSE_EVENTS] = {REQUEST_SSE,
		"event: session.status_running\ndata: {\"id\":\"se",
		"<html>\n\nevent: agent.message\ndata: {oops\n\n"},
	[RESPONSE_MESSAGE] = {REQUEST_JSON, "{\"id\":\"msg_01", NO_JSON},
	[RESPONSE_DELTAS] = {REQUEST_SSE,
		"event: message_start\ndata: {\"type\":\"message_st",
		"<html>\n\nevent: content_block_delta\ndata: {oops\n\n"},
};

/* The helpers act in the place of frame, or of the whole answer when it is NULL. */

static void say_error(struct api_request *request, const struct injection *injection,
	const struct buf *frame)
{
	SCOPED(json_free) cJSON *body = NULL;
	SCOPED(mem_free) char *text = NULL;
	SCOPED(buf_done) struct buf event = {0};
	char number[32];

	if (!frame && injection->retry_after_ns > 0) {
		snprintf(number, sizeof number, "%lld",
			(long long)((injection->retry_after_ns + CLOCK_S - 1) /
				CLOCK_S));
		web_add_header(request->exchange, "retry-after", number);
		snprintf(number, sizeof number, "%lld",
			(long long)(injection->retry_after_ns / CLOCK_MS));
		web_add_header(request->exchange, "retry-after-ms", number);
	}
	if (!frame) {
		api_request_refuse(request, injection->status,
			"The %s fault was asked for.", phase_name(injection->phase));
		return;
	}
	body = api_format_error(
		injection->status, "The fault was asked for.", request->id);
	cJSON_DeleteItemFromObjectCaseSensitive(body, "request_id");
	text = json_print(body);
	event_frame(&event, "error", text);
	web_stream_add(request->exchange, event.data, event.len);
	web_stream_end(request->exchange);
}

static void say_half(struct api_request *request, const struct buf *frame)
{
	const char *half = speeches[request->response].half;

	if (frame) {
		web_stream_add(request->exchange, frame->data, frame->len / 2);
	} else {
		web_stream_begin(
			request->exchange, 200, speeches[request->response].type);
		web_stream_add(request->exchange, half, strlen(half));
	}
	web_stream_cut(request->exchange);
}

static void say_nonsense(struct api_request *request, const struct buf *frame)
{
	const char *nonsense = speeches[request->response].nonsense;

	if (frame)
		web_stream_add(request->exchange, nonsense, strlen(nonsense));
	else
		web_reply(request->exchange, 200, speeches[request->response].type,
			nonsense, strlen(nonsense));
}

/* False: nothing may follow. */
static bool act_out(struct api_request *request, const struct injection *injection,
	const struct buf *frame)
{
	switch ((enum fault)injection->fault) {
	case FAULT_NONE:
		web_stream_add(request->exchange, frame->data, frame->len);
		return true;
	case FAULT_HANG:
		return false;
	case FAULT_RESET:
		web_reset(request->exchange);
		return false;
	case FAULT_BLACKHOLE:
		injector_go_dark(request->injector);
		return false;
	case FAULT_HALF_CLOSE:
		web_half_close(request->exchange);
		return false;
	case FAULT_ERROR:
		say_error(request, injection, frame);
		return false;
	case FAULT_TRUNCATE:
		say_half(request, frame);
		return false;
	case FAULT_MALFORM:
		say_nonsense(request, frame);
		return true;
	case FAULT_REFUSE:
		listener_shut(request->mock->listener);
		web_reset(request->exchange);
		return false;
	}
	return false;
}

bool fault_apply(struct api_request *request)
{
	if (injector_is_dark(request->injector))
		return true;
	if (request->injection.fault == FAULT_NONE)
		return false;
	injector_log_fault(request->injector,
		request->session ? request->session->id : NULL, &request->injection);
	act_out(request, &request->injection, NULL);
	return true;
}

bool fault_apply_frame(struct api_request *request, const struct injection *injection,
	const struct buf *frame)
{
	return act_out(request, injection, frame);
}
