#include "lib/web_http2.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <utlist.h>

#include "lib/clock.h"
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
	struct loop_timer *idle;
	int64_t active_ns; /* when something last came, or was taken */
	unsigned resets;   /* by the client, less what time has made good */
	int64_t resets_ns; /* until when it has */
	bool deaf;         /* it takes nothing, and is to be closed */
	bool heard;        /* that it should begin no more streams */
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
	const size_t len = strlen(value);

	if (answer->count == HEADERS_MAX || len == 0 ||
		!nghttp2_check_header_value((const uint8_t *)value, len))
		return;
	answer->pairs[answer->count++] = (nghttp2_nv){
		.name = (uint8_t *)(uintptr_t)name,
		.value = (uint8_t *)(uintptr_t)value,
		.namelen = strlen(name),
		.valuelen = len,
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

/* What HTTP/2 has in other ways (RFC 9113, 8.2.2), and the length. */
static bool is_of_http1(const char *name)
{
	static const char *const names[] = {"connection", "keep-alive",
		"proxy-connection", "transfer-encoding", "upgrade", "content-length"};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
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

		if (!is_of_http1(name))
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

/* Most streams are silent most of the time: then they keep no memory for their queue. */
static void forget_sent(struct web_exchange *exchange)
{
	const size_t ceiling = exchange->stream.ceiling;

	buf_done(&exchange->stream);
	buf_init(&exchange->stream, ceiling);
	exchange->streamed = 0;
}

/* nghttp2 asks for more of the body. */
static ssize_t on_room(nghttp2_session *session, int32_t id, uint8_t *out, size_t room,
	uint32_t *flags, nghttp2_data_source *source UNUSED, void *arg)
{
	struct web_http2_connection *connection = arg;
	struct web_exchange *exchange = exchange_of(session, id);
	size_t len;

	if (!exchange || exchange->state == WEB_EXCHANGE_FAILED ||
		exchange->state == WEB_EXCHANGE_SHUT)
		return NGHTTP2_ERR_DEFERRED;
	connection->active_ns = clock_now();
	len = web_exchange_unsent(exchange);
	if (len > room)
		len = room;
	if (len > 0)
		memcpy(out, exchange->stream.data + exchange->streamed, len);
	exchange->streamed += len;
	if (web_exchange_unsent(exchange) == 0)
		forget_sent(exchange);
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
	const nghttp2_data_provider body = {.read_callback = on_room};

	if (nghttp2_submit_response(exchange->http2->session, exchange->stream_id,
		    answer->pairs, answer->count,
		    has_body && !exchange->is_head ? &body : NULL) != 0)
		abort(); /* out of memory */
	buf_done(&exchange->headers);
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
	if (len > exchange->stream.ceiling)
		exchange->stream.ceiling = len;
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

/* The connection is that of other exchanges too: wake() resets the stream alone. But a
 * client that does not read its socket does not hear of it: that ends the connection, from
 * the loop. */
static void sever(struct web_exchange *exchange, bool reset)
{
	struct web_http2_connection *connection = exchange->http2;

	if (reset ||
		(exchange->state != WEB_EXCHANGE_FAILED &&
			!http2_connection_is_blocked(connection->wire)))
		return;
	connection->deaf = true;
	loop_timer_set(connection->idle, 0);
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
	const char *value = find(&exchange->head, strcasecmp, name, 0);

	if (!value && strcasecmp(name, "host") == 0)
		return find(&exchange->head, strcasecmp, ":authority", 0);
	return value;
}

static const char *target(const struct web_exchange *exchange)
{
	return header(exchange, ":path");
}

static void each_header(
	const struct web_exchange *exchange, web_header_fn *each, void *arg)
{
	const char *pair = buf_text(&exchange->head);
	const char *end = pair + exchange->head.len;
	const bool has_host = find(&exchange->head, strcasecmp, "host", 0);

	while (pair < end) {
		const char *value = pair + strlen(pair) + 1;

		if (*pair != ':')
			each(arg, pair, value);
		else if (!has_host && strcmp(pair, ":authority") == 0)
			each(arg, "host", value);
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
	.target = target,
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

/* web answers itself. The rest of the request is not wanted: see pass_over(). */
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

	if (exchange->all->refused)
		exchange->all->refused(exchange->all->arg, status);
	buf_addf(&body, "{\"error\":\"%s\"}", why);
	refuse(exchange, status, &head, &body);
}

/* A client may hold its body back until it has leave (RFC 9110, 10.1.1). */
static void allow_body(const struct web_exchange *exchange)
{
	const char *expected = header(exchange, "expect");
	struct answer answer = {.count = 0};

	if (!expected || strcasecmp(expected, "100-continue") != 0)
		return;
	add(&answer, ":status", "100");
	(void)nghttp2_submit_headers(exchange->http2->session, NGHTTP2_FLAG_NONE,
		exchange->stream_id, NULL, answer.pairs, answer.count, NULL);
	http2_connection_wake(exchange->http2->wire);
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
	else if (!exchange->whole)
		allow_body(exchange);
}

/* Bytes of a request that was refused. A reset right behind the answer would stop them
 * (RFC 9113, 8.1), but curl 7.88 loses the answer then. So that is for who sends on. */
static void pass_over(struct web_exchange *exchange, size_t len)
{
	exchange->surplus += len;
	if (exchange->sent && exchange->surplus > exchange->all->body_ceiling)
		reset_stream(exchange, NGHTTP2_NO_ERROR);
}

static int on_data(nghttp2_session *session, uint8_t flags UNUSED, int32_t id,
	const uint8_t *data, size_t len, void *arg UNUSED)
{
	struct web_exchange *exchange = exchange_of(session, id);

	if (!exchange)
		return 0;
	if (exchange->state != WEB_EXCHANGE_ARRIVING)
		pass_over(exchange, len);
	else if (!buf_add(&exchange->body, data, len))
		refuse_body(exchange);
	return 0;
}

static void take_frame(struct web_exchange *exchange, const nghttp2_frame *frame)
{
	exchange->all->activity++;
	exchange->whole = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	if (frame->hd.type == NGHTTP2_HEADERS &&
		frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		read_head(exchange);
	if (exchange->whole && exchange->state == WEB_EXCHANGE_ARRIVING)
		web_exchange_hand_over(exchange);
}

/* One whose answer has begun is left like any other answer. */
static void count_reset(
	struct web_http2_connection *connection, const struct web_exchange *exchange)
{
	const int64_t now_ns = clock_now();
	const int64_t made_good =
		(now_ns - connection->resets_ns) / (CLOCK_S / WEB_HTTP2_RESETS_PER_S);

	if (exchange->state != WEB_EXCHANGE_ARRIVING &&
		exchange->state != WEB_EXCHANGE_HANDED)
		return;
	if (made_good > 0) {
		connection->resets_ns = now_ns;
		connection->resets -= made_good < connection->resets
			? (unsigned)made_good
			: connection->resets;
	}
	if (++connection->resets > WEB_HTTP2_RESETS)
		(void)nghttp2_session_terminate_session(
			connection->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* Its answer to the PING of drain(). */
static void on_heard(struct web_http2_connection *connection)
{
	if (!connection->http2->all->closing || connection->heard)
		return;
	connection->heard = true;
	(void)nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE,
		nghttp2_session_get_last_proc_stream_id(connection->session),
		NGHTTP2_NO_ERROR, NULL, 0);
	http2_connection_wake(connection->wire);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct web_http2_connection *connection = arg;
	struct web_exchange *exchange = exchange_of(session, frame->hd.stream_id);

	connection->active_ns = clock_now();
	if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK))
		on_heard(connection);
	if (!exchange)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA)
		take_frame(exchange, frame);
	else if (frame->hd.type == NGHTTP2_RST_STREAM)
		count_reset(connection, exchange);
	return 0;
}

/* --- The end --- */

static int on_sent(
	nghttp2_session *session, const nghttp2_frame *frame, void *arg UNUSED)
{
	struct web_exchange *exchange;

	if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
		!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	exchange = exchange_of(session, frame->hd.stream_id);
	if (exchange)
		exchange->sent = true;
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
	nghttp2_session *session, int32_t id, uint32_t code UNUSED, void *arg UNUSED)
{
	struct web_exchange *exchange = exchange_of(session, id);

	if (exchange)
		web_exchange_end(exchange, how_it_ended(exchange));
	return 0;
}

/* Its exchanges end as what the connection's end is for them. The session, which may have
 * frames to send, knows them no more. */
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
		(void)nghttp2_session_set_stream_user_data(
			connection->session, exchange->stream_id, NULL);
		web_exchange_end(exchange, how_it_ended(exchange));
	}
	DL_DELETE(http2->connections, connection);
	http2_connection_close(connection->wire);
	loop_timer_destroy(connection->idle);
	http2->closed(http2->arg, connection->client);
	free(connection);
}

/* `why` NULL: the session ended in order, or nghttp2 ended it for a fault. */
static void on_ended(void *arg, const char *why)
{
	close_connection(arg, why ? WEB_LEFT : WEB_BROKEN);
}

/* Does one of its streams wait for the owner, and not for the client? */
static bool waits_for_owner(const struct web_http2_connection *connection)
{
	const struct web_exchange *exchange;

	DL_FOREACH(connection->http2->all->list, exchange) {
		if (exchange->http2 != connection)
			continue;
		if (exchange->state == WEB_EXCHANGE_HANDED ||
			exchange->state == WEB_EXCHANGE_SHUT ||
			(exchange->state == WEB_EXCHANGE_STREAMING &&
				web_exchange_unsent(exchange) == 0))
			return true;
	}
	return false;
}

static void on_idle(void *arg)
{
	struct web_http2_connection *connection = arg;
	const int64_t idle_ns = connection->http2->idle_ns;
	const int64_t silent_ns = clock_now() - connection->active_ns;

	if (!connection->deaf && silent_ns < idle_ns) {
		loop_timer_set(connection->idle, idle_ns - silent_ns);
		return;
	}
	if (!connection->deaf && waits_for_owner(connection)) {
		loop_timer_set(connection->idle, idle_ns);
		return;
	}
	(void)nghttp2_session_terminate_session(connection->session, NGHTTP2_NO_ERROR);
	close_connection(connection, WEB_BROKEN);
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

static void drain(struct web_http2_connection *connection)
{
	(void)nghttp2_submit_shutdown_notice(connection->session);
	(void)nghttp2_submit_ping(connection->session, NGHTTP2_FLAG_NONE, NULL);
	http2_connection_wake(connection->wire);
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
	connection->active_ns = connection->resets_ns = clock_now();
	connection->idle = loop_timer_create(http2->all->loop, on_idle, connection);
	loop_timer_set(connection->idle, http2->idle_ns);
	DL_APPEND(http2->connections, connection);
	if (http2->all->closing)
		drain(connection);
	return true;
}

void web_http2_drain(struct web_http2 *http2)
{
	struct web_http2_connection *connection;

	DL_FOREACH(http2->connections, connection)
		drain(connection);
}

bool web_http2_is_unheard(const struct web_http2 *http2)
{
	const struct web_http2_connection *connection;

	for (connection = http2 ? http2->connections : NULL; connection;
		connection = connection->next)
		if (!connection->heard)
			return true;
	return false;
}

bool web_http2_is_sending(const struct web_http2 *http2)
{
	const struct web_http2_connection *connection;

	for (connection = http2 ? http2->connections : NULL; connection;
		connection = connection->next)
		if (http2_connection_is_blocked(connection->wire))
			return true;
	return false;
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
