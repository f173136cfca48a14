#include "lib/fetch_origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "lib/http2_connection.h"
#include "lib/mem.h"

#define FIRST_STREAMS     100u /* assigned before the server has said its limit */
#define STREAM_WINDOW     (UINT32_C(1) << 20) /* bytes */
#define CONNECTION_WINDOW (INT32_C(16) << 20) /* bytes */

struct fetch_connection {
	struct fetch_origin *origin; /* NULL: it was destroyed */
	struct http2_connection *wire;
	nghttp2_session *session; /* the wire's */
	uv_getaddrinfo_t lookup;
	bool looking_up;
	struct addrinfo *found;       /* by the lookup */
	const struct addrinfo *tried; /* of them; NULL: none */
	bool settled;                 /* the server has said its settings */
	bool foreign;                 /* it has spoken something else than HTTP/2 */
	bool used;                    /* it had a stream before */
	unsigned count; /* of its streams, until nghttp2 has closed them */
	struct fetch_stream *streams;
	struct fetch_connection *prev, *next;
};

static void tell(const struct fetch_connection *connection)
{
	connection->origin->queued(connection->origin->arg);
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

void fetch_origin_cancel(struct fetch_stream *stream)
{
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

static void settle(struct fetch_connection *connection);

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct fetch_connection *connection = arg;
	struct fetch_stream *stream;

	switch (frame->hd.type) {
	case NGHTTP2_SETTINGS:
		if (!(frame->hd.flags & NGHTTP2_FLAG_ACK))
			settle(connection);
		return 0;
	case NGHTTP2_HEADERS:
	case NGHTTP2_DATA:
		break;
	default:
		return 0;
	}
	stream = stream_of(session, frame->hd.stream_id);
	if (!stream)
		return 0;
	fetch_stream_frame(stream, frame);
	tell(connection);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags UNUSED, int32_t id,
	const uint8_t *data, size_t len, void *arg)
{
	struct fetch_stream *stream = stream_of(session, id);

	if (!stream)
		return 0;
	tell(arg);
	if (!fetch_stream_body(stream, data, len)) {
		reset(stream);
		finish(stream, FETCH_FAILED, "the answer is larger than its ceiling");
	}
	return 0;
}

static bool has_room(const struct fetch_connection *connection);

/* A connection with a GOAWAY has none, although its streams end. */
static void make_room(struct fetch_connection *connection)
{
	struct fetch_origin *origin = connection->origin;

	connection->count--;
	if (!origin || origin->connections == connection || !has_room(connection))
		return;
	DL_DELETE(origin->connections, connection);
	DL_PREPEND(origin->connections, connection);
}

static int on_stream_closed(
	nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct fetch_stream *stream = stream_of(session, id);

	make_room(arg);
	if (!stream)
		return 0;
	tell(arg);
	detach(stream);
	fetch_stream_closed(stream, code);
	return 0;
}

static int on_sent(
	nghttp2_session *session, const nghttp2_frame *frame, void *arg UNUSED)
{
	struct fetch_stream *stream = frame->hd.type == NGHTTP2_HEADERS
		? stream_of(session, frame->hd.stream_id)
		: NULL;

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

/* A request that came too late for the connection: nghttp2 has no stream of it. */
static int on_not_sent(
	nghttp2_session *session, const nghttp2_frame *frame, int code, void *arg)
{
	struct fetch_connection *connection = arg;
	struct fetch_stream *stream;

	if (frame->hd.type != NGHTTP2_HEADERS ||
		nghttp2_session_find_stream(session, frame->hd.stream_id))
		return 0;
	DL_SEARCH_SCALAR(connection->streams, stream, id, frame->hd.stream_id);
	connection->count--;
	if (stream)
		finish(stream, FETCH_REFUSED, nghttp2_strerror(code));
	return 0;
}

/* Connections */

static void dial(struct fetch_connection *connection);

static void connection_free(struct fetch_connection *connection)
{
	if (connection->looking_up)
		return; /* on_found() does it */
	uv_freeaddrinfo(connection->found);
	free(connection);
}

/* Ends the calls that are left as they would end without an answer. */
static void break_streams(struct fetch_connection *connection, const char *why)
{
	const bool open =
		connection->wire && http2_connection_is_open(connection->wire);
	struct fetch_stream *stream;

	while ((stream = connection->streams)) {
		/* nghttp2 forgets it with its session */
		if (stream->id > 0)
			connection->count--;
		if (!open)
			finish(stream, FETCH_REFUSED, why);
		else if (connection->foreign)
			finish(stream, FETCH_FAILED,
				"the server does not speak HTTP/2");
		else
			finish(stream, FETCH_BROKEN, why);
	}
}

static void drop_connection(struct fetch_connection *connection, const char *why)
{
	struct fetch_origin *origin = connection->origin;

	break_streams(connection, why);
	DL_DELETE(origin->connections, connection);
	http2_connection_close(connection->wire);
	connection->origin = NULL;
	connection_free(connection);
}

static void on_ended(void *arg, const char *why)
{
	struct fetch_connection *connection = arg;
	const bool open = http2_connection_is_open(connection->wire);
	SCOPED(mem_free) char *said = mem_textf("%s: %s", connection->origin->name,
		why ? why : "the server ended the connection");

	if (!open && connection->tried && connection->tried->ai_next) {
		connection->tried = connection->tried->ai_next;
		http2_connection_close(connection->wire);
		dial(connection);
		return;
	}
	drop_connection(connection, said);
}

/* A session of its own, not connected yet. */
static void open_wire(struct fetch_connection *connection)
{
	const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
	};
	const struct fetch_origin *origin = connection->origin;

	if (nghttp2_session_client_new(
		    &connection->session, origin->callbacks, connection) != 0)
		abort(); /* out of memory */
	(void)nghttp2_submit_settings(
		connection->session, NGHTTP2_FLAG_NONE, settings, COUNT(settings));
	(void)nghttp2_session_set_local_window_size(
		connection->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
	connection->wire = http2_connection_create(
		origin->loop, connection->session, on_ended, connection);
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
	if (!connection->origin) {
		connection_free(connection);
	} else if (status != 0) {
		SCOPED(mem_free) char *why = mem_textf(
			"%s: %s", connection->origin->host, uv_strerror(status));

		drop_connection(connection, why);
	} else {
		dial(connection);
	}
}

static void look_up(struct fetch_connection *connection)
{
	const struct fetch_origin *origin = connection->origin;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	char port[8];
	int failed;

	snprintf(port, sizeof port, "%u", (unsigned)origin->port);
	connection->lookup.data = connection;
	failed = uv_getaddrinfo(origin->loop, &connection->lookup, on_found,
		origin->host, port, &hints);
	connection->looking_up = failed == 0;
	if (!failed)
		return;
	open_wire(connection);
	http2_connection_fail(connection->wire, failed);
}

/* A connection that cannot be opened tells so from the loop. */
static struct fetch_connection *connect_to(struct fetch_origin *origin)
{
	struct fetch_connection *connection = mem_zeroed(sizeof *connection);
	struct sockaddr_storage address;

	connection->origin = origin;
	DL_PREPEND(origin->connections, connection);
	if (!origin->host) {
		open_wire(connection);
		http2_connection_connect_unix(connection->wire, origin->name);
	} else if (uv_ip4_addr(origin->host, origin->port,
			   (struct sockaddr_in *)&address) == 0 ||
		uv_ip6_addr(origin->host, origin->port,
			(struct sockaddr_in6 *)&address) == 0) {
		open_wire(connection);
		http2_connection_connect(
			connection->wire, (const struct sockaddr *)&address);
	} else {
		look_up(connection);
	}
	return connection;
}

static unsigned streams_max(const struct fetch_connection *connection)
{
	return connection->settled
		? nghttp2_session_get_remote_settings(
			  connection->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
		: FIRST_STREAMS;
}

static bool has_room(const struct fetch_connection *connection)
{
	return connection->count < streams_max(connection) &&
		(!connection->settled ||
			nghttp2_session_check_request_allowed(connection->session));
}

void fetch_origin_add(struct fetch_origin *origin, struct fetch_stream *stream)
{
	struct fetch_connection *connection = origin->connections;

	if (!connection || !has_room(connection))
		connection = connect_to(origin);
	stream->connection = connection;
	DL_APPEND(connection->streams, stream);
	connection->count++;
	if (connection->settled)
		submit(stream);
	if (has_room(connection) || origin->connections->next == NULL)
		return;
	DL_DELETE(origin->connections, connection);
	DL_APPEND(origin->connections, connection);
}

/* The server has said its limit: what waited is submitted, or goes elsewhere. */
static void settle(struct fetch_connection *connection)
{
	struct fetch_stream *stream, *next;
	unsigned submitted = 0, most;

	if (connection->settled)
		return;
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
		fetch_origin_add(connection->origin, stream);
	}
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

struct fetch_origin *fetch_origin_create(uv_loop_t *loop, char *name, char *host,
	uint16_t port, fetch_origin_queued_fn *queued, void *arg)
{
	struct fetch_origin *origin = mem_zeroed(sizeof *origin);

	*origin = (struct fetch_origin){
		.name = name,
		.host = host,
		.port = port,
		.loop = loop,
		.callbacks = make_callbacks(),
		.queued = queued,
		.arg = arg,
	};
	return origin;
}

static void close_connection(struct fetch_connection *connection)
{
	struct fetch_origin *origin = connection->origin;

	DL_DELETE(origin->connections, connection);
	connection->origin = NULL;
	if (connection->wire)
		(void)nghttp2_session_terminate_session(
			connection->session, NGHTTP2_NO_ERROR);
	http2_connection_close(connection->wire);
	if (connection->looking_up)
		uv_cancel((uv_req_t *)&connection->lookup);
	connection_free(connection);
}

void fetch_origin_destroy(struct fetch_origin *origin)
{
	while (origin->connections)
		close_connection(origin->connections);
	nghttp2_session_callbacks_del(origin->callbacks);
	free((void *)(uintptr_t)origin->name);
	free((void *)(uintptr_t)origin->host);
	free(origin);
}
