#include "mock-mcp/http/http_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "mock-mcp/http/http_refusal.h"

#define SSE "text/event-stream"

static bool is_get(const struct http_stream *stream)
{
	return stream->number == 0;
}

static void detach(struct http_stream *stream)
{
	if (stream->exchange)
		stream->exchange->data = NULL;
	stream->exchange = NULL;
}

static void release(struct http_stream *stream)
{
	detach(stream);
	DL_DELETE(stream->session->streams, stream);
	free(stream);
}

/* The client has left, or has got the whole answer. */
static void on_over(struct exchange_owner *owner, enum web_end end)
{
	struct http_stream *stream = (struct http_stream *)owner;

	stream->exchange = NULL;
	if (is_get(stream))
		log_event("mcp.stream.closed",
			LOG_IDENTITY(&stream->session->peer->options.identity), "by",
			LOG_TEXT(end == WEB_LEFT ? "client" : "server"));
}

static struct http_stream *create(struct http_session *session, unsigned number)
{
	struct http_stream *stream = mem_zeroed(sizeof *stream);

	*stream = (struct http_stream){
		.owner = {on_over}, .session = session, .number = number};
	DL_APPEND(session->streams, stream);
	return stream;
}

static struct http_stream *find(const struct http_session *session, unsigned number)
{
	struct http_stream *stream = session->streams;

	while (stream && stream->number != number)
		stream = stream->next;
	return stream;
}

static void attach(struct http_stream *stream, struct web_exchange *exchange)
{
	stream->exchange = exchange;
	exchange->data = stream;
	web_add_header(exchange, HTTP_SESSION_HEADER, stream->session->id);
}

/* Events */

static void write_event(
	struct http_stream *stream, unsigned number, const char *message)
{
	SCOPED(mem_free) char *head = NULL;
	const struct mcp_http_behavior *behavior =
		&stream->session->http->options->behavior->http;

	if (!stream->exchange)
		return;
	head = message
		? mem_textf("event: message\nid: %u-%u\ndata: ", stream->number, number)
		: mem_textf("id: %u-%u\nretry: %lld\ndata: ", stream->number, number,
			  (long long)(behavior->retry_ns / CLOCK_MS));
	web_stream_add(stream->exchange, head, strlen(head));
	if (message)
		web_stream_add(stream->exchange, message, strlen(message));
	web_stream_add(stream->exchange, "\n\n", 2);
}

/* What the client has not got may be asked for later. */
static void send_event(struct http_stream *stream, const char *message)
{
	unsigned number = stream->events++;

	replay_log_add(&stream->session->replay, stream->number, number, message);
	write_event(stream, number, message);
}

static void begin_answer(struct web_exchange *exchange)
{
	web_add_header(exchange, "Cache-Control", "no-cache, no-transform");
	web_add_header(exchange, "X-Accel-Buffering", "no");
	web_stream_begin(exchange, 200, SSE);
}

/* An event without data comes first: with its id a client can come back even if it got
 * nothing else. Older clients do not understand it. */
static void begin(struct http_stream *stream)
{
	const char *version = stream->session->peer->version;

	if (stream->begun)
		return;
	stream->begun = true;
	if (stream->exchange)
		begin_answer(stream->exchange);
	if (!is_get(stream) && version && strcmp(version, PROTOCOL_WITH_PRIMING) >= 0)
		send_event(stream, NULL);
}

/* POST */

struct http_stream *http_stream_create(
	struct http_session *session, struct web_exchange *exchange)
{
	struct http_stream *stream = create(session, ++session->stream_count);

	attach(stream, exchange);
	stream->reading = true;
	return stream;
}

/* A request that was cancelled before its answer began has none. */
static void finish(struct http_stream *stream)
{
	if (stream->exchange && stream->begun)
		web_stream_end(stream->exchange);
	else if (stream->exchange)
		web_reply(stream->exchange, 202, NULL, NULL, 0);
	release(stream);
}

void http_stream_handled(struct http_stream *stream, bool owed)
{
	const struct mcp_behavior *behavior = stream->session->http->options->behavior;

	stream->reading = false;
	if (!owed || stream->finished)
		finish(stream);
	else if (behavior->http.answers == MCP_ANSWERS_STREAM)
		begin(stream);
}

static void on_answer(
	UNUSED void *arg, void *origin, const char *message, UNUSED int code)
{
	struct http_stream *stream = origin;
	const struct mcp_behavior *behavior = stream->session->http->options->behavior;

	if (!stream->begun && stream->exchange &&
		behavior->http.answers == MCP_ANSWERS_JSON) {
		http_reply_json(stream->exchange, 200, message);
		detach(stream);
		return;
	}
	begin(stream);
	send_event(stream, message);
}

static void on_finish(UNUSED void *arg, void *origin)
{
	struct http_stream *stream = origin;

	stream->finished = true;
	if (!stream->reading)
		finish(stream);
}

/* The client comes back for the rest, if it knows where it was. */
static void on_interrupt(UNUSED void *arg, void *origin)
{
	struct http_stream *stream = origin;

	begin(stream);
	if (stream->events == 0 || !stream->exchange)
		return;
	web_stream_end(stream->exchange);
	detach(stream);
}

/* GET */

/* What the server says unasked is numbered on, whether the client listens or not. */
static struct http_stream *unasked(struct http_session *session)
{
	struct http_stream *stream = find(session, 0);

	return stream ? stream : create(session, 0);
}

static void on_notify(void *arg, void *origin, const char *message)
{
	struct http_stream *stream = origin ? origin : unasked(arg);

	begin(stream);
	send_event(stream, message);
}

const struct peer_transport http_stream_transport = {
	.answer = on_answer,
	.notify = on_notify,
	.finish = on_finish,
	.interrupt = on_interrupt,
};

static void listen_on(struct http_stream *stream, struct web_exchange *exchange)
{
	log_event("mcp.stream.opened",
		LOG_IDENTITY(&stream->session->peer->options.identity));
	attach(stream, exchange);
	stream->begun = true;
	begin_answer(exchange);
	/* The head is sent with the first bytes of the body: a comment. */
	web_stream_add(exchange, ":\n\n", 3);
}

bool http_stream_listen(struct http_session *session, struct web_exchange *exchange)
{
	struct http_stream *stream = unasked(session);

	if (stream->exchange)
		return false;
	listen_on(stream, exchange);
	return true;
}

static void replay(struct http_session *session, struct web_exchange *exchange,
	unsigned number, unsigned after)
{
	struct http_stream rest = {
		.session = session, .number = number, .exchange = exchange};
	const struct replay_event *event;

	while ((event = replay_log_next(&session->replay, number, after))) {
		write_event(&rest, event->number, event->message);
		after = event->number;
	}
}

/* The rest of a stream that has ended. */
static void send_rest(struct http_session *session, struct web_exchange *exchange,
	unsigned number, unsigned after)
{
	web_add_header(exchange, HTTP_SESSION_HEADER, session->id);
	begin_answer(exchange);
	replay(session, exchange, number, after);
	web_stream_end(exchange);
}

void http_stream_resume(struct http_session *session, struct web_exchange *exchange,
	const char *event_id)
{
	struct http_stream *stream;
	unsigned number, event;
	int end = 0;

	if (sscanf(event_id, "%9u-%9u%n", &number, &event, &end) != 2 ||
		event_id[end] != '\0' ||
		!replay_log_has(&session->replay, number, event)) {
		http_refuse(exchange, 400, JSONRPC_REFUSED, NULL,
			"Invalid event ID format");
		return;
	}
	stream = find(session, number);
	if (stream && stream->exchange) {
		http_refuse(exchange, 409, JSONRPC_REFUSED, NULL,
			"Conflict: Stream already has an active connection");
	} else if (stream) {
		if (is_get(stream)) {
			listen_on(stream, exchange);
		} else {
			attach(stream, exchange);
			begin_answer(exchange);
		}
		replay(session, exchange, number, event);
	} else {
		send_rest(session, exchange, number, event);
	}
}

void http_stream_end(struct http_stream *stream, bool stay)
{
	struct web_exchange *exchange = stream->exchange;

	if (exchange && is_get(stream))
		log_event("mcp.stream.closed",
			LOG_IDENTITY(&stream->session->peer->options.identity), "by",
			LOG_TEXT("server"));
	detach(stream);
	if (exchange && !stream->begun)
		http_refuse(exchange, 404, JSONRPC_SESSION_NOT_FOUND, NULL,
			"Session not found");
	else if (exchange && !(stay && is_get(stream)))
		web_stream_end(exchange);
	release(stream);
}
