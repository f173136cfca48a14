#include "lib/fetch_http2.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <nghttp2/nghttp2.h>
#include <utlist.h>

#include "lib/clock.h"
#include "lib/http2_connection.h"
#include "lib/mem.h"

#define FIRST_STREAMS     100u /* assigned before the server has said its limit */
#define STREAM_WINDOW     (UINT32_C(1) << 20) /* bytes */
#define CONNECTION_WINDOW (INT32_C(16) << 20) /* bytes */
#define HEADERS_MAX       64

struct fetch_http2 {
	uv_loop_t *loop;
	fetch_http2_queued_fn *queued;
	void *arg;
	uv_idle_t news; /* active: calls are queued */
	struct fetch_origin *origins;
	nghttp2_session_callbacks *callbacks;
};

/* Where requests go. */
struct fetch_origin {
	struct fetch_http2 *http2;
	char *name; /* "host:port" as it stands in :authority, or the path of a socket */
	char *host;
	uint16_t port;
	bool unix_socket;
	struct fetch_connection *connections; /* the first has room if any has */
	struct fetch_origin *next;
};

struct fetch_connection {
	struct fetch_origin *origin; /* NULL: the fetch was destroyed */
	struct http2_connection *wire;
	nghttp2_session *session; /* the wire's */
	uv_getaddrinfo_t lookup;
	bool looking_up;
	struct addrinfo *found;       /* by the lookup */
	const struct addrinfo *tried; /* of them; NULL: none */
	bool settled;                 /* the server has said its settings */
	bool leaving;                 /* GOAWAY: no stream can begin */
	bool used;                    /* it had a stream before */
	unsigned count; /* of its streams, until nghttp2 has closed them */
	struct fetch_stream *streams;
	struct fetch_connection *prev, *next;
};

/* A call's request, and what has come of its answer that the call has no place for. */
struct fetch_stream {
	struct fetch_call *call;
	struct fetch_connection *connection;
	struct fetch_stream *prev, *next;
	int32_t id; /* 0: not submitted */
	bool reused;
	bool left;       /* HEADERS were written */
	bool ended;      /* END_STREAM came */
	struct buf head; /* name, NUL, value, NUL; until it is submitted */
	struct buf body; /* of the request */
	size_t body_sent;
	int64_t retry_ms; /* retry-after-ms; 0: none */
	int64_t retry_s;  /* retry-after */
};

/* --- Calls --- */

static void tell(struct fetch_http2 *http2);

static void stream_free(struct fetch_stream *stream)
{
	buf_done(&stream->head);
	buf_done(&stream->body);
	free(stream);
}

/* The call and its stream part; what nghttp2 still has of the stream is nobody's. */
static void detach(struct fetch_stream *stream)
{
	struct fetch_connection *connection = stream->connection;

	DL_DELETE(connection->streams, stream);
	if (stream->id > 0)
		(void)nghttp2_session_set_stream_user_data(
			connection->session, stream->id, NULL);
	else
		connection->count--;
	stream->call->stream = NULL;
	stream_free(stream);
}

static void finish(struct fetch_stream *stream, enum fetch_end end, const char *why)
{
	struct fetch_call *call = stream->call;
	struct fetch_http2 *http2 = stream->connection->origin->http2;
	struct fetch_result *result = &call->result;

	result->retry_after_ns = stream->retry_ms ? stream->retry_ms * CLOCK_MS
						  : stream->retry_s * CLOCK_S;
	result->reused = stream->reused;
	result->sent = stream->left;
	detach(stream);
	fetch_call_end(call, end, why);
	tell(http2);
}

/* Ends it from within a callback of the session: the answer is not wanted any more. */
static void reset(struct fetch_stream *stream)
{
	if (stream->id == 0)
		return;
	(void)nghttp2_submit_rst_stream(stream->connection->session, NGHTTP2_FLAG_NONE,
		stream->id, NGHTTP2_CANCEL);
	http2_connection_wake(stream->connection->wire);
}

bool fetch_http2_has_left(const struct fetch_call *call)
{
	return call->stream->left;
}

void fetch_http2_cancel(struct fetch_call *call)
{
	reset(call->stream);
	detach(call->stream);
}

/* --- The request --- */

static nghttp2_nv pair_of(const char *name, const char *value)
{
	return (nghttp2_nv){
		.name = (uint8_t *)(uintptr_t)name,
		.value = (uint8_t *)(uintptr_t)value,
		.namelen = strlen(name),
		.valuelen = strlen(value),
	};
}

static ssize_t on_body_wanted(nghttp2_session *session UNUSED, int32_t id UNUSED,
	uint8_t *room, size_t size, uint32_t *flags, nghttp2_data_source *source,
	void *arg UNUSED)
{
	struct fetch_stream *stream = source->ptr;
	size_t len = stream->body.len - stream->body_sent;

	if (len > size)
		len = size;
	memcpy(room, stream->body.data + stream->body_sent, len);
	stream->body_sent += len;
	if (stream->body_sent == stream->body.len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

static void submit(struct fetch_stream *stream)
{
	struct fetch_connection *connection = stream->connection;
	const nghttp2_data_provider body = {{.ptr = stream}, on_body_wanted};
	const char *at = buf_text(&stream->head), *end = at + stream->head.len;
	nghttp2_nv pairs[HEADERS_MAX];
	size_t count = 0;
	int32_t id;

	while (at < end) {
		const char *value = strchr(at, '\0') + 1;

		pairs[count++] = pair_of(at, value);
		at = strchr(value, '\0') + 1;
	}
	id = nghttp2_submit_request(connection->session, NULL, pairs, count,
		stream->body.len > 0 ? &body : NULL, stream);
	buf_done(&stream->head);
	buf_init(&stream->head, 0);
	if (id < 0) {
		finish(stream, FETCH_REFUSED, nghttp2_strerror(id));
		return;
	}
	stream->id = id;
	stream->reused = connection->used;
	connection->used = true;
	http2_connection_wake(connection->wire);
}

static void add_pair(struct buf *head, const char *name, size_t len, const char *value)
{
	size_t at = head->len;

	buf_add(head, name, len);
	buf_add(head, "", 1);
	for (char *letter = head->data + at; *letter; letter++)
		*letter = (char)tolower((unsigned char)*letter);
	buf_add(head, value, strlen(value) + 1);
}

/* RFC 9113, 8.2.2: these speak of a connection, which has many streams here. */
static bool is_connection_header(const char *name, size_t len)
{
	static const char *const names[] = {"connection", "expect", "host",
		"keep-alive", "transfer-encoding", "upgrade", "content-length"};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0)
			return true;
	return false;
}

static bool add_headers(
	struct buf *head, const struct fetch_request *request, struct err *err)
{
	const char *const *line = request->headers;
	unsigned count = 5; /* the pseudo-headers, and the length */

	for (; line && *line; line++) {
		const char *colon = strchr(*line, ':');
		size_t len = colon ? (size_t)(colon - *line) : 0;

		if (len == 0 || is_connection_header(*line, len))
			continue;
		if (++count > HEADERS_MAX)
			return err_set(err, "more than %d headers", HEADERS_MAX);
		add_pair(head, *line, len, colon + 1 + strspn(colon + 1, " \t"));
	}
	return true;
}

static bool write_head(struct fetch_stream *stream, const struct fetch_request *request,
	const char *authority, const char *target, struct err *err)
{
	const char *method = request->method;
	struct buf *head = &stream->head;
	char len[24];

	if (!method)
		method = request->body ? "POST" : "GET";
	stream->call->bodiless = strcmp(method, "HEAD") == 0;
	add_pair(head, ":method", 7, method);
	add_pair(head, ":scheme", 7, "http");
	add_pair(head, ":authority", 10, authority);
	add_pair(head, ":path", 5, target);
	if (!add_headers(head, request, err))
		return false;
	if (!request->body && strcmp(method, "POST") != 0 &&
		strcmp(method, "PUT") != 0 && strcmp(method, "PATCH") != 0)
		return true;
	snprintf(len, sizeof len, "%zu", request->body ? request->body_len : 0);
	add_pair(head, "content-length", 14, len);
	buf_init(&stream->body, SIZE_MAX);
	if (request->body)
		buf_add(&stream->body, request->body, request->body_len);
	return true;
}

/* --- What arrives --- */

static struct fetch_stream *stream_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

static int64_t within(double value, int32_t most)
{
	return value > 0 && value <= most ? (int64_t)value : 0;
}

/* Seconds, or a date. */
static int64_t retry_s(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end)
		seconds = (double)(curl_getdate(text, NULL) - time(NULL));
	return within(seconds, INT32_MAX / 1000);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
	const uint8_t *name, size_t name_len, const uint8_t *value, size_t value_len,
	uint8_t flags UNUSED, void *arg UNUSED)
{
	struct fetch_stream *stream = stream_of(session, frame->hd.stream_id);
	const char *key = (const char *)name, *text = (const char *)value;

	if (!stream)
		return 0;
	if (strcmp(key, ":status") ==
		0) { /* the first of a head; nghttp2 ends both with NUL */
		stream->call->result.status = strtol(text, NULL, 10);
		buf_clear(&stream->call->found);
		return 0;
	}
	if (strcmp(key, "retry-after-ms") == 0)
		stream->retry_ms = within(strtod(text, NULL), INT32_MAX);
	else if (strcmp(key, "retry-after") == 0)
		stream->retry_s = retry_s(text);
	fetch_call_note_header(stream->call, key, name_len, text, value_len);
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
	case NGHTTP2_GOAWAY:
		connection->leaving = true;
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
	stream->ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	if (frame->hd.type == NGHTTP2_HEADERS && stream->call->result.status >= 200)
		fetch_call_note_head(stream->call, stream->call->result.status);
	tell(connection->origin->http2);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags UNUSED, int32_t id,
	const uint8_t *data, size_t len, void *arg UNUSED)
{
	struct fetch_stream *stream = stream_of(session, id);

	if (!stream)
		return 0;
	tell(stream->connection->origin->http2);
	if (!fetch_call_take_body(stream->call, stream->call->result.status,
		    (const char *)data, len)) {
		reset(stream);
		finish(stream, FETCH_FAILED, "the answer is larger than its ceiling");
	}
	return 0;
}

static void conclude(struct fetch_stream *stream, uint32_t code)
{
	SCOPED(mem_free) char *why = NULL;

	if (stream->ended && stream->call->headed) {
		finish(stream, FETCH_ANSWERED, "");
		return;
	}
	why = mem_textf(
		"the server reset the stream (%s)", nghttp2_http2_strerror(code));
	if (code == NGHTTP2_REFUSED_STREAM) {
		stream->left = false; /* RFC 9113, 8.7: it was not processed */
		finish(stream, FETCH_REFUSED, why);
	} else {
		finish(stream, FETCH_BROKEN, why);
	}
}

static void make_room(struct fetch_connection *connection)
{
	struct fetch_origin *origin = connection->origin;

	connection->count--;
	if (!origin || origin->connections == connection)
		return;
	DL_DELETE(origin->connections, connection);
	DL_PREPEND(origin->connections, connection);
}

static int on_stream_closed(
	nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct fetch_stream *stream = stream_of(session, id);

	make_room(arg);
	if (stream)
		conclude(stream, code);
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

/* --- Connections --- */

static void place(struct fetch_origin *origin, struct fetch_stream *stream);
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
		else if (!connection->settled)
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
	struct fetch_http2 *http2 = connection->origin->http2;

	if (nghttp2_session_client_new(
		    &connection->session, http2->callbacks, connection) != 0)
		abort(); /* out of memory */
	(void)nghttp2_submit_settings(
		connection->session, NGHTTP2_FLAG_NONE, settings, COUNT(settings));
	(void)nghttp2_session_set_local_window_size(
		connection->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
	connection->wire = http2_connection_create(
		http2->loop, connection->session, on_ended, connection);
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

	snprintf(port, sizeof port, "%u", (unsigned)origin->port);
	connection->lookup.data = connection;
	connection->looking_up =
		uv_getaddrinfo(origin->http2->loop, &connection->lookup, on_found,
			origin->host, port, &hints) == 0;
}

/* A connection that cannot be opened tells so from the loop. */
static struct fetch_connection *connect_to(struct fetch_origin *origin)
{
	struct fetch_connection *connection = mem_zeroed(sizeof *connection);
	struct sockaddr_storage address;

	connection->origin = origin;
	DL_PREPEND(origin->connections, connection);
	if (origin->unix_socket) {
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
	return !connection->leaving && connection->count < streams_max(connection) &&
		(!connection->settled ||
			nghttp2_session_check_request_allowed(connection->session));
}

static void place(struct fetch_origin *origin, struct fetch_stream *stream)
{
	struct fetch_connection *connection = origin->connections;

	if (!connection || !has_room(connection))
		connection = connect_to(origin);
	stream->connection = connection;
	stream->call->stream = stream;
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
		place(connection->origin, stream);
	}
}

/* --- The whole --- */

static void on_news(uv_idle_t *news)
{
	struct fetch_http2 *http2 = news->data;

	uv_idle_stop(news);
	http2->queued(http2->arg);
}

static void tell(struct fetch_http2 *http2)
{
	uv_idle_start(&http2->news, on_news);
}

struct fetch_http2 *fetch_http2_create(
	uv_loop_t *loop, fetch_http2_queued_fn *queued, void *arg)
{
	struct fetch_http2 *http2 = mem_zeroed(sizeof *http2);
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
	http2->callbacks = callbacks;
	http2->loop = loop;
	http2->queued = queued;
	http2->arg = arg;
	uv_idle_init(loop, &http2->news);
	http2->news.data = http2;
	return http2;
}

/* Of a URL: "host:port", and the target behind it. False: err is set. */
static bool split_url(const char *url, char **authority, char **target, struct err *err)
{
	static const char scheme[] = "http://";
	const char *rest = url + strlen(scheme), *path;
	size_t len;

	if (strncasecmp(url, scheme, strlen(scheme)) != 0)
		return err_set(err, "%s: HTTP/2 without TLS needs http://", url);
	len = strcspn(rest, "/?#");
	path = rest + len;
	*authority = mem_textf("%.*s", (int)len, rest);
	*target = mem_textf(
		"%s%.*s", *path == '/' ? "" : "/", (int)strcspn(path, "#"), path);
	return len > 0 || err_set(err, "%s: no host", url);
}

/* Curl reads names, numbers, brackets and ports. */
static bool read_authority(struct fetch_origin *origin, struct err *err)
{
	SCOPED(mem_free) char *url = mem_textf("http://%s/", origin->name);
	CURLU *parts = curl_url();
	char *host = NULL, *port = NULL;
	bool ok = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
		curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ==
			CURLUE_OK;

	if (ok) {
		size_t len = strlen(host);
		bool v6 = host[0] == '[';

		origin->host = mem_textf("%.*s", (int)(len - (v6 ? 2 : 0)), host + v6);
		origin->port = (uint16_t)strtoul(port, NULL, 10);
	} else {
		err_set(err, "%s: no host and port", origin->name);
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
	return ok;
}

static struct fetch_origin *find_origin(struct fetch_http2 *http2,
	const char *authority, const char *unix_socket, struct err *err)
{
	const char *name = unix_socket ? unix_socket : authority;
	struct fetch_origin *origin;

	LL_FOREACH(http2->origins, origin)
	if (origin->unix_socket == (unix_socket != NULL) &&
		strcmp(origin->name, name) == 0)
		return origin;
	origin = mem_zeroed(sizeof *origin);
	origin->http2 = http2;
	origin->name = mem_text(name);
	origin->unix_socket = unix_socket != NULL;
	if (!unix_socket && !read_authority(origin, err)) {
		free(origin->name);
		free(origin);
		return NULL;
	}
	LL_PREPEND(http2->origins, origin);
	return origin;
}

bool fetch_http2_begin(struct fetch_http2 *http2, struct fetch_call *call,
	const struct fetch_request *request, struct err *err)
{
	SCOPED(mem_free) char *authority = NULL;
	SCOPED(mem_free) char *target = NULL;
	struct fetch_origin *origin = NULL;
	struct fetch_stream *stream;

	if (request->upload)
		return err_set(err, "HTTP/2: a file cannot be uploaded");
	if (split_url(request->url, &authority, &target, err))
		origin = find_origin(http2, authority, request->socket, err);
	if (!origin)
		return false;
	stream = mem_zeroed(sizeof *stream);
	stream->call = call;
	if (!write_head(stream, request, authority, target, err)) {
		stream_free(stream);
		return false;
	}
	place(origin, stream);
	return true;
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

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void fetch_http2_destroy(struct fetch_http2 *http2)
{
	struct fetch_origin *origin;

	if (!http2)
		return;
	while ((origin = http2->origins)) {
		while (origin->connections)
			close_connection(origin->connections);
		http2->origins = origin->next;
		free(origin->name);
		free(origin->host);
		free(origin);
	}
	nghttp2_session_callbacks_del(http2->callbacks);
	uv_close((uv_handle_t *)&http2->news, on_closed);
}
