#include "mock-agent/stream.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "mock-agent/event.h"
#include "mock-agent/query.h"
#include "mock-agent/session.h"
#include "mock-agent/sessions.h"
#include "mock-agent/strike.h"

#define PING "event: ping\ndata: {\"type\":\"ping\"}\n\n"

struct stream {
	struct session *session; /* held by its request */
	struct request *request;
	bool previews; /* event_start and event_delta before an agent.message */
	struct bell *heartbeat;
	struct bell *hold;
	struct stream *prev, *next;
};

static void arm_heartbeat(struct stream *stream)
{
	int64_t ns = mood_manners(stream->session->mood)->heartbeat_ns;

	if (ns > 0)
		bell_set(stream->heartbeat, ns);
	else
		bell_stop(stream->heartbeat);
}

static void on_heartbeat(void *arg)
{
	struct stream *stream = arg;

	if (!mood_is_dark(stream->session->mood))
		web_stream_add(stream->request->exchange, PING, strlen(PING));
	arm_heartbeat(stream);
}

static void on_hold(void *arg)
{
	struct stream *stream = arg;

	if (!mood_is_dark(stream->session->mood))
		web_stream_end(stream->request->exchange);
}

static void on_over(struct request *request, enum web_end end)
{
	struct stream *stream = request->data;
	struct session *session = stream->session;

	log_event("agent.stream.closed", "session", LOG_TEXT(mood_label(session->mood)),
		"id", LOG_TEXT(session->id), "by",
		LOG_TEXT(end == WEB_LEFT ? "client" : "server"));
	DL_DELETE(session->streams, stream);
	if (session->deleted)
		sessions_remove(session->mock->sessions, session);
	bell_destroy(stream->heartbeat);
	bell_destroy(stream->hold);
	free(stream);
}

static void open_stream(struct request *request)
{
	struct session *session = request->session;
	struct stream *stream;

	if (strike_answer(request))
		return;
	if (session->status == SESSION_TERMINATED) {
		request_refuse(request, session->deleted ? 404 : 400,
			"Session %s has ended.", session->id);
		return;
	}
	stream = mem_zeroed(sizeof *stream);
	stream->session = session;
	stream->request = request;
	stream->previews = web_query(request->exchange, "event_deltas[]") &&
		query_wants(request, "event_deltas[]", "agent.message");
	stream->heartbeat = bell_create(request->mock->loop, on_heartbeat, stream);
	stream->hold = bell_create(request->mock->loop, on_hold, stream);
	request->data = stream;
	request->over = on_over;
	log_event("agent.stream.opened", "session", LOG_TEXT(mood_label(session->mood)),
		"id", LOG_TEXT(session->id));
	web_add_header(request->exchange, "cache-control", "no-cache");
	web_stream_begin(request->exchange, 200, REQUEST_SSE);
	DL_APPEND(session->streams, stream);
	arm_heartbeat(stream);
}

void stream_route(struct request *request)
{
	request->speech = SPEECH_EVENTS;
	request_wait(request, request->session->mood, MOMENT_STREAM, open_stream);
}

/* A taste of the message before the whole of it, for those who asked. */
static void preview(struct stream *stream, const char *json)
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

void stream_tell(struct session *session, const char *type, const char *json,
	const struct act *act)
{
	static const struct act as_it_is = {.fault = FAULT_NONE};
	SCOPED(buf_done) struct buf frame = {0};
	struct stream *stream;

	if (!act)
		act = &as_it_is;
	if (mood_is_dark(session->mood))
		return;
	event_frame(&frame, type, json);
	DL_FOREACH(session->streams, stream) {
		if (stream->previews && strcmp(type, "agent.message") == 0 &&
			act->fault == FAULT_NONE)
			preview(stream, json);
		(void)strike_frame(stream->request, act, &frame);
	}
}

void stream_heed_manners(struct session *session)
{
	struct stream *stream;

	DL_FOREACH(session->streams, stream)
		arm_heartbeat(stream);
}

void stream_end_all(struct session *session, int64_t hold_ns)
{
	struct stream *stream;

	if (mood_is_dark(session->mood))
		return;
	DL_FOREACH(session->streams, stream)
		bell_set(stream->hold, hold_ns);
}

void stream_reset_all(struct session *session)
{
	struct stream *stream;

	DL_FOREACH(session->streams, stream)
		web_reset(stream->request->exchange);
}

unsigned stream_count(const struct session *session)
{
	const struct stream *stream;
	unsigned count = 0;

	DL_COUNT(session->streams, stream, count);
	return count;
}
