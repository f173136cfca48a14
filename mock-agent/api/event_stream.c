#include "mock-agent/api/event_stream.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "mock-agent/api/query.h"
#include "mock-agent/faults/fault.h"
#include "mock-agent/session/api_session.h"
#include "mock-agent/session/api_sessions.h"
#include "mock-agent/session/event.h"

#define PING "event: ping\ndata: {\"type\":\"ping\"}\n\n"

struct event_stream {
	struct api_session *session; /* held by its request */
	struct api_request *request;
	bool previews; /* event_start and event_delta before an agent.message */
	struct loop_timer *heartbeat;
	struct loop_timer *hold;
	struct event_stream *prev, *next;
};

static void arm_heartbeat(struct event_stream *stream)
{
	int64_t ns = injector_behavior(stream->session->injector)->heartbeat_ns;

	if (ns > 0)
		loop_timer_set(stream->heartbeat, ns);
	else
		loop_timer_stop(stream->heartbeat);
}

static void on_heartbeat(void *arg)
{
	struct event_stream *stream = arg;

	if (!injector_is_dark(stream->session->injector))
		web_stream_add(stream->request->exchange, PING, strlen(PING));
	arm_heartbeat(stream);
}

static void on_hold(void *arg)
{
	struct event_stream *stream = arg;

	if (!injector_is_dark(stream->session->injector))
		web_stream_end(stream->request->exchange);
}

static void on_over(struct api_request *request, enum web_end end)
{
	struct event_stream *stream = request->data;
	struct api_session *session = stream->session;

	log_event("agent.stream.closed", "session",
		LOG_TEXT(injector_label(session->injector)), "id",
		LOG_TEXT(session->id), "by",
		LOG_TEXT(end == WEB_LEFT ? "client" : "server"));
	DL_DELETE(session->streams, stream);
	if (session->deleted)
		api_sessions_remove(session->mock->sessions, session);
	loop_timer_destroy(stream->heartbeat);
	loop_timer_destroy(stream->hold);
	free(stream);
}

static void open_stream(struct api_request *request)
{
	struct api_session *session = request->session;
	struct event_stream *stream;

	if (fault_apply(request))
		return;
	if (session->status == SESSION_TERMINATED) {
		api_request_refuse(request, session->deleted ? 404 : 400,
			"Session %s has ended.", session->id);
		return;
	}
	stream = mem_zeroed(sizeof *stream);
	stream->session = session;
	stream->request = request;
	stream->previews = web_query(request->exchange, "event_deltas[]") &&
		query_wants(request, "event_deltas[]", "agent.message");
	stream->heartbeat =
		loop_timer_create(request->mock->loop, on_heartbeat, stream);
	stream->hold = loop_timer_create(request->mock->loop, on_hold, stream);
	request->data = stream;
	request->over = on_over;
	log_event("agent.stream.opened", "session",
		LOG_TEXT(injector_label(session->injector)), "id",
		LOG_TEXT(session->id));
	web_add_header(request->exchange, "cache-control", "no-cache");
	web_stream_begin(request->exchange, 200, REQUEST_SSE);
	DL_APPEND(session->streams, stream);
	arm_heartbeat(stream);
}

void event_stream_route(struct api_request *request)
{
	request->response = RESPONSE_EVENTS;
	api_request_wait(
		request, request->session->injector, PHASE_STREAM, open_stream);
}

/* A taste of the message before the whole of it, for those who asked. */
static void preview(struct event_stream *stream, const char *json)
{
	SCOPED(json_free) cJSON *event = json_parse(json, strlen(json));
	const char *text = json_text(json_at(event, "content.0"), "text");
	SCOPED(buf_done) struct buf frame = {0};
	cJSON *start = cJSON_CreateObject(), *delta = cJSON_CreateObject(), *part;
	SCOPED(mem_free) char *start_json = NULL;
	SCOPED(mem_free) char *delta_json = NULL;

	cJSON_AddStringToObject(start, "type", "event_start");
	part = cJSON_AddObjectToObject(start, "event");
	cJSON_AddStringToObject(part, "type", "agent.message");
	cJSON_AddStringToObject(part, "id", json_text(event, "id"));
	cJSON_AddStringToObject(delta, "type", "event_delta");
	cJSON_AddStringToObject(delta, "event_id", json_text(event, "id"));
	part = cJSON_AddObjectToObject(delta, "delta");
	cJSON_AddStringToObject(part, "type", "content_delta");
	cJSON_AddNumberToObject(part, "index", 0);
	part = cJSON_AddObjectToObject(part, "content");
	cJSON_AddStringToObject(part, "type", "text");
	cJSON_AddStringToObject(part, "text", text ? text : "");
	start_json = json_print(start);
	delta_json = json_print(delta);
	event_frame(&frame, "event_start", start_json);
	event_frame(&frame, "event_delta", delta_json);
	web_stream_add(stream->request->exchange, frame.data, frame.len);
	cJSON_Delete(start);
	cJSON_Delete(delta);
}

void event_stream_tell(struct api_session *session, const char *type, const char *json,
	const struct injection *injection)
{
	static const struct injection as_it_is = {.fault = FAULT_NONE};
	SCOPED(buf_done) struct buf frame = {0};
	struct event_stream *stream;

	if (!injection)
		injection = &as_it_is;
	if (injector_is_dark(session->injector))
		return;
	event_frame(&frame, type, json);
	DL_FOREACH(session->streams, stream) {
		if (stream->previews && strcmp(type, "agent.message") == 0 &&
			injection->fault == FAULT_NONE)
			preview(stream, json);
		(void)fault_apply_frame(stream->request, injection, &frame);
	}
}

void event_stream_heed_behavior(struct api_session *session)
{
	struct event_stream *stream;

	DL_FOREACH(session->streams, stream)
		arm_heartbeat(stream);
}

void event_stream_end_all(struct api_session *session, int64_t hold_ns)
{
	struct event_stream *stream;

	if (injector_is_dark(session->injector))
		return;
	DL_FOREACH(session->streams, stream)
		loop_timer_set(stream->hold, hold_ns);
}

void event_stream_reset_all(struct api_session *session)
{
	struct event_stream *stream;

	DL_FOREACH(session->streams, stream)
		web_reset(stream->request->exchange);
}

unsigned event_stream_count(const struct api_session *session)
{
	const struct event_stream *stream;
	unsigned count = 0;

	DL_COUNT(session->streams, stream, count);
	return count;
}
