#include "mock-agent/api/event_stream.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "mock-agent/api/query.h"
#include "mock-agent/session/api_session.h"
#include "mock-agent/session/api_sessions.h"

#define PING "event: ping\ndata: {\"type\":\"ping\"}\n\n"

struct event_stream {
	struct session_subscriber subscriber; /* first */
	struct api_session *session;          /* held by the request */
	struct api_request *request;
	bool previews; /* event_start and event_delta before an agent.message */
	struct loop_timer *heartbeat;
	struct loop_timer *hold; /* until the stream's end */
};

static void arm_heartbeat(struct event_stream *stream)
{
	int64_t ns = fault_schedule_behavior(stream->session->schedule)->heartbeat_ns;

	if (ns > 0)
		loop_timer_set(stream->heartbeat, ns);
	else
		loop_timer_stop(stream->heartbeat);
}

static void on_heartbeat(void *arg)
{
	struct event_stream *stream = arg;

	if (!stream->session->schedule->blackholed)
		web_stream_add(stream->request->exchange, PING, strlen(PING));
	arm_heartbeat(stream);
}

static void on_hold(void *arg)
{
	struct event_stream *stream = arg;

	if (!stream->session->schedule->blackholed)
		web_stream_end(stream->request->exchange);
}

static void on_over(struct api_request *request, enum web_end end)
{
	struct event_stream *stream = request->data;
	struct api_session *session = stream->session;

	log_event("agent.stream.closed", API_SESSION_LOG(session), "by",
		LOG_TEXT(end == WEB_LEFT ? "client" : "server"));
	DL_DELETE(session->subscribers, &stream->subscriber);
	api_sessions_remove_unused(&request->mock->sessions, session);
	loop_timer_destroy(stream->heartbeat);
	loop_timer_destroy(stream->hold);
	free(stream);
}

/* The message in one part, for clients that ask for parts. */
static void send_preview(struct event_stream *stream, const char *json)
{
	SCOPED(json_free) cJSON *event = json_parse(json, strlen(json));
	const char *id = json_text(event, "id");
	SCOPED(json_free) cJSON *start = json_fill(NULL,
		"{'type': 'event_start', 'event': {'type': 'agent.message', 'id': %s}}",
		id);
	SCOPED(json_free) cJSON *delta = json_fill(NULL,
		"{'type': 'event_delta', 'event_id': %s, 'delta': "
		"{'type': 'content_delta', 'index': 0, "
		"'content': {'type': 'text', 'text': %s}}}",
		id, json_text(json_at(event, "content.0"), "text"));
	SCOPED(buf_done) struct buf frames = {0};

	api_format_event(&frames, start);
	api_format_event(&frames, delta);
	web_stream_add(stream->request->exchange, frames.data, frames.len);
}

static void on_event(struct session_subscriber *subscriber, const char *type,
	const char *json, const struct buf *frame, const struct injection *injection)
{
	static const struct injection none = {.fault = FAULT_NONE};
	struct event_stream *stream = (struct event_stream *)subscriber;
	const struct response response = api_request_response(stream->request);

	if (!injection)
		injection = &none;
	if (stream->previews && strcmp(type, "agent.message") == 0 &&
		injection->fault == FAULT_NONE)
		send_preview(stream, json);
	(void)fault_on_response(stream->session->schedule, injection, &response, frame);
}

static void on_end(struct session_subscriber *subscriber, int64_t hold_ns)
{
	loop_timer_set(((struct event_stream *)subscriber)->hold, hold_ns);
}

static void on_reset(struct session_subscriber *subscriber)
{
	web_reset(((struct event_stream *)subscriber)->request->exchange);
}

static void on_behavior(struct session_subscriber *subscriber)
{
	arm_heartbeat((struct event_stream *)subscriber);
}

static const struct session_subscriber_ops stream_ops = {
	on_event, on_end, on_reset, on_behavior};

static void open_stream(struct api_request *request)
{
	struct api_session *session = request->session;
	struct event_stream *stream;

	if (api_request_is_faulted(request))
		return;
	if (session->status == SESSION_TERMINATED) {
		api_request_refuse(request, session->deleted ? 404 : 400,
			"Session %s has ended.", session->id);
		return;
	}
	stream = mem_zeroed(sizeof *stream);
	stream->subscriber.ops = &stream_ops;
	stream->session = session;
	stream->request = request;
	stream->previews = web_query(request->exchange, "event_deltas[]", 0) &&
		query_allows(request, "event_deltas[]", "agent.message");
	stream->heartbeat =
		loop_timer_create(request->mock->loop, on_heartbeat, stream);
	stream->hold = loop_timer_create(request->mock->loop, on_hold, stream);
	request->data = stream;
	request->over = on_over;
	log_event("agent.stream.opened", API_SESSION_LOG(session));
	web_add_header(request->exchange, "cache-control", "no-cache");
	web_stream_begin(request->exchange, 200, API_FORMAT_SSE);
	DL_APPEND(session->subscribers, &stream->subscriber);
	arm_heartbeat(stream);
}

void event_stream_route(struct api_request *request)
{
	request->form = &response_form_events;
	api_request_wait(
		request, request->session->schedule, PHASE_STREAM, open_stream);
}
