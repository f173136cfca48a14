#include "mock-mcp/http/http_router.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/json_fill.h"
#include "lib/mem.h"
#include "mock-mcp/http/delayed.h"
#include "mock-mcp/http/exchange_owner.h"
#include "mock-mcp/http/http_refusal.h"
#include "mock-mcp/http/http_session.h"
#include "mock-mcp/http/http_stateless.h"
#include "mock-mcp/http/http_stream.h"
#include "mock-mcp/methods.h"

#define VERSION_HEADER "MCP-Protocol-Version"
#define LABEL_HEADER   "X-Session-Room"

/* Host and Origin: a page in a browser must not reach a server at a local address by a
 * name of its own that points there. */

/* The host of "http://host:port" or "host:port", with the brackets of an IPv6 address.
 * The caller's. */
static char *host_in(const char *text)
{
	const char *scheme = strstr(text, "://");
	const char *begin = scheme ? scheme + 3 : text;
	size_t len = *begin == '[' ? strcspn(begin, "]") + 1 : strcspn(begin, ":/");
	char *host;

	if (len > strlen(begin))
		len = strlen(begin);
	host = mem_text(begin);
	host[len] = '\0';
	return host;
}

static bool is_local(const char *text)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
	SCOPED(mem_free) char *host = host_in(text);

	for (unsigned i = 0; i < COUNT(names); i++)
		if (!strcasecmp(host, names[i]))
			return true;
	return false;
}

static bool is_same_host(const char *origin, const char *host)
{
	SCOPED(mem_free) char *one = host_in(origin);
	SCOPED(mem_free) char *other = host_in(host);

	return strcasecmp(one, other) == 0;
}

static bool check_host(const struct http *http, struct web_exchange *exchange)
{
	const char *host = web_header(exchange, "Host");
	const char *origin = web_header(exchange, "Origin");

	if (http->is_local && (!host || !is_local(host))) {
		http_refuse(exchange, 403, JSONRPC_REFUSED, NULL,
			"Invalid Host header: %s", host ? host : "none");
		return false;
	}
	if (!origin || is_local(origin) ||
		(!http->is_local && host && is_same_host(origin, host)))
		return true;
	http_refuse(exchange, 403, JSONRPC_REFUSED, NULL, "Invalid Origin header: %s",
		origin);
	return false;
}

/* Whose request it is */

/* NULL: the client does not say. */
static const char *label_of(const struct web_exchange *exchange)
{
	const char *label = web_header(exchange, LABEL_HEADER);
	size_t len = strlen(HTTP_PATH "/");

	if (!label && !strncmp(exchange->path, HTTP_PATH "/", len))
		label = exchange->path + len;
	return label && label[0] && strlen(label) <= HTTP_LABEL_MAX ? label : NULL;
}

static void refuse_ended(const struct http *http, struct web_exchange *exchange)
{
	switch ((enum mcp_http_ended)http->options->behavior->http.ended) {
	case MCP_ENDED_NOT_FOUND:
		http_refuse(exchange, 404, JSONRPC_SESSION_NOT_FOUND, NULL,
			"Session not found");
		return;
	case MCP_ENDED_BAD_REQUEST:
		http_refuse(exchange, 400, JSONRPC_REFUSED, NULL,
			"Bad Request: No valid session ID provided");
		return;
	case MCP_ENDED_HANG:
		return;
	}
}

/* NULL: the request has been refused, or is left without an answer. */
static struct http_session *session_of(struct http *http, struct web_exchange *exchange)
{
	const char *id = web_header(exchange, HTTP_SESSION_HEADER);
	const char *version = web_header(exchange, VERSION_HEADER);
	struct http_session *session = id ? http_session_find(http, id) : NULL;

	if (!id) {
		http_refuse(exchange, 400, JSONRPC_REFUSED, NULL,
			"Bad Request: Mcp-Session-Id header is required");
	} else if (!session) {
		refuse_ended(http, exchange);
	} else if (version && !protocol_is_known(version)) {
		http_refuse(exchange, 400, JSONRPC_REFUSED, NULL,
			"Bad Request: Unsupported protocol version: %s (supported "
			"versions: %s)",
			version, protocol_known());
		session = NULL;
	}
	return session;
}

/* POST */

static bool accepts(const struct web_exchange *exchange, const char *type)
{
	const char *accept = web_header(exchange, "Accept");

	return accept && strstr(accept, type);
}

static bool is_json(const struct web_exchange *exchange)
{
	static const char json[] = "application/json";
	const char *type = web_header(exchange, "Content-Type");
	size_t len = strlen(json);

	return type && !strncasecmp(type, json, len) &&
		(type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

static bool check_post(struct web_exchange *exchange)
{
	if (!accepts(exchange, "application/json") ||
		!accepts(exchange, "text/event-stream")) {
		http_refuse(exchange, 406, JSONRPC_REFUSED, NULL,
			"Not Acceptable: Client must accept both application/json and "
			"text/event-stream");
		return false;
	}
	if (!is_json(exchange)) {
		http_refuse(exchange, 415, JSONRPC_REFUSED, NULL,
			"Unsupported Media Type: Content-Type must be "
			"application/json");
		return false;
	}
	return true;
}

/* What is in a body: each message is sound JSON-RPC. */
struct content {
	unsigned messages;
	bool initializes, is_stateless;
};

static bool look_at(
	const struct json_doc *doc, const cJSON *node, struct content *content)
{
	SCOPED(jsonrpc_message_done) struct jsonrpc_message message;
	struct err err;

	if (!jsonrpc_read(&message, doc, node, &err))
		return false;
	content->messages++;
	if (!message.method)
		return true;
	content->is_stateless |=
		protocol_style_of(message.method, message.params) == PROTOCOL_STATELESS;
	content->initializes |= !strcmp(message.method, "initialize");
	return true;
}

static bool read_content(struct web_exchange *exchange, const struct json_doc *doc,
	struct content *content)
{
	const char *version = web_header(exchange, VERSION_HEADER);
	const cJSON *node;
	bool sound = true;

	*content = (struct content){.is_stateless = version &&
			!strcmp(version, PROTOCOL_STATELESS_VERSION)};
	if (cJSON_IsArray(doc->root) &&
		cJSON_GetArraySize(doc->root) > METHODS_BATCH_MAX) {
		http_refuse(exchange, 400, JSONRPC_INVALID_REQUEST, NULL,
			"Invalid Request: Batch must not exceed %d messages",
			METHODS_BATCH_MAX);
		return false;
	}
	if (cJSON_IsArray(doc->root)) {
		cJSON_ArrayForEach(node, doc->root)
			sound = sound && look_at(doc, node, content);
	} else {
		sound = look_at(doc, doc->root, content);
	}
	if (sound && content->messages > 0)
		return true;
	http_refuse(exchange, 400,
		content->is_stateless ? JSONRPC_INVALID_REQUEST : JSONRPC_PARSE_ERROR,
		NULL, "Parse error: Invalid JSON-RPC message");
	return false;
}

static void receive(struct http_session *session, struct web_exchange *exchange,
	const struct json_doc *doc)
{
	struct http_stream *stream = http_stream_create(session, exchange);

	http_stream_handled(stream, methods_receive(session->peer, doc, stream));
}

static void post_initialize(struct http *http, struct web_exchange *exchange,
	const struct json_doc *doc, const struct content *content)
{
	const char *id = web_header(exchange, HTTP_SESSION_HEADER);
	struct http_session *session;

	if (content->messages > 1) {
		http_refuse(exchange, 400, JSONRPC_INVALID_REQUEST, NULL,
			"Invalid Request: Only one initialization request is allowed");
		return;
	}
	if (id && http_session_find(http, id)) {
		http_refuse(exchange, 400, JSONRPC_INVALID_REQUEST, NULL,
			"Invalid Request: Server already initialized");
		return;
	}
	session = http_session_create(http, label_of(exchange));
	if (!session) {
		http_refuse(exchange, 503, JSONRPC_REFUSED, NULL, "Too many sessions");
		return;
	}
	receive(session, exchange, doc);
	if (!session->peer->version)
		http_session_end(session, "refused");
}

static void post_stateless(
	struct http *http, struct web_exchange *exchange, const struct json_doc *doc)
{
	SCOPED(jsonrpc_message_done) struct jsonrpc_message message = {0};
	struct err err;

	if (cJSON_IsObject(doc->root) && jsonrpc_read(&message, doc, doc->root, &err) &&
		message.method)
		http_stateless_post(http, exchange, doc, &message, label_of(exchange));
	else
		http_refuse(exchange, 400, JSONRPC_INVALID_REQUEST, message.id,
			"Invalid Request: " PROTOCOL_STATELESS_VERSION
			" has single requests and notifications alone");
}

static void post_of_session(
	struct http *http, struct web_exchange *exchange, const struct json_doc *doc)
{
	struct http_session *session = session_of(http, exchange);
	struct err err = {0};

	if (!session)
		return;
	if (cJSON_IsArray(doc->root) &&
		!methods_accepts_batch(session->peer, doc->root, &err))
		http_refuse(exchange, 400, JSONRPC_INVALID_REQUEST, NULL,
			"Invalid Request: %s", err.text);
	else
		receive(session, exchange, doc);
}

static void post_now(struct http *http, struct web_exchange *exchange);

/* True: the session has just begun to start, and its first request waits for that. */
static bool starts(struct http *http, struct web_exchange *exchange,
	const struct json_doc *doc, const struct content *content)
{
	const char *method = json_text(doc->root, "method");
	int64_t ns;

	if (!content->initializes &&
		(!method || strcmp(method, "server/discover") != 0))
		return false;
	ns = latency_draw(&http->options->behavior->start, http->options->rng);
	if (ns > 0)
		delayed_begin(http, exchange, ns, post_now, NULL);
	return ns > 0;
}

static void post(struct http *http, struct web_exchange *exchange, bool started)
{
	struct buf *body = &exchange->body;
	struct json_doc doc = {0};
	struct content content;
	enum jsonrpc_code code;
	char *refusal = NULL;

	if (body->len == 0 ||
		!jsonrpc_parse(&doc, body->data, body->len, &refusal, &code)) {
		if (refusal)
			http_reply_json(exchange, 400, refusal);
		else
			http_refuse(exchange, 400, JSONRPC_PARSE_ERROR, NULL,
				"Parse error: Invalid JSON");
		free(refusal);
		return;
	}
	if (read_content(exchange, &doc, &content) &&
		(started || !starts(http, exchange, &doc, &content))) {
		if (content.is_stateless)
			post_stateless(http, exchange, &doc);
		else if (content.initializes)
			post_initialize(http, exchange, &doc, &content);
		else
			post_of_session(http, exchange, &doc);
	}
	cJSON_Delete(doc.root);
}

static void post_now(struct http *http, struct web_exchange *exchange)
{
	post(http, exchange, true);
}

static void on_post(struct http *http, struct web_exchange *exchange)
{
	if (check_post(exchange))
		post(http, exchange, false);
}

/* GET and DELETE, which clients of 2026-07-28 do not have */

static bool is_stateless(const struct web_exchange *exchange)
{
	const char *version = web_header(exchange, VERSION_HEADER);

	return version && !strcmp(version, PROTOCOL_STATELESS_VERSION);
}

static void on_get(struct http *http, struct web_exchange *exchange)
{
	int mode = http->options->behavior->http.stream;
	const char *event_id = web_header(exchange, "Last-Event-ID");
	struct http_session *session;

	if (is_stateless(exchange)) {
		http_refuse_method(exchange, "POST");
		return;
	}
	if (!accepts(exchange, "text/event-stream")) {
		http_refuse(exchange, 406, JSONRPC_REFUSED, NULL,
			"Not Acceptable: Client must accept text/event-stream");
		return;
	}
	session = session_of(http, exchange);
	if (!session || mode == MCP_STREAM_HANG)
		return;
	if (mode == MCP_STREAM_REFUSE)
		http_refuse_method(exchange, "POST, DELETE");
	else if (event_id)
		http_stream_resume(session, exchange, event_id);
	else if (!http_stream_listen(session, exchange))
		http_refuse(exchange, 409, JSONRPC_REFUSED, NULL,
			"Conflict: Only one SSE stream is allowed per session");
}

static void log_delete(
	struct http *http, struct web_exchange *exchange, const char *event)
{
	const char *id = web_header(exchange, HTTP_SESSION_HEADER);
	const struct http_session *session = http_session_find(http, id);
	struct log_identity identity = *http->options->identity;

	if (session)
		identity.session = session->label;
	log_event(event, LOG_IDENTITY(&identity), "id", LOG_TEXT(id));
}

static void delete_left(struct http *http, struct web_exchange *exchange)
{
	log_delete(http, exchange, "mcp.delete.broken");
}

/* The session may have ended meanwhile. */
static void delete_now(struct http *http, struct web_exchange *exchange)
{
	struct http_session *session = session_of(http, exchange);

	if (!session)
		return;
	log_delete(http, exchange, "mcp.delete.end");
	http_session_end(session, "delete");
	web_reply(exchange, 200, NULL, NULL, 0);
}

static void delete_badly(struct http *http, struct web_exchange *exchange)
{
	switch ((
		enum mcp_http_delete_fault)http->options->behavior->http.delete_fault) {
	case MCP_DELETE_NONE:
		delete_now(http, exchange);
		return;
	case MCP_DELETE_HANG:
		return;
	case MCP_DELETE_ERROR:
		http_refuse(exchange, 500, JSONRPC_INTERNAL_ERROR, NULL,
			"Internal server error");
		return;
	case MCP_DELETE_REFUSE:
		http_refuse_method(exchange, "GET, POST");
		return;
	case MCP_DELETE_RESET:
		web_reset(exchange);
		return;
	}
}

static void on_delete(struct http *http, struct web_exchange *exchange)
{
	const struct mcp_http_behavior *behavior = &http->options->behavior->http;
	int64_t ns;

	if (is_stateless(exchange)) {
		http_refuse_method(exchange, "POST");
		return;
	}
	if (!session_of(http, exchange))
		return;
	log_delete(http, exchange, "mcp.delete.begin");
	ns = latency_draw(&behavior->deletion, http->options->rng);
	if (behavior->delete_fault == MCP_DELETE_HANG)
		ns = LATENCY_MAX_NS;
	if (ns > 0)
		delayed_begin(http, exchange, ns, delete_badly, delete_left);
	else
		delete_badly(http, exchange);
}

/* All */

static void answer_health(const struct http *http, struct web_exchange *exchange)
{
	SCOPED(mem_free) char *text = mem_textf(
		"{\"status\":\"ok\",\"sessions\":%u}", HASH_COUNT(http->sessions));

	http_reply_json(exchange, 200, text);
}

static bool is_endpoint(const char *path)
{
	size_t len = strlen(HTTP_PATH);

	return !strncmp(path, HTTP_PATH, len) &&
		(path[len] == '\0' || path[len] == '/');
}

void http_router_handle(void *arg, struct web_exchange *exchange)
{
	struct http *http = arg;

	if (!check_host(http, exchange))
		return;
	if (!strcmp(exchange->path, "/health"))
		answer_health(http, exchange);
	else if (!is_endpoint(exchange->path))
		http_refuse(exchange, 404, JSONRPC_REFUSED, NULL,
			"Not found: the endpoint is " HTTP_PATH);
	else if (!strcmp(exchange->method, "POST"))
		on_post(http, exchange);
	else if (!strcmp(exchange->method, "GET"))
		on_get(http, exchange);
	else if (!strcmp(exchange->method, "DELETE"))
		on_delete(http, exchange);
	else
		http_refuse_method(exchange, "GET, POST, DELETE");
}

void http_router_over(UNUSED void *arg, struct web_exchange *exchange, enum web_end end)
{
	struct exchange_owner *owner = exchange->data;

	exchange->data = NULL;
	if (owner)
		owner->over(owner, end);
}

void http_router_refuse_body(UNUSED void *arg,
	UNUSED const struct web_exchange *exchange, UNUSED struct buf *head,
	struct buf *body)
{
	SCOPED(mem_free) char *why =
		mem_textf("Payload Too Large: Request body must not exceed %zu bytes",
			METHODS_TEXT_MAX);
	SCOPED(mem_free) char *text = jsonrpc_error(NULL, JSONRPC_REFUSED, why, NULL);

	buf_adds(body, text);
}
