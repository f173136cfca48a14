#include "mock-mcp/http/http_stateless.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "mock-mcp/features/subscriptions.h"
#include "mock-mcp/features/tools.h"
#include "mock-mcp/http/exchange_owner.h"
#include "mock-mcp/http/header_value.h"
#include "mock-mcp/http/http_refusal.h"
#include "mock-mcp/methods.h"

#define LABELS_MAX 65536

/* A client that has been reported as initialized. */
struct known_label {
	UT_hash_handle hh;
	char text[];
};

struct stateless {
	struct exchange_owner owner;
	struct http *http;
	struct stateless *prev, *next;
	char *label;
	struct peer *peer;
	struct web_exchange *exchange; /* NULL: answered in one piece */
	struct loop_timer *end; /* a peer is not destroyed from within its call */
	bool begun, reading, finished;
};

/* Headers */

static bool mismatch(struct web_exchange *exchange, const char *id, const char *header,
	const char *why)
{
	http_refuse(exchange, 400, JSONRPC_HEADER_MISMATCH, id,
		"Header mismatch: %s %s", header, why);
	return false;
}

/* A header that has to repeat a text of the body. */
static bool check_header(struct web_exchange *exchange, const char *id,
	const char *header, const char *text)
{
	const char *value = web_header(exchange, header);

	if (!value)
		return mismatch(exchange, id, header, "is missing");
	return header_value_is(value, text) ||
		mismatch(exchange, id, header, "differs from the body");
}

static bool check_param_header(struct web_exchange *exchange, const char *id,
	const struct tool_param *param, const cJSON *argument)
{
	SCOPED(mem_free) char *header = mem_textf("Mcp-Param-%s", param->header);
	SCOPED(mem_free) char *text = NULL;

	if (!argument || cJSON_IsNull(argument))
		return !web_header(exchange, header) ||
			mismatch(exchange, id, header, "is not in the body");
	text = cJSON_IsString(argument) ? mem_text(argument->valuestring)
					: json_print(argument);
	return check_header(exchange, id, header, text);
}

static bool check_param_headers(struct web_exchange *exchange, const char *id,
	const struct tool *tool, const cJSON *arguments)
{
	const struct tool_param *param = tool->params;

	for (; param->name; param++)
		if (param->header &&
			!check_param_header(
				exchange, id, param, json_get(arguments, param->name)))
			return false;
	return true;
}

/* What Mcp-Name repeats; NULL: the method has none. */
static const char *name_of(const struct jsonrpc_message *message)
{
	static const struct {
		const char *method, *member;
	} rows[] = {
		{"tools/call", "name"},
		{"prompts/get", "name"},
		{"resources/read", "uri"},
	};

	for (unsigned i = 0; i < COUNT(rows); i++)
		if (!strcmp(rows[i].method, message->method))
			return json_text(message->params, rows[i].member);
	return NULL;
}

/* A header that contradicts the body comes before what is wrong with the body; one that
 * is missing after that. */
static bool check_version(
	struct web_exchange *exchange, const struct jsonrpc_message *message)
{
	static const char header[] = "MCP-Protocol-Version";
	const char *value = web_header(exchange, header);
	const char *claim = json_text(
		json_get(message->params, "_meta"), PROTOCOL_META "protocolVersion");
	SCOPED(mem_free) char *refusal = NULL;
	struct err err;
	cJSON *data;

	if (value && claim && strcmp(value, claim) != 0)
		return mismatch(exchange, message->id, header, "differs from the body");
	if (protocol_check_meta(message->params, &data, &err))
		return value || mismatch(exchange, message->id, header, "is missing");
	refusal = jsonrpc_error(message->id,
		data ? JSONRPC_UNSUPPORTED_VERSION : JSONRPC_INVALID_PARAMS, err.text,
		data);
	http_reply_json(exchange, 400, refusal);
	return false;
}

static bool check_headers(const struct http *http, struct web_exchange *exchange,
	const struct jsonrpc_message *message)
{
	bool all = http->options->behavior->features == MCP_FEATURES_ALL;
	const char *name = name_of(message);
	const struct tool *tool;

	if (!check_version(exchange, message) ||
		!check_header(exchange, message->id, "Mcp-Method", message->method))
		return false;
	if (name && !check_header(exchange, message->id, "Mcp-Name", name))
		return false;
	tool = name && !strcmp(message->method, "tools/call") ? tools_find(name, all)
							      : NULL;
	return !tool ||
		check_param_headers(exchange, message->id, tool,
			json_get(message->params, "arguments"));
}

/* Answers */

static void destroy(struct stateless *request)
{
	if (request->exchange)
		request->exchange->data = NULL;
	DL_DELETE(request->http->stateless, request);
	loop_timer_destroy(request->end);
	peer_destroy(request->peer);
	free(request->label);
	free(request);
}

/* A client that closes its stream cancels its request by that. */
static void on_over(struct exchange_owner *owner, UNUSED enum web_end end)
{
	struct stateless *request = (struct stateless *)owner;

	request->exchange = NULL;
	if (request->peer->calls)
		call_cancel(request->peer->calls);
	destroy(request);
}

static void begin(struct stateless *request)
{
	if (request->begun)
		return;
	request->begun = true;
	web_add_header(request->exchange, "Cache-Control", "no-cache, no-transform");
	web_add_header(request->exchange, "X-Accel-Buffering", "no");
	web_stream_begin(request->exchange, 200, "text/event-stream");
}

static void on_notify(UNUSED void *arg, void *origin, const char *message)
{
	struct stateless *request = origin;
	SCOPED(mem_free) char *event = NULL;

	if (!request || !request->exchange)
		return; /* what is unasked goes to listeners alone */
	begin(request);
	event = mem_textf("event: message\ndata: %s\n\n", message);
	web_stream_add(request->exchange, event, strlen(event));
}

static void on_answer(void *arg, void *origin, const char *message, int code)
{
	struct stateless *request = origin;
	unsigned status = code ? http_status_of(code) : 200;
	int answers = request->http->options->behavior->http.answers;

	if (!request->exchange)
		return;
	if (request->begun || (status == 200 && answers == MCP_ANSWERS_STREAM)) {
		on_notify(arg, origin, message);
		return;
	}
	http_reply_json(request->exchange, status, message);
	request->exchange->data = NULL;
	request->exchange = NULL;
}

static void finish(struct stateless *request)
{
	if (request->exchange && request->begun)
		web_stream_end(request->exchange);
	else if (request->exchange)
		web_reply(request->exchange, 202, NULL, NULL, 0);
	destroy(request);
}

static void on_finish(UNUSED void *arg, void *origin)
{
	struct stateless *request = origin;

	request->finished = true;
	if (!request->reading)
		loop_timer_set(request->end, 0);
}

static void on_end(void *arg)
{
	finish(arg);
}

static const struct peer_transport transport = {
	.answer = on_answer,
	.notify = on_notify,
	.finish = on_finish,
};

/* The handshake's event, once for each client that says who it is. */
static bool is_new(struct http *http, const char *label)
{
	struct known_label *known;
	size_t len;

	if (!label)
		return http->anonymous++ == 0;
	HASH_FIND_STR(http->labels, label, known);
	if (known || HASH_COUNT(http->labels) >= LABELS_MAX)
		return false;
	len = strlen(label);
	known = mem_zeroed(sizeof *known + len + 1);
	memcpy(known->text, label, len);
	HASH_ADD_STR(http->labels, text, known);
	return true;
}

static struct stateless *create(
	struct http *http, struct web_exchange *exchange, const char *label)
{
	struct stateless *request = mem_zeroed(sizeof *request);
	struct log_identity identity = *http->options->identity;

	*request = (struct stateless){.owner = {on_over},
		.http = http,
		.label = mem_text(label),
		.exchange = exchange,
		.reading = true};
	identity.session = request->label;
	request->peer = peer_create(http->loop,
		&(struct peer_options){
			.behavior = http->options->behavior,
			.identity = identity,
			.rng = http->options->rng,
			.peers = &http->peers,
			.transport = &transport,
			.arg = request,
		});
	request->end = loop_timer_create(http->loop, on_end, request);
	exchange->data = request;
	DL_APPEND(http->stateless, request);
	return request;
}

void http_stateless_post(struct http *http, struct web_exchange *exchange,
	const struct json_doc *doc, const struct jsonrpc_message *message,
	const char *label)
{
	struct stateless *request;

	if (!message->id) {
		web_reply(exchange, 202, NULL, NULL, 0); /* a notification */
		return;
	}
	if (!check_headers(http, exchange, message))
		return;
	request = create(http, exchange, label);
	/* Said once, not for each request. */
	request->peer->initialized =
		!strcmp(message->method, "server/discover") || !is_new(http, label);
	methods_receive(request->peer, doc, request);
	request->reading = false;
	if (request->finished)
		finish(request);
	else if (http->options->behavior->http.answers == MCP_ANSWERS_STREAM)
		begin(request);
}

void http_stateless_end(struct http *http)
{
	struct stateless *request, *next;
	struct known_label *label, *after;

	DL_FOREACH_SAFE(http->stateless, request, next) {
		struct web_exchange *exchange = request->exchange;

		request->reading = true;
		subscriptions_end(request->peer);
		if (exchange && request->begun)
			web_stream_end(exchange);
		else if (exchange)
			web_reset(exchange);
		destroy(request);
	}
	HASH_ITER(hh, http->labels, label, after) {
		HASH_DEL(http->labels, label);
		free(label);
	}
}
