#include "lib/fetch_connection.h"

#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#include "lib/clock.h"
#include "lib/http2_connection.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

#define FIRST_STREAMS     100u /* assigned before the server has said its limit */
#define STREAM_WINDOW     (UINT32_C(1) << 20) /* bytes */
#define CONNECTION_WINDOW (INT32_C(16) << 20) /* bytes */
#define SILENCE_NS        CLOCK_S             /* of a peer that may be gone */

static void tell(const struct fetch_connection *connection)
{
	connection->events->queued(connection->arg);
}

static void tell_room(struct fetch_connection *connection)
{
	if (connection->events)
		connection->events->room_changed(connection->arg, connection);
}

/* Streams */

/* What nghttp2 still has of the stream is nobody's. */
static void detach(struct fetch_stream *stream)
{
	struct fetch_connection *connection = stream->connection;

	DL_DELETE(connection->streams, stream);
	if (stream->id > 0)
		(void)nghttp2_session_set_stream_user_data(
			connection->session, stream->id, NULL);
	else
		connection->count--;
}

static void finish(struct fetch_stream *stream, enum fetch_end end, const char *why)
{
	tell(stream->connection);
	detach(stream);
	fetch_stream_end(stream, end, why);
}

static void reset(struct fetch_stream *stream)
{
	if (stream->id == 0)
		return;
	(void)nghttp2_submit_rst_stream(stream->connection->session, NGHTTP2_FLAG_NONE,
		stream->id, NGHTTP2_CANCEL);
	http2_connection_wake(stream->connection->wire);
}

/* A call that began then is given up. */
static void doubt(struct fetch_connection *connection, int64_t began_ns)
{
	const int64_t now_ns = clock_now();

	if ((connection->settled && connection->heard_ns >= began_ns) ||
		now_ns - connection->heard_ns < SILENCE_NS ||
		loop_timer_is_set(connection->doubt))
		return;
	connection->doubt_ns =
		now_ns - began_ns > SILENCE_NS ? now_ns - began_ns : SILENCE_NS;
	loop_timer_set(connection->doubt, connection->doubt_ns);
	if (connection->wire) {
		(void)nghttp2_submit_ping(connection->session, NGHTTP2_FLAG_NONE, NULL);
		http2_connection_wake(connection->wire);
	}
	tell_room(connection);
}

static void hear(struct fetch_connection *connection)
{
	connection->heard_ns = clock_now();
	if (!loop_timer_is_set(connection->doubt))
		return;
	loop_timer_stop(connection->doubt);
	tell_room(connection);
}

void fetch_connection_cancel(struct fetch_stream *stream)
{
	doubt(stream->connection, stream->call->result.began_ns);
	reset(stream);
	detach(stream);
	fetch_stream_free(stream);
}

static void submit(struct fetch_stream *stream)
{
	struct fetch_connection *connection = stream->connection;
	int failed = fetch_stream_submit(stream, connection->session);

	if (failed) {
		finish(stream, FETCH_REFUSED, nghttp2_strerror(failed));
		return;
	}
	stream->reused = connection->used;
	connection->used = true;
	http2_connection_wake(connection->wire);
}

static unsigned streams_max(const struct fetch_connection *connection)
{
	return connection->settled
		? nghttp2_session_get_remote_settings(
			  connection->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
		: FIRST_STREAMS;
}

/* One with a GOAWAY has none, although its streams end. */
bool fetch_connection_has_room(const struct fetch_connection *connection)
{
	return connection->count < streams_max(connection) &&
		!loop_timer_is_set(connection->doubt) &&
		(!connection->settled ||
			nghttp2_session_check_request_allowed(connection->session));
}

void fetch_connection_add(
	struct fetch_connection *connection, struct fetch_stream *stream)
{
	stream->connection = connection;
	DL_APPEND(connection->streams, stream);
	connection->count++;
	if (connection->settled)
		submit(stream);
	tell_room(connection);
}

/* The server has said its limit for the first time: what waited is submitted, or goes
 * elsewhere. */
static void settle(struct fetch_connection *connection)
{
	struct fetch_stream *stream, *next;
	unsigned submitted = 0, most;

	connection->settled = true;
	most = streams_max(connection);
	DL_FOREACH_SAFE(connection->streams, stream, next) {
		if (submitted++ < most) {
			submit(stream);
			continue;
		}
		if (most == 0) {
			finish(stream, FETCH_REFUSED, "the server allows no stream");
			continue;
		}
		DL_DELETE(connection->streams, stream);
		connection->count--;
		connection->events->returned(connection->arg, stream);
	}
}

/* What the session tells */

static struct fetch_stream *stream_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
	const uint8_t *name, size_t name_len, const uint8_t *value, size_t value_len,
	uint8_t flags UNUSED, void *arg UNUSED)
{
	struct fetch_stream *stream = stream_of(session, frame->hd.stream_id);

	if (stream)
		fetch_stream_header(stream, (const char *)name, name_len,
			(const char *)value, value_len);
	return 0;
}

/* The server may answer before the request is whole (RFC 9113, 8.1). */
static void take_frame(struct fetch_stream *stream, const nghttp2_frame *frame)
{
	tell(stream->connection);
	if (!fetch_stream_frame(stream, frame))
		return;
	if (!fetch_stream_is_sent(stream))
		reset(stream);
	finish(stream, FETCH_ANSWERED, "");
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct fetch_connection *connection = arg;
	struct fetch_stream *stream = stream_of(session, frame->hd.stream_id);

	hear(connection);
	switch (frame->hd.type) {
	case NGHTTP2_SETTINGS:
		if (frame->hd.flags & NGHTTP2_FLAG_ACK)
			return 0;
		if (!connection->settled)
			settle(connection);
		tell_room(connection);
		return 0;
	case NGHTTP2_HEADERS:
	case NGHTTP2_DATA:
		if (stream)
			take_frame(stream, frame);
		return 0;
	case NGHTTP2_RST_STREAM:
		if (stream)
			stream->reset = true;
		return 0;
	case NGHTTP2_GOAWAY:
		connection->goaway = frame->goaway.error_code;
		return 0;
	default:
		return 0;
	}
}

static int on_data(nghttp2_session *session, uint8_t flags UNUSED, int32_t id,
	const uint8_t *data, size_t len, void *arg)
{
	struct fetch_stream *stream = stream_of(session, id);

	hear(arg);
	if (!stream)
		return 0;
	tell(arg);
	if (!fetch_stream_body(stream, data, len)) {
		reset(stream);
		finish(stream, FETCH_FAILED, "the answer is larger than its ceiling");
	}
	return 0;
}

static int on_stream_closed(
	nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct fetch_connection *connection = arg;
	struct fetch_stream *stream = stream_of(session, id);

	connection->count--;
	tell_room(connection);
	if (!stream)
		return 0;
	tell(connection);
	detach(stream);
	fetch_stream_closed(stream, code);
	return 0;
}

/* nghttp2 answers a breach of the rules with a GOAWAY, and then has no more to do. */
static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct fetch_connection *connection = arg;
	struct fetch_stream *stream;

	if (frame->hd.type == NGHTTP2_GOAWAY) {
		connection->goaway = frame->goaway.error_code;
		connection->breach = connection->goaway != NGHTTP2_NO_ERROR;
	}
	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	stream = stream_of(session, frame->hd.stream_id);
	if (stream)
		stream->left = true;
	return 0;
}

static int on_error(nghttp2_session *session UNUSED, int code, const char *text UNUSED,
	size_t len UNUSED, void *arg)
{
	struct fetch_connection *connection = arg;

	if (code == NGHTTP2_ERR_SETTINGS_EXPECTED)
		connection->foreign = true;
	return 0;
}

/* A request that came too late for the connection, of which nghttp2 has no stream; or one
 * with more headers than it sends (64 KiB), whose stream it closes behind this. */
static int on_not_sent(
	nghttp2_session *session, const nghttp2_frame *frame, int code, void *arg)
{
	struct fetch_connection *connection = arg;
	struct fetch_stream *stream;

	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	if (!nghttp2_session_find_stream(session, frame->hd.stream_id))
		connection->count--;
	DL_SEARCH_SCALAR(connection->streams, stream, id, frame->hd.stream_id);
	if (stream && code == NGHTTP2_ERR_FRAME_SIZE_ERROR)
		finish(stream, FETCH_FAILED, "the headers are too large for HTTP/2");
	else if (stream)
		finish(stream, FETCH_REFUSED, nghttp2_strerror(code));
	return 0;
}

/* The end */

static void connection_free(struct fetch_connection *connection)
{
	if (connection->looking_up)
		return; /* on_found() does it */
	uv_freeaddrinfo(connection->found);
	free(connection);
}

/* No event follows. */
static void shut(struct fetch_connection *connection)
{
	connection->events = NULL;
	loop_timer_destroy(connection->doubt);
	http2_connection_close(connection->wire);
	if (connection->looking_up)
		uv_cancel((uv_req_t *)&connection->lookup);
	connection_free(connection);
}

void fetch_connection_close(struct fetch_connection *connection)
{
	if (connection->wire)
		(void)nghttp2_session_terminate_session(
			connection->session, NGHTTP2_NO_ERROR);
	shut(connection);
}

/* Ends the calls that are left as they would end without an answer. */
static void break_streams(struct fetch_connection *connection, const char *why)
{
	const bool open =
		connection->wire && http2_connection_is_open(connection->wire);
	struct fetch_stream *stream;

	while ((stream = connection->streams)) {
		if (!open)
			finish(stream, FETCH_REFUSED, why);
		else if (connection->foreign)
			finish(stream, FETCH_FAILED,
				"the server does not speak HTTP/2");
		else
			finish(stream, FETCH_BROKEN, why);
	}
}

static void drop(struct fetch_connection *connection, const char *why)
{
	SCOPED(mem_free) char *said =
		mem_textf("%s: %s", connection->address->name, why);

	break_streams(connection, said);
	connection->events->ended(connection->arg, connection);
	shut(connection);
}

static void on_doubt_end(void *arg)
{
	struct fetch_connection *connection = arg;
	SCOPED(mem_free) char *why = mem_textf(
		"no answer to a PING within %s", CLOCK_TEXT(connection->doubt_ns));

	drop(connection, why);
}

/* The beginning */

static void dial(struct fetch_connection *connection);

static void on_ended(void *arg, const char *why)
{
	struct fetch_connection *connection = arg;
	const bool open = http2_connection_is_open(connection->wire);
	SCOPED(mem_free) char *with_error = NULL;

	if (!open && connection->tried && connection->tried->ai_next) {
		connection->tried = connection->tried->ai_next;
		http2_connection_close(connection->wire);
		dial(connection);
		return;
	}
	if (!why)
		why = connection->breach ? "the server broke the rules of HTTP/2"
					 : "the server ended the connection";
	if (connection->goaway)
		why = with_error = mem_textf(
			"%s (%s)", why, nghttp2_http2_strerror(connection->goaway));
	drop(connection, why);
}

static nghttp2_session_callbacks *make_callbacks(void)
{
	nghttp2_session_callbacks *callbacks;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		abort(); /* out of memory */
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(
		callbacks, on_stream_closed);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(
		callbacks, on_not_sent);
	nghttp2_session_callbacks_set_error_callback2(callbacks, on_error);
	return callbacks;
}

/* A session of its own, not connected yet. */
static void open_wire(struct fetch_connection *connection)
{
	const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
	};
	nghttp2_session_callbacks *callbacks = make_callbacks();

	if (nghttp2_session_client_new(&connection->session, callbacks, connection) !=
		0)
		abort(); /* out of memory */
	nghttp2_session_callbacks_del(callbacks);
	(void)nghttp2_submit_settings(
		connection->session, NGHTTP2_FLAG_NONE, settings, COUNT(settings));
	(void)nghttp2_session_set_local_window_size(
		connection->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
	connection->wire = http2_connection_create(
		connection->loop, connection->session, on_ended, connection);
}

/* To the address that is to be tried. */
static void dial(struct fetch_connection *connection)
{
	open_wire(connection);
	http2_connection_connect(connection->wire, connection->tried->ai_addr);
}

static void on_found(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
	struct fetch_connection *connection = lookup->data;

	connection->looking_up = false;
	connection->found = found;
	connection->tried = found;
	if (!connection->events)
		connection_free(connection);
	else if (status != 0)
		drop(connection, uv_strerror(status));
	else
		dial(connection);
}

static void look_up(struct fetch_connection *connection)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	char port[8];
	int failed;

	snprintf(port, sizeof port, "%u", (unsigned)connection->address->port);
	connection->lookup.data = connection;
	failed = uv_getaddrinfo(connection->loop, &connection->lookup, on_found,
		connection->address->host, port, &hints);
	connection->looking_up = failed == 0;
	if (!failed)
		return;
	open_wire(connection);
	http2_connection_fail(connection->wire, failed);
}

static void begin(struct fetch_connection *connection)
{
	const struct fetch_address *address = connection->address;
	struct sockaddr_storage found;

	if (!address->host) {
		open_wire(connection);
		http2_connection_connect_unix(connection->wire, address->name);
	} else if (uv_ip4_addr(address->host, address->port,
			   (struct sockaddr_in *)&found) == 0 ||
		uv_ip6_addr(address->host, address->port,
			(struct sockaddr_in6 *)&found) == 0) {
		open_wire(connection);
		http2_connection_connect(
			connection->wire, (const struct sockaddr *)&found);
	} else {
		look_up(connection);
	}
}

struct fetch_connection *fetch_connection_open(uv_loop_t *loop,
	const struct fetch_address *address,
	const struct fetch_connection_events *events, void *arg)
{
	struct fetch_connection *connection = mem_zeroed(sizeof *connection);

	connection->loop = loop;
	connection->address = address;
	connection->events = events;
	connection->arg = arg;
	connection->heard_ns = clock_now();
	connection->doubt = loop_timer_create(loop, on_doubt_end, connection);
	begin(connection);
	return connection;
}
