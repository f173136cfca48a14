#include "lib/web_http2_exchange.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/mem.h"

#define HEADERS_MAX 64 /* of an answer; more are left out */

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
	struct web_exchange *exchange =
		nghttp2_session_get_stream_user_data(session, id);
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
	if (status == 204 || status == 304)
		len = 0; /* RFC 9110, 6.4.1 */
	else
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

const struct web_protocol web_http2_protocol = {
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

void web_http2_read_head(struct web_exchange *exchange)
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

void web_http2_take_body(struct web_exchange *exchange, const uint8_t *data, size_t len)
{
	if (exchange->state != WEB_EXCHANGE_ARRIVING)
		pass_over(exchange, len);
	else if (!buf_add(&exchange->body, data, len))
		refuse_body(exchange);
}
