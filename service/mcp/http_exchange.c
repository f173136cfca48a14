#include "service/mcp/http_exchange.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "service/mcp/mcp_transport.h"

#define ERROR_CEILING ((size_t)64 << 10) /* of the body of an error */
#define STREAM_TYPE   "text/event-stream"

static const char *const heads[] = {"Mcp-Session-Id", "Content-Type", NULL};

static void on_event(void *arg, const char *name, const char *data, size_t len);

struct http_exchange *http_exchange_create(enum http_exchange_kind kind,
	const char *text, const struct http_exchange_owner *owner, void *arg)
{
	struct http_exchange *exchange = mem_zeroed(sizeof *exchange);

	exchange->kind = kind;
	exchange->text = mem_text(text);
	exchange->owner = owner;
	exchange->arg = arg;
	sse_init(&exchange->sse, MCP_MESSAGE_CEILING, on_event, exchange);
	exchange->sse.nameless = true;
	buf_init(&exchange->json, MCP_MESSAGE_CEILING);
	return exchange;
}

static void free_exchange(struct http_exchange *exchange)
{
	sse_done(&exchange->sse);
	buf_done(&exchange->json);
	strlist_done(&exchange->queue);
	strlist_done(&exchange->extras);
	free(exchange->text);
	free(exchange);
}

/* A callback may drop the exchange, whose memory stays until the last returns. */
static void enter(struct http_exchange *exchange)
{
	exchange->busy++;
}

static void leave(struct http_exchange *exchange)
{
	if (--exchange->busy == 0 && exchange->dropped)
		free_exchange(exchange);
}

void http_exchange_drop(struct http_exchange *exchange)
{
	if (!exchange)
		return;
	enter(exchange);
	if (exchange->call)
		fetch_cancel(exchange->call);
	exchange->call = NULL;
	exchange->dropped = true;
	leave(exchange);
}

/* Within the parser, which must not be touched: handed over when it returns. An event
 * without data tells its id alone. */
static void on_event(void *arg, const char *name, const char *data, size_t len)
{
	struct http_exchange *exchange = arg;

	if (len > 0 && strcmp(name, "message") == 0)
		strlist_add(&exchange->queue, "%s", data);
}

static void hand_over(struct http_exchange *exchange)
{
	struct strlist queue = exchange->queue;

	exchange->queue = (struct strlist){0};
	for (unsigned i = 0; i < queue.count && !exchange->dropped; i++)
		exchange->owner->message(
			exchange->arg, exchange, queue.item[i], strlen(queue.item[i]));
	strlist_done(&queue);
}

const char *http_exchange_header(const struct http_exchange *exchange, const char *name)
{
	return fetch_header(exchange->call, name);
}

static void note_head(struct http_exchange *exchange)
{
	const char *type = fetch_header(exchange->call, "Content-Type");

	exchange->headed = true;
	exchange->is_stream =
		type && strncasecmp(type, STREAM_TYPE, strlen(STREAM_TYPE)) == 0;
	exchange->owner->headed(exchange->arg, exchange);
}

static void end_as_too_large(struct http_exchange *exchange)
{
	fetch_cancel(exchange->call);
	exchange->call = NULL;
	exchange->owner->over(exchange->arg, exchange,
		&(struct http_exchange_end){
			.end = FETCH_FAILED, .why = "its answer is over 8 MiB"});
}

static void on_data(void *arg, const char *data, size_t len)
{
	struct http_exchange *exchange = arg;
	bool fits = true;

	enter(exchange);
	if (!exchange->headed)
		note_head(exchange);
	if (!exchange->dropped && exchange->is_stream) {
		exchange->received = true;
		fits = sse_feed(&exchange->sse, data, len);
		hand_over(exchange);
	} else if (!exchange->dropped) {
		fits = buf_add(&exchange->json, data, len);
	}
	if (!fits && !exchange->dropped)
		end_as_too_large(exchange);
	leave(exchange);
}

/* "HTTP 400: error -32000: Bad Request: ..." */
static char *words_of(const struct fetch_result *result, int64_t *code)
{
	SCOPED(json_free) cJSON *json =
		json_parse(buf_text(result->body), result->body->len);
	const cJSON *error = json_get(json, "error");
	const char *said = json_text(error, "message");

	*code = json_int(error, "code", 0);
	if (result->end != FETCH_ANSWERED)
		return mem_text(result->why);
	if (result->status / 100 == 2)
		return mem_text("");
	if (result->status / 100 == 3)
		return mem_textf(
			"HTTP %ld: a redirect, which is not followed", result->status);
	if (*code)
		return mem_textf("HTTP %ld: error %lld: %.300s", result->status,
			(long long)*code, said ? said : "(no message)");
	return mem_textf("HTTP %ld", result->status);
}

static bool is_good(const struct fetch_result *result)
{
	return result->end == FETCH_ANSWERED && result->status / 100 == 2;
}

static void on_done(void *arg, const struct fetch_result *result)
{
	struct http_exchange *exchange = arg;
	struct http_exchange_end end = {.end = result->end, .status = result->status};
	SCOPED(mem_free) char *words = words_of(result, &end.code);

	enter(exchange);
	end.why = words;
	end.stale = result->end == FETCH_BROKEN && result->reused && !result->status;
	exchange->call = NULL;
	if (is_good(result) && exchange->json.len > 0) {
		exchange->received = true;
		exchange->owner->message(exchange->arg, exchange,
			buf_text(&exchange->json), exchange->json.len);
	}
	if (!exchange->dropped)
		exchange->owner->over(exchange->arg, exchange, &end);
	leave(exchange);
}

bool http_exchange_can_resume(const struct http_exchange *exchange)
{
	return exchange->is_stream && exchange->sse.id.len > 0;
}

static const char *method_of(const struct http_exchange *exchange)
{
	switch (exchange->kind) {
	case HTTP_EXCHANGE_REQUEST:
		return http_exchange_can_resume(exchange) ? "GET" : "POST";
	case HTTP_EXCHANGE_NOTICE:
		return "POST";
	case HTTP_EXCHANGE_LISTEN:
		return "GET";
	case HTTP_EXCHANGE_DELETE:
		break;
	}
	return "DELETE";
}

bool http_exchange_begin(struct http_exchange *exchange, struct fetch *fetch,
	const char *url, const char *const *headers, bool fresh, struct err *err)
{
	const char *method = method_of(exchange);
	bool post = strcmp(method, "POST") == 0;
	struct fetch_request request = {
		.method = method,
		.url = url,
		.headers = headers,
		.body = post ? exchange->text : NULL,
		.body_len = post ? strlen(exchange->text) : 0,
		.body_ceiling = ERROR_CEILING,
		.data = on_data,
		.done = on_done,
		.arg = exchange,
		.fresh = fresh,
		.heads = heads,
	};

	exchange->begun = true;
	exchange->due_ns = 0;
	exchange->headed = exchange->received = false;
	sse_reset(&exchange->sse);
	buf_clear(&exchange->json);
	exchange->call = fetch_start(fetch, &request, err);
	return exchange->call != NULL;
}
