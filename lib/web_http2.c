#include "lib/web_http2.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <utlist.h>

#include "lib/err.h"
#include "lib/http2_connection.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

#define HEADERS_MAX       64                  /* of an answer; more are left out */
#define STREAM_WINDOW     (UINT32_C(1) << 20) /* bytes of a request's body on their way */
#define CONNECTION_WINDOW (INT32_C(16) << 20)

struct web_http2 {
	struct web_exchanges *all;
	size_t head_ceiling;
	int64_t idle_ns;
	web_http2_closed_fn *closed;
	void *arg;
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	struct web_http2_connection *connections;
};

struct web_http2_connection {
	struct web_http2 *http2;
	struct web_connection *client;
	struct http2_connection *wire;
	nghttp2_session *session; /* the wire's */
	unsigned streams;
	struct loop_timer *idle;
	struct web_http2_connection *prev, *next;
};

static struct web_exchange *exchange_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

/* --- The answer --- */

/* A list of headers on its way to nghttp2, which copies it, in small letters. */
struct answer {
	nghttp2_nv pairs[HEADERS_MAX];
	size_t count;
	char status[8], length[24], date[40];
};

static void add(struct answer *answer, const char *name, const char *value)
{
	if (answer->count == HEADERS_MAX || !*value || strpbrk(value, "\r\n"))
		return;
	answer->pairs[answer->count++] = (nghttp2_nv){
		.name = (uint8_t *)(uintptr_t)name,
		.value = (uint8_t *)(uintptr_t)value,
		.namelen = strlen(name),
		.valuelen = strlen(value),
	};
}

/* RFC 9110, 6.6.1 */
static void add_date(struct answer *answer)
{
	const time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(answer->date, sizeof answer->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	add(answer, "date", answer->date);
}

static void begin_answer(struct answer *answer, const struct web_exchange *exchange,
	unsigned status, const char *type)
{
	const char *name = buf_text(&exchange->headers);
	const char *end = name + exchange->headers.len;

	answer->count = 0;
	snprintf(answer->status, sizeof answer->status, "%u", status);
	add(answer, ":status", answer->status);
	add_date(answer);
	if (type)
		add(answer, "content-type", type);
	while (name < end) {
		const char *value = name + strlen(name) + 1;

		if (strcasecmp(name, "connection") != 0)
			add(answer, name, value);
		name = value + strlen(value) + 1;
	}
}

static void reset_stream(const struct web_exchange *exchange, uint32_t code)
{
	(void)nghttp2_submit_rst_stream(
		exchange->http2->session, NGHTTP2_FLAG_NONE, exchange->stream_id, code);
	http2_connection_wake(exchange->http2->wire);
}

/* nghttp2 asks for more of the body. */
static ssize_t on_room(nghttp2_session *session UNUSED, int32_t id UNUSED, uint8_t *out,
	size_t room, uint32_t *flags, nghttp2_data_source *source, void *arg UNUSED)
{
	struct web_exchange *exchange = source->ptr;
	size_t len = web_exchange_unsent(exchange);

	if (exchange->state == WEB_EXCHANGE_FAILED ||
		exchange->state == WEB_EXCHANGE_SHUT)
		return NGHTTP2_ERR_DEFERRED;
	if (len > room)
		len = room;
	if (len > 0)
		memcpy(out, exchange->stream.data + exchange->streamed, len);
	exchange->streamed += len;
	if (exchange->state == WEB_EXCHANGE_ANSWERED &&
		web_exchange_unsent(exchange) == 0)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	else if (len == 0 && exchange->state == WEB_EXCHANGE_CUT)
		reset_stream(exchange, NGHTTP2_CANCEL);
	return len > 0 || (*flags & NGHTTP2_DATA_FLAG_EOF) ? (ssize_t)len
							   : NGHTTP2_ERR_DEFERRED;
}

static void submit(
	struct web_exchange *exchange, const struct answer *answer, bool has_body)
{
	const nghttp2_data_provider body = {{.ptr = exchange}, on_room};

	if (nghttp2_submit_response(exchange->http2->session, exchange->stream_id,
		    answer->pairs, answer->count,
		    has_body && !exchange->is_head ? &body : NULL) != 0)
		abort(); /* out of memory */
	http2_connection_wake(exchange->http2->wire);
}

static void reply(struct web_exchange *exchange, unsigned status, const char *type,
	const char *body, size_t len)
{
	struct answer answer;

	begin_answer(&answer, exchange, status, type);
	snprintf(answer.length, sizeof answer.length, "%zu", len);
	if (status != 204 && status != 304)
		add(&answer, "content-length", answer.length);
	if (len > 0 && !exchange->is_head)
		buf_add(&exchange->stream, body, len);
	submit(exchange, &answer, len > 0);
}

static void begin_stream(
	struct web_exchange *exchange, unsigned status, const char *type)
{
	struct answer answer;

	begin_answer(&answer, exchange, status, type);
	submit(exchange, &answer, true);
}

static void wake(struct web_exchange *exchange)
{
	if (exchange->state == WEB_EXCHANGE_FAILED) {
		reset_stream(exchange, NGHTTP2_INTERNAL_ERROR);
		return;
	}
	(void)nghttp2_session_resume_data(
		exchange->http2->session, exchange->stream_id);
	http2_connection_wake(exchange->http2->wire);
}

/* A stream cannot be shut without an answer: it stays open, and silent. */
static void half_close(struct web_exchange *exchange UNUSED)
{
}

/* The connection is that of other exchanges too: wake() resets the stream alone. */
static void sever(struct web_exchange *exchange UNUSED, bool reset UNUSED)
{
}

/* --- The request --- */

typedef int compare_fn(const char *a, const char *b);

/* The value of the i-th name of a list of pairs. NULL: there is none. */
static const char *find(
	const struct buf *list, compare_fn *compare, const char *name, unsigned i)
{
	const char *pair = buf_text(list), *end = pair + list->len;

	while (pair < end) {
		const char *value = pair + strlen(pair) + 1;

		if (compare(pair, name) == 0 && i-- == 0)
			return value;
		pair = value + strlen(value) + 1;
	}
	return NULL;
}

static const char *header(const struct web_exchange *exchange, const char *name)
{
	if (strcasecmp(name, "host") == 0)
		name = ":authority";
	return find(&exchange->head, strcasecmp, name, 0);
}

static void each_header(
	const struct web_exchange *exchange, web_header_fn *each, void *arg)
{
	const char *pair = buf_text(&exchange->head);
	const char *end = pair + exchange->head.len;

	while (pair < end) {
		const char *value = pair + strlen(pair) + 1;

		if (*pair != ':')
			each(arg, pair, value);
		pair = value + strlen(value) + 1;
	}
}

/* In place; a text that would have a NUL stays as it is. */
static void unescape(char *text)
{
	if (!strstr(text, "%00"))
		MHD_http_unescape(text);
}

/* "a=b&c" as pairs; + is a space. */
static void read_query(const char *text, struct buf *list)
{
	SCOPED(mem_free) char *copy = mem_text(text);
	char *rest = copy, *pair;

	for (char *at = copy; *at; at++)
		if (*at == '+')
			*at = ' ';
	while ((pair = strsep(&rest, "&"))) {
		char *value = strchr(pair, '=');

		if (!*pair)
			continue;
		if (value)
			*value++ = '\0';
		unescape(pair);
		buf_add(list, pair, strlen(pair) + 1);
		if (value)
			unescape(value);
		buf_add(list, value ? value : "", value ? strlen(value) + 1 : 1);
	}
}

static const char *query(
	const struct web_exchange *exchange, const char *name, unsigned i)
{
	return find(&exchange->query, strcmp, name, i);
}

static const struct web_protocol http2_protocol = {
	.header = header,
	.each_header = each_header,
	.query = query,
	.reply = reply,
	.begin_stream = begin_stream,
	.wake = wake,
	.half_close = half_close,
	.sever = sever,
};

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct web_http2_connection *connection = arg;
	struct web_exchange *exchange;

	if (frame->hd.type != NGHTTP2_HEADERS ||
		frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	exchange = web_exchange_begin(
		connection->http2->all, connection->client, &http2_protocol);
	exchange->http2 = connection;
	exchange->stream_id = frame->hd.stream_id;
	buf_init(&exchange->head, connection->http2->head_ceiling);
	connection->streams++;
	loop_timer_stop(connection->idle);
	return nghttp2_session_set_stream_user_data(
		session, frame->hd.stream_id, exchange);
}

/* nghttp2 ends both texts with NUL, and has none in them. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
	const uint8_t *name, size_t name_len, const uint8_t *value, size_t value_len,
	uint8_t flags UNUSED, void *arg UNUSED)
{
	struct web_exchange *exchange = exchange_of(session, frame->hd.stream_id);

	if (!exchange || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0; /* a trailer */
	buf_add(&exchange->head, name, name_len + 1);
	buf_add(&exchange->head, value, value_len + 1);
	return 0;
}

/* web answers itself. The rest of the request is not wanted: see on_sent(). */
static void refuse(struct web_exchange *exchange, unsigned status,
	const struct buf *head, const struct buf *body)
{
	SCOPED(mem_free) char *lines = mem_text(buf_text(head));
	char *rest = lines, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *value = strchr(line, ':');

		if (!value)
			continue;
		*value++ = '\0';
		value[strcspn(value, "\r")] = '\0';
		value += strspn(value, " ");
		buf_add(&exchange->headers, line, strlen(line) + 1);
		buf_add(&exchange->headers, value, strlen(value) + 1);
	}
	reply(exchange, status, "application/json", buf_text(body), body->len);
	web_exchange_enter(exchange, WEB_EXCHANGE_ANSWERED);
}

static void refuse_body(struct web_exchange *exchange)
{
	SCOPED(buf_done) struct buf head = {0};
	SCOPED(buf_done) struct buf body = {0};

	web_exchange_refuse_body(exchange, &head, &body);
	refuse(exchange, 413, &head, &body);
}

static void refuse_head(struct web_exchange *exchange, unsigned status, const char *why)
{
	SCOPED(buf_done) struct buf head = {0};
	SCOPED(buf_done) struct buf body = {0};

	buf_addf(&body, "{\"error\":\"%s\"}", why);
	refuse(exchange, status, &head, &body);
}

/* The head is whole. */
static void read_head(struct web_exchange *exchange)
{
	const char *target = header(exchange, ":path");
	const char *length;
	size_t len;

	exchange->method = header(exchange, ":method");
	exchange->path = "";
	exchange->is_head = exchange->method && strcmp(exchange->method, "HEAD") == 0;
	if (exchange->head.full) {
		refuse_head(exchange, 431, "the head is too large");
		return;
	}
	if (!exchange->method || !target ||
		(*target != '/' && strcmp(target, "*") != 0)) {
		refuse_head(exchange, 400, "there is no path");
		return;
	}
	len = strcspn(target, "?");
	exchange->decoded = mem_textf("%.*s", (int)len, target);
	unescape(exchange->decoded);
	exchange->path = exchange->decoded;
	if (target[len])
		read_query(target + len + 1, &exchange->query);
	length = header(exchange, "content-length");
	if (length && strtoull(length, NULL, 10) > exchange->all->body_ceiling)
		refuse_body(exchange);
}

static int on_data(nghttp2_session *session, uint8_t flags UNUSED, int32_t id,
	const uint8_t *data, size_t len, void *arg UNUSED)
{
	struct web_exchange *exchange = exchange_of(session, id);

	if (exchange && exchange->state == WEB_EXCHANGE_ARRIVING &&
		!buf_add(&exchange->body, data, len))
		refuse_body(exchange);
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct web_http2_connection *connection = arg;
	struct web_exchange *exchange;

	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	exchange = exchange_of(session, frame->hd.stream_id);
	connection->http2->all->activity++;
	if (!exchange)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS &&
		frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		read_head(exchange);
	exchange->whole = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	if (exchange->whole && exchange->state == WEB_EXCHANGE_ARRIVING)
		web_exchange_hand_over(exchange);
	return 0;
}

/* --- The end --- */

/* An answer to a request of which the rest does not matter ends it (RFC 9113, 8.1). */
static int on_sent(
	nghttp2_session *session, const nghttp2_frame *frame, void *arg UNUSED)
{
	struct web_exchange *exchange;

	if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
		!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	exchange = exchange_of(session, frame->hd.stream_id);
	if (!exchange)
		return 0;
	exchange->sent = true;
	if (!exchange->whole)
		reset_stream(exchange, NGHTTP2_NO_ERROR);
	return 0;
}

static enum web_end how_it_ended(const struct web_exchange *exchange)
{
	if (exchange->state == WEB_EXCHANGE_FAILED)
		return exchange->end;
	if (exchange->sent)
		return WEB_ANSWERED;
	return exchange->state == WEB_EXCHANGE_CUT ? WEB_BROKEN : WEB_LEFT;
}

static int on_stream_closed(
	nghttp2_session *session, int32_t id, uint32_t code UNUSED, void *arg)
{
	struct web_http2_connection *connection = arg;
	struct web_exchange *exchange = exchange_of(session, id);

	if (!exchange)
		return 0;
	if (--connection->streams == 0)
		loop_timer_set(connection->idle, connection->http2->idle_ns);
	web_exchange_end(exchange, how_it_ended(exchange));
	return 0;
}

/* Its exchanges end as what the connection's end is for them. */
static void close_connection(struct web_http2_connection *connection, enum web_end end)
{
	struct web_http2 *http2 = connection->http2;
	struct web_exchange *exchange, *next;

	DL_FOREACH_SAFE(http2->all->list, exchange, next) {
		if (exchange->http2 != connection)
			continue;
		if (exchange->state != WEB_EXCHANGE_FAILED && !exchange->sent) {
			exchange->state = WEB_EXCHANGE_FAILED;
			exchange->end = end;
		}
		web_exchange_end(exchange, how_it_ended(exchange));
	}
	DL_DELETE(http2->connections, connection);
	http2_connection_close(connection->wire);
	loop_timer_destroy(connection->idle);
	http2->closed(http2->arg, connection->client);
	free(connection);
}

static void on_ended(void *arg, const char *why UNUSED)
{
	close_connection(arg, WEB_LEFT);
}

static void on_idle(void *arg)
{
	struct web_http2_connection *connection = arg;

	(void)nghttp2_session_terminate_session(connection->session, NGHTTP2_NO_ERROR);
	http2_connection_wake(connection->wire);
}

/* --- Connections --- */

static void greet(struct web_http2_connection *connection)
{
	const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, WEB_HTTP2_STREAMS},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
			(uint32_t)connection->http2->head_ceiling},
	};
	nghttp2_session *session = connection->session;

	(void)nghttp2_submit_settings(
		session, NGHTTP2_FLAG_NONE, settings, COUNT(settings));
	(void)nghttp2_session_set_local_window_size(
		session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
}

bool web_http2_add(struct web_http2 *http2, int fd, struct web_connection *client)
{
	struct web_http2_connection *connection = mem_zeroed(sizeof *connection);
	struct err err;

	connection->http2 = http2;
	connection->client = client;
	if (nghttp2_session_server_new2(&connection->session, http2->callbacks,
		    connection, http2->option) != 0)
		abort(); /* out of memory */
	greet(connection);
	connection->wire = http2_connection_create(
		http2->all->loop, connection->session, on_ended, connection);
	if (!http2_connection_open(connection->wire, fd, &err)) {
		http2_connection_close(connection->wire);
		free(connection);
		return false;
	}
	connection->idle = loop_timer_create(http2->all->loop, on_idle, connection);
	loop_timer_set(connection->idle, http2->idle_ns);
	DL_APPEND(http2->connections, connection);
	return true;
}

void web_http2_drain(struct web_http2 *http2)
{
	struct web_http2_connection *connection;

	DL_FOREACH(http2->connections, connection) {
		(void)nghttp2_submit_shutdown_notice(connection->session);
		http2_connection_wake(connection->wire);
	}
}

struct web_http2 *web_http2_create(struct web_exchanges *all, size_t head_ceiling,
	int64_t idle_ns, web_http2_closed_fn *closed, void *arg)
{
	struct web_http2 *http2 = mem_zeroed(sizeof *http2);
	nghttp2_session_callbacks *callbacks;

	if (nghttp2_session_callbacks_new(&callbacks) != 0 ||
		nghttp2_option_new(&http2->option) != 0)
		abort(); /* out of memory */
	nghttp2_option_set_no_closed_streams(http2->option, 1);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(
		callbacks, on_stream_closed);
	http2->callbacks = callbacks;
	http2->all = all;
	http2->head_ceiling = head_ceiling;
	http2->idle_ns = idle_ns;
	http2->closed = closed;
	http2->arg = arg;
	return http2;
}

void web_http2_destroy(struct web_http2 *http2)
{
	if (!http2)
		return;
	while (http2->connections) {
		(void)nghttp2_session_terminate_session(
			http2->connections->session, NGHTTP2_NO_ERROR);
		close_connection(http2->connections, WEB_BROKEN);
	}
	nghttp2_session_callbacks_del(http2->callbacks);
	nghttp2_option_del(http2->option);
	free(http2);
}
