#include "lib/web_http2.h"

#include <stdlib.h>

#include <utlist.h>

#include "lib/clock.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "lib/web_http2_exchange.h"

#define STREAM_WINDOW     (UINT32_C(1) << 20) /* bytes of a request's body on their way */
#define CONNECTION_WINDOW (INT32_C(16) << 20)
#define HEAD_EXCESS       4

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

static struct web_exchange *exchange_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct web_http2_connection *connection = arg;
	struct web_exchange *exchange;

	if (frame->hd.type != NGHTTP2_HEADERS ||
		frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	exchange = web_exchange_begin(
		connection->http2->all, connection->client, &web_http2_protocol);
	exchange->http2 = connection;
	exchange->stream_id = frame->hd.stream_id;
	buf_init(&exchange->head, connection->http2->head_ceiling);
	return nghttp2_session_set_stream_user_data(
		session, frame->hd.stream_id, exchange);
}

/* nghttp2 ends both texts with NUL, and has none in them. A head that is too large is
 * refused in words (431), and reset when it is HEAD_EXCESS times that: a byte may stand for
 * a header of some KiB. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
	const uint8_t *name, size_t name_len, const uint8_t *value, size_t value_len,
	uint8_t flags UNUSED, void *arg UNUSED)
{
	struct web_exchange *exchange = exchange_of(session, frame->hd.stream_id);

	if (!exchange)
		return 0;
	if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) { /* no trailer */
		buf_add(&exchange->head, name, name_len + 1);
		buf_add(&exchange->head, value, value_len + 1);
		if (!exchange->head.full)
			return 0;
	}
	exchange->surplus += name_len + value_len;
	return exchange->surplus > HEAD_EXCESS * exchange->head.ceiling
		? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
		: 0;
}

static int on_data(nghttp2_session *session, uint8_t flags UNUSED, int32_t id,
	const uint8_t *data, size_t len, void *arg UNUSED)
{
	struct web_exchange *exchange = exchange_of(session, id);

	if (exchange)
		web_http2_take_body(exchange, data, len);
	return 0;
}

static void take_frame(struct web_exchange *exchange, const nghttp2_frame *frame)
{
	exchange->all->activity++;
	exchange->whole = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	if (frame->hd.type == NGHTTP2_HEADERS &&
		frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		web_http2_read_head(exchange);
	if (exchange->whole && exchange->state == WEB_EXCHANGE_ARRIVING)
		web_exchange_hand_over(exchange);
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

/* A stream has ended. One whose answer has begun is left like any other answer. The client
 * can have the server reset one, too, by what breaks the rules (CVE-2025-8671). */
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
	struct web_exchange *exchange = exchange_of(session, id);

	if (!exchange)
		return 0;
	count_reset(arg, exchange);
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
