#include "service/mcp/http_transport.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "lib/base64.h"
#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "service/mcp/http_exchange.h"

#define STATELESS_VERSION "2026-07-28"
#define SESSION_ID_MAX    1024
#define SECRET_LEN_MIN    8 /* a shorter one is a test's, and part of any word */
#define RESUME_NS         (1 * CLOCK_S) /* before a stream begins again, unless it says */
#define RESUME_MAX_NS     (30 * CLOCK_S)
#define RESUME_MIN_NS     (10 * CLOCK_MS) /* a server may ask for none at all */
#define ANSWER_TRIES_MAX  3  /* beginnings in a row that bring nothing, of an answer */
#define LISTEN_TRIES_MAX  10 /* of what the server says unasked */
#define BAD_REQUEST_CODE  (-32000)      /* of the SDK's servers */
#define LINGER_NS         (1 * CLOCK_S) /* of a stream after its answer */

enum http_transport_state {
	HTTP_TRANSPORT_OPEN,
	HTTP_TRANSPORT_STOPPING, /* DELETE is due */
	HTTP_TRANSPORT_DELETING,
	HTTP_TRANSPORT_ENDED, /* `ended` was called */
};

struct http_transport {
	struct mcp_transport base;
	enum http_transport_state state;
	struct fetch *fetch;
	char *url;
	struct strlist headers; /* as configured */
	char *session_id;       /* NULL: none */
	char *version;          /* NULL: not negotiated yet */
	unsigned session;       /* counts handshakes */
	struct http_exchange *exchanges;
	/* notifications/initialized: what follows waits for its answer. */
	struct http_exchange *gate;
	struct loop_timer *timer;
	int64_t stop_by_ns;
	bool destroyed;
	unsigned busy; /* callbacks that are running */
};

static void enter(struct http_transport *http)
{
	http->busy++;
}

/* A callback may destroy the transport, whose memory stays until the last returns. */
static void leave(struct http_transport *http)
{
	if (--http->busy > 0 || !http->destroyed)
		return;
	strlist_done(&http->headers);
	free(http->url);
	free(http->session_id);
	free(http->version);
	free(http);
}

/* Hides text wherever it stands in words. */
static void hide(char *words, const char *text)
{
	size_t len = strlen(text);

	if (len < SECRET_LEN_MIN)
		return;
	for (char *found = words; (found = strstr(found, text)); found += len)
		memset(found, '*', len);
}

/* A server may repeat a header, or the token behind "Bearer ". */
static void hide_secrets(const struct http_transport *http, char *words)
{
	for (unsigned i = 0; i < http->headers.count; i++) {
		const char *value = strchr(http->headers.item[i], ':') + 1;
		const char *token = strrchr(value, ' ');

		value += strspn(value, " ");
		hide(words, value);
		if (token)
			hide(words, token + 1);
	}
}

static void drop(struct http_transport *http, struct http_exchange *exchange)
{
	DL_DELETE(http->exchanges, exchange);
	if (http->gate == exchange)
		http->gate = NULL;
	http_exchange_drop(exchange);
}

static void drop_all(struct http_transport *http)
{
	while (http->exchanges)
		drop(http, http->exchanges);
}

static void set_timer(struct http_transport *http)
{
	int64_t next_ns = INT64_MAX, now_ns = clock_now();
	const struct http_exchange *exchange;

	if (http->destroyed || http->state == HTTP_TRANSPORT_ENDED)
		return;
	DL_FOREACH(http->exchanges, exchange) {
		if (exchange->due_ns && exchange->due_ns < next_ns)
			next_ns = exchange->due_ns;
		if (exchange->drop_ns && exchange->drop_ns < next_ns)
			next_ns = exchange->drop_ns;
	}
	if (http->state != HTTP_TRANSPORT_OPEN && http->stop_by_ns < next_ns)
		next_ns = http->stop_by_ns;
	if (next_ns != INT64_MAX)
		loop_timer_set(http->timer, next_ns > now_ns ? next_ns - now_ns : 0);
}

/* The request gets no answer. */
static void fail(struct http_transport *http, struct http_exchange *exchange,
	const char *why, int64_t code)
{
	bool notice = exchange->kind == HTTP_EXCHANGE_NOTICE;
	SCOPED(mem_free)
	char *words = mem_textf("%s%s", notice ? "it took no notification: " : "", why);
	bool wanted = exchange->kind == HTTP_EXCHANGE_REQUEST && !exchange->answered;
	bool told = notice && *why && http->state == HTTP_TRANSPORT_OPEN;
	int64_t id = exchange->id;

	hide_secrets(http, words);
	drop(http, exchange);
	if (wanted)
		http->base.events->failed(http->base.arg, id, words, code);
	else if (told)
		http->base.events->unexpected_output(http->base.arg, words);
}

/* The last version has no sessions: each request stands alone and says what it is. */
static bool is_stateless(const struct http_transport *http)
{
	return http->version && strcmp(http->version, STATELESS_VERSION) >= 0;
}

static void add_headers(const struct http_transport *http,
	const struct http_exchange *exchange, struct strlist *list)
{
	bool post = exchange->text && !http_exchange_can_resume(exchange);

	if (post)
		strlist_add(list, "Content-Type: application/json");
	strlist_add(
		list, "Accept: %stext/event-stream", post ? "application/json, " : "");
	strlist_add(list, "User-Agent: stopbench-service/1");
	if (http->version)
		strlist_add(list, "MCP-Protocol-Version: %s", http->version);
	if (exchange->in_session)
		strlist_add(list, "Mcp-Session-Id: %s", http->session_id);
	if (exchange->sse.id.len > 0)
		strlist_add(list, "Last-Event-ID: %s", buf_text(&exchange->sse.id));
	for (unsigned i = 0; i < exchange->extras.count; i++)
		strlist_add(list, "%s", exchange->extras.item[i]);
	for (unsigned i = 0; i < http->headers.count; i++)
		strlist_add(list, "%s", http->headers.item[i]);
}

static void begin(
	struct http_transport *http, struct http_exchange *exchange, bool fresh)
{
	SCOPED(strlist_done) struct strlist headers = {0};
	struct err err;

	exchange->session = http->session;
	exchange->in_session = http->session_id && !exchange->handshake;
	add_headers(http, exchange, &headers);
	if (!http_exchange_begin(exchange, http->fetch, http->url,
		    (const char *const *)headers.item, fresh || exchange->once, &err))
		fail(http, exchange, err.text, 0);
}

static struct http_exchange *add(
	struct http_transport *http, enum http_exchange_kind kind, const char *text);

/* Listens to what the server says unasked, if it does. */
static void listen_to(struct http_transport *http)
{
	struct http_exchange *exchange = add(http, HTTP_EXCHANGE_LISTEN, NULL);

	exchange->due_ns = clock_now();
	set_timer(http);
}

/* The server has taken notifications/initialized: all that waited is sent. */
static void open_gate(struct http_transport *http)
{
	struct http_exchange *exchange;

	http->gate = NULL;
	DL_FOREACH(http->exchanges, exchange)
		if (!exchange->begun && !exchange->due_ns)
			exchange->due_ns = clock_now();
	if (http->state == HTTP_TRANSPORT_OPEN)
		listen_to(http);
	set_timer(http);
}

static struct http_transport *transport_of(void *arg)
{
	return arg;
}

static void on_headed(void *arg, struct http_exchange *exchange)
{
	struct http_transport *http = transport_of(arg);
	const char *id = http_exchange_header(exchange, "Mcp-Session-Id");

	if (!exchange->handshake || exchange->session != http->session || !id || !*id ||
		strlen(id) > SESSION_ID_MAX)
		return;
	free(http->session_id);
	http->session_id = mem_text(id);
}

static void on_message(
	void *arg, struct http_exchange *exchange, const char *text, size_t len)
{
	struct http_transport *http = transport_of(arg);

	enter(http);
	if (!exchange->answered && http->state != HTTP_TRANSPORT_ENDED)
		http->base.events->message(http->base.arg, text, len, false);
	leave(http);
}

/* After the pause that the stream asked for, or one that grows. */
static void resume_later(struct http_transport *http, struct http_exchange *exchange)
{
	int64_t pause_ns = exchange->sse.retry_ms
		? exchange->sse.retry_ms * CLOCK_MS
		: RESUME_NS << (exchange->failures < 5 ? exchange->failures : 5);

	if (pause_ns > RESUME_MAX_NS)
		pause_ns = RESUME_MAX_NS;
	if (pause_ns < RESUME_MIN_NS)
		pause_ns = RESUME_MIN_NS;
	exchange->failures = exchange->received ? 0 : exchange->failures + 1;
	exchange->due_ns = clock_now() + pause_ns;
	set_timer(http);
}

static bool is_refusal(const struct http_exchange_end *end)
{
	return end->end == FETCH_ANSWERED && end->status / 100 != 2;
}

/* Would the same come again? */
static bool is_final(const struct http_exchange_end *end)
{
	return is_refusal(end) || end->end == FETCH_FAILED;
}

/* Does the server not know our session? That is 404; servers made after the SDK's
 * example say 400. */
static bool has_expired(
	const struct http_exchange *exchange, const struct http_exchange_end *end)
{
	if (!exchange->in_session || !is_refusal(end))
		return false;
	return end->status == 404 ||
		(end->status == 400 && end->code == BAD_REQUEST_CODE &&
			strcasestr(end->why, "session"));
}

static void on_request_over(struct http_transport *http, struct http_exchange *exchange,
	const struct http_exchange_end *end)
{
	bool expired = has_expired(exchange, end);

	if (exchange->answered) {
		drop(http, exchange);
	} else if (expired && exchange->session != http->session && http->version) {
		begin(http, exchange, false);
	} else if (expired) {
		SCOPED(mem_free) char *text = mem_text(exchange->text);
		int64_t id = exchange->id;

		drop(http, exchange);
		http->base.events->expired(http->base.arg, id, text);
	} else if (http_exchange_can_resume(exchange) && !is_final(end) &&
		exchange->failures < ANSWER_TRIES_MAX) {
		resume_later(http, exchange);
	} else {
		fail(http, exchange,
			*end->why ? end->why
				  : "its answer does not hold one to this request",
			end->code);
	}
}

static void on_listen_over(struct http_transport *http, struct http_exchange *exchange,
	const struct http_exchange_end *end)
{
	if (is_final(end) || http->state != HTTP_TRANSPORT_OPEN ||
		exchange->failures >= LISTEN_TRIES_MAX)
		drop(http, exchange);
	else
		resume_later(http, exchange);
}

static void finish(struct http_transport *http, const char *why, long status)
{
	http->state = HTTP_TRANSPORT_ENDED;
	drop_all(http);
	loop_timer_stop(http->timer);
	http->base.events->ended(
		http->base.arg, &(struct mcp_end){.why = why, .http_status = status});
}

static void on_delete_over(
	struct http_transport *http, const struct http_exchange_end *end)
{
	SCOPED(mem_free) char *words =
		mem_text(*end->why ? end->why : "the session was ended");

	hide_secrets(http, words);
	finish(http, words, end->status);
}

/* While the session ends: is anything under way that has to go first? */
static bool is_waiting(const struct http_transport *http)
{
	const struct http_exchange *exchange;

	DL_FOREACH(http->exchanges, exchange)
		if (exchange->handshake ||
			(exchange->kind == HTTP_EXCHANGE_NOTICE && !http->session_id))
			return true;
	return false;
}

/* A handshake that is under way may still give us a session to end. */
static void go_on_stopping(struct http_transport *http)
{
	struct http_exchange *exchange;

	if (http->state != HTTP_TRANSPORT_STOPPING || is_waiting(http))
		return;
	if (!http->session_id) {
		finish(http, "there was no session to end", 0);
		return;
	}
	http->state = HTTP_TRANSPORT_DELETING;
	exchange = add(http, HTTP_EXCHANGE_DELETE, NULL);
	http->base.events->step(http->base.arg, MCP_STEP_DELETE);
	if (http->state == HTTP_TRANSPORT_DELETING && !http->destroyed)
		begin(http, exchange, false);
}

static void on_over(
	void *arg, struct http_exchange *exchange, const struct http_exchange_end *end)
{
	struct http_transport *http = transport_of(arg);
	bool gate = exchange == http->gate;

	enter(http);
	if (end->stale && !exchange->once) {
		begin(http, exchange, true);
	} else {
		switch (exchange->kind) {
		case HTTP_EXCHANGE_REQUEST:
			on_request_over(http, exchange, end);
			break;
		case HTTP_EXCHANGE_NOTICE:
			fail(http, exchange, end->why, 0);
			break;
		case HTTP_EXCHANGE_LISTEN:
			on_listen_over(http, exchange, end);
			break;
		case HTTP_EXCHANGE_DELETE:
			on_delete_over(http, end);
			break;
		}
		if (gate && !http->destroyed)
			open_gate(http);
	}
	if (!http->destroyed)
		go_on_stopping(http);
	leave(http);
}

static const struct http_exchange_owner owner = {
	.headed = on_headed,
	.message = on_message,
	.over = on_over,
};

static struct http_exchange *add(
	struct http_transport *http, enum http_exchange_kind kind, const char *text)
{
	struct http_exchange *exchange = http_exchange_create(kind, text, &owner, http);

	DL_APPEND(http->exchanges, exchange);
	return exchange;
}

/* The first exchange that is due to begin, or to be dropped. */
static struct http_exchange *due_exchange(const struct http_transport *http)
{
	int64_t now_ns = clock_now();
	struct http_exchange *exchange;

	DL_FOREACH(http->exchanges, exchange)
		if ((exchange->due_ns && exchange->due_ns <= now_ns) ||
			(exchange->drop_ns && exchange->drop_ns <= now_ns))
			return exchange;
	return NULL;
}

static void on_timer(void *arg)
{
	struct http_transport *http = transport_of(arg);
	struct http_exchange *exchange;

	enter(http);
	go_on_stopping(http);
	while (!http->destroyed && (exchange = due_exchange(http))) {
		if (exchange->drop_ns && exchange->drop_ns <= clock_now())
			drop(http, exchange);
		else
			begin(http, exchange, false);
	}
	if (!http->destroyed && http->state != HTTP_TRANSPORT_OPEN &&
		http->state != HTTP_TRANSPORT_ENDED &&
		http->stop_by_ns <= clock_now()) {
		http->base.events->step(http->base.arg, MCP_STEP_DROP);
		if (!http->destroyed)
			finish(http, "it did not answer DELETE in time", 0);
	}
	set_timer(http);
	leave(http);
}

/* As the specification has it: what is no visible ASCII goes in base64. */
static void add_name(struct strlist *headers, const char *name)
{
	bool plain = *name != ' ' && strncmp(name, "=?base64?", 9) != 0;
	SCOPED(mem_free) char *encoded = NULL;

	for (const char *at = name; *at; at++)
		plain = plain && *at >= ' ' && *at < 127 &&
			!(*at == ' ' && at[1] == '\0');
	if (plain) {
		strlist_add(headers, "Mcp-Name: %s", name);
		return;
	}
	encoded = base64_text(name, strlen(name));
	strlist_add(headers, "Mcp-Name: =?base64?%s?=", encoded);
}

static bool send_post(struct mcp_transport *transport,
	const struct mcp_message *message, const char **why)
{
	struct http_transport *http = (struct http_transport *)transport;
	const char *method = message->method ? message->method : "";
	struct http_exchange *exchange;

	if (http->state != HTTP_TRANSPORT_OPEN) {
		*why = "it is being stopped";
		return false;
	}
	if (is_stateless(http) && strcmp(method, "notifications/cancelled") == 0)
		return true; /* the end of the connection says so, see settle() */
	exchange = add(http, message->id ? HTTP_EXCHANGE_REQUEST : HTTP_EXCHANGE_NOTICE,
		message->text);
	exchange->id = message->id;
	if (is_stateless(http) && message->method)
		strlist_add(&exchange->extras, "Mcp-Method: %s", method);
	if (is_stateless(http) && message->name)
		add_name(&exchange->extras, message->name);
	exchange->once = strcmp(method, "tools/call") == 0;
	exchange->handshake = strcmp(method, "initialize") == 0;
	if (!http->gate || exchange->handshake)
		exchange->due_ns = clock_now();
	if (strcmp(method, "notifications/initialized") == 0)
		http->gate = exchange;
	set_timer(http);
	return true;
}

/* A handshake goes on, so that a session that it begins can be ended. A stream that has
 * brought its answer is about to end. */
static void settle(struct mcp_transport *transport, int64_t id, bool answered)
{
	struct http_transport *http = (struct http_transport *)transport;
	struct http_exchange *exchange = http->exchanges;

	while (exchange && (exchange->id != id || exchange->answered))
		exchange = exchange->next;
	if (!exchange)
		return;
	exchange->answered = true;
	if (answered)
		exchange->drop_ns = clock_now() + LINGER_NS;
	else if (!exchange->handshake || !exchange->call)
		drop(http, exchange);
	set_timer(http);
}

static void negotiated(struct mcp_transport *transport, const char *version)
{
	struct http_transport *http = (struct http_transport *)transport;
	struct http_exchange *exchange, *next;

	free(http->version);
	http->version = mem_text(version);
	if (version)
		return;
	http->session++;
	free(http->session_id);
	http->session_id = NULL;
	DL_FOREACH_SAFE(http->exchanges, exchange, next)
		if (exchange->kind == HTTP_EXCHANGE_LISTEN)
			drop(http, exchange);
}

/* Calls have failed by now, and what the server says unasked is of no use. */
static void stop(
	struct mcp_transport *transport, int64_t eof_ns, int64_t term_ns UNUSED)
{
	struct http_transport *http = (struct http_transport *)transport;
	int64_t stop_by_ns = clock_now() + (eof_ns > 0 ? eof_ns : 0);
	struct http_exchange *exchange, *next;

	if (http->state == HTTP_TRANSPORT_ENDED)
		return;
	if (http->state == HTTP_TRANSPORT_OPEN) {
		http->state = HTTP_TRANSPORT_STOPPING;
		http->stop_by_ns = stop_by_ns;
	}
	if (stop_by_ns < http->stop_by_ns)
		http->stop_by_ns = stop_by_ns;
	DL_FOREACH_SAFE(http->exchanges, exchange, next)
		if (exchange->kind == HTTP_EXCHANGE_LISTEN)
			drop(http, exchange);
	loop_timer_set(http->timer, 0);
}

static pid_t pid(const struct mcp_transport *transport UNUSED)
{
	return 0;
}

static void destroy(struct mcp_transport *transport)
{
	struct http_transport *http = (struct http_transport *)transport;

	enter(http);
	http->destroyed = true;
	drop_all(http);
	loop_timer_destroy(http->timer);
	leave(http);
}

static const struct mcp_transport_ops ops = {
	.send = send_post,
	.settle = settle,
	.negotiated = negotiated,
	.stop = stop,
	.pid = pid,
	.destroy = destroy,
};

struct mcp_transport *http_transport_start(uv_loop_t *loop,
	const struct http_transport_spec *spec,
	const struct mcp_transport_events *events, void *arg, struct err *err UNUSED)
{
	struct http_transport *http = mem_zeroed(sizeof *http);

	http->base = (struct mcp_transport){&ops, events, arg};
	http->fetch = spec->fetch;
	http->url = mem_text(spec->url);
	for (unsigned i = 0; spec->headers && spec->headers[i]; i++)
		strlist_add(&http->headers, "%s", spec->headers[i]);
	http->timer = loop_timer_create(loop, on_timer, http);
	return &http->base;
}
