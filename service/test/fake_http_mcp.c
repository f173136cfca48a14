#include "service/test/fake_http_mcp.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

#define VERSION     "2025-11-25"
#define MODERN      "2026-07-28"
#define STREAM_TYPE "text/event-stream"
#define HUGE_LEN    ((size_t)9 << 20)

static void complain(struct fake_http_mcp *fake, const char *what, const char *where)
{
	buf_addf(&fake->wrong, "%s: %s\n", where, what);
}

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

/* Every request but the first says in which session it is. */
static void check_headers(struct fake_http_mcp *fake, struct web_exchange *exchange,
	const char *what, bool first)
{
	SCOPED(mem_free) char *session = mem_textf("session-%u", fake->sessions);
	const char *accept = web_header(exchange, "Accept");
	const char *got = web_header(exchange, "Mcp-Session-Id");
	const char *version = web_header(exchange, "MCP-Protocol-Version");

	if (!is(web_header(exchange, "Authorization"), "Bearer " FAKE_TOKEN))
		complain(fake, "no authorization", what);
	if (!accept || !strstr(accept, STREAM_TYPE) ||
		(is(exchange->method, "POST") && !strstr(accept, "application/json")))
		complain(fake, "it does not accept what we send", what);
	if (is(exchange->method, "POST") !=
		is(web_header(exchange, "Content-Type"), "application/json"))
		complain(fake, "the type of its body", what);
	if (fake->modern && !first)
		return;
	if (first || fake->stateless ? got != NULL : !is(got, session))
		complain(fake, got ? got : "no session", what);
	if (first ? version != NULL : !is(version, VERSION))
		complain(fake, version ? version : "no version", what);
}

static void answer(struct web_exchange *exchange, bool stream, const char *json)
{
	SCOPED(mem_free)
	char *event = mem_textf("event: message\nid: 1\ndata: %s\n\n", json);

	if (!stream) {
		web_reply(exchange, 200, "application/json", json, strlen(json));
		return;
	}
	web_stream_begin(exchange, 200, STREAM_TYPE "; charset=utf-8");
	web_stream_add(exchange, event, strlen(event));
	web_stream_end(exchange);
}

static void refuse(struct web_exchange *exchange, unsigned status, const char *body)
{
	web_reply(exchange, status, "application/json", body, strlen(body));
}

static void hold(struct fake_http_mcp *fake, struct web_exchange *exchange, char *text)
{
	fake->held = exchange;
	free(fake->held_text);
	fake->held_text = text;
}

void fake_http_mcp_let_go(struct fake_http_mcp *fake)
{
	if (fake->held && *fake->held_text)
		answer(fake->held, false, fake->held_text);
	else if (fake->held)
		web_reply(fake->held, 202, NULL, NULL, 0);
	fake->held = NULL;
}

static char *result_text(int id, const char *result)
{
	return mem_textf("{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":%s}", id, result);
}

static void answer_initialize(
	struct fake_http_mcp *fake, struct web_exchange *exchange, int id)
{
	SCOPED(mem_free)
	char *text = result_text(id, "{\"protocolVersion\":\"" VERSION "\"}");
	SCOPED(mem_free) char *session = NULL;

	if (fake->refuse_initialize && fake->sessions > 0) {
		refuse(exchange, 503, "");
		return;
	}
	session = mem_textf("session-%u", ++fake->sessions);
	fake->initialized = false;
	if (!fake->stateless)
		web_add_header(exchange, "mcp-session-id", session);
	if (fake->hold_initialize)
		hold(fake, exchange, mem_text(text));
	else
		answer(exchange, fake->streams, text);
}

static void answer_list(
	struct fake_http_mcp *fake, struct web_exchange *exchange, int id)
{
	SCOPED(buf_done) struct buf tools = {0};
	SCOPED(mem_free) char *text = NULL;

	buf_adds(&tools, "{\"tools\":[{\"name\":\"echo\"}");
	for (unsigned i = 1; i <= fake->tools; i++)
		buf_addf(&tools, ",{\"name\":\"tool%u\"}", i);
	buf_adds(&tools, "]}");
	text = result_text(id, buf_text(&tools));
	if (!fake->initialized)
		complain(fake, "before the handshake was over", "tools/list");
	answer(exchange, fake->streams, text);
}

/* The events of one answer, in pieces that end where they like. */
static void stream(struct web_exchange *exchange, const char *text, bool end)
{
	size_t len = strlen(text);

	web_stream_begin(exchange, 200, STREAM_TYPE);
	web_stream_add(exchange, text, len / 2);
	web_stream_add(exchange, text + len / 2, len - len / 2);
	if (end)
		web_stream_end(exchange);
}

static void answer_hugely(struct web_exchange *exchange)
{
	char *body = mem_zeroed(HUGE_LEN + 1);

	memset(body, ' ', HUGE_LEN);
	web_reply(exchange, 200, "application/json", body, HUGE_LEN);
	free(body);
}

static void call_tool(struct fake_http_mcp *fake, struct web_exchange *exchange, int id,
	const char *tool)
{
	SCOPED(mem_free)
	char *text = result_text(
		id, "{\"content\":[{\"type\":\"text\",\"text\":\"hello\"}]}");
	SCOPED(mem_free) char *events = NULL;

	if (is(tool, "echo")) {
		answer(exchange, false, text);
	} else if (is(tool, "stream")) {
		events = mem_textf(": hello\n\ndata: {\"jsonrpc\":\"2.0\",\"method\":"
				   "\"notifications/progress\"}\n\ndata: %s\n\n",
			text);
		stream(exchange, events, true);
	} else if (is(tool, "open")) { /* the stream does not end with its answer */
		events = mem_textf("data: %s\n\n", text);
		stream(exchange, events, false);
	} else if (is(tool, "ping")) {
		stream(exchange,
			"data: {\"jsonrpc\":\"2.0\",\"id\":\"p1\",\"method\":\"ping\"}"
			"\n\n",
			false);
		hold(fake, exchange, mem_text(text));
	} else if (is(tool, "\xc3\xa9")) {
		answer(exchange, false, text);
	} else if (is(tool, "asks")) {
		events = result_text(id, "{\"resultType\":\"input_required\"}");
		answer(exchange, false, events);
	} else if (is(tool, "silent")) {
		hold(fake, exchange, mem_text(text));
	} else if (is(tool, "bad")) {
		refuse(exchange, 400,
			"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,"
			"\"message\":\"not with " FAKE_TOKEN "\"}}");
	} else if (is(tool, "broken")) {
		refuse(exchange, 500, "<html>");
	} else if (is(tool, "redirect")) {
		web_add_header(exchange, "Location", "/elsewhere");
		refuse(exchange, 307, "");
	} else if (is(tool, "nothing")) {
		web_reply(exchange, 202, NULL, NULL, 0);
	} else if (is(tool, "garbage")) {
		web_reply(exchange, 200, "text/html", "<html>", 6);
	} else if (is(tool, "other")) {
		answer(exchange, false,
			"{\"jsonrpc\":\"2.0\",\"id\":999,\"result\":{}}");
	} else if (is(tool, "batch")) {
		events = mem_textf("[{\"jsonrpc\":\"2.0\",\"method\":\"x\"},%s]", text);
		answer(exchange, false, events);
	} else if (is(tool, "half")) {
		stream(exchange, "event: message\ndata: {\"jso", true);
	} else if (is(tool, "resume")) {
		hold(fake, NULL, mem_text(text));
		stream(exchange, "id: e7\nretry: 20\ndata:\n\n", true);
	} else if (is(tool, "reset")) {
		web_reset(exchange);
	} else if (is(tool, "huge event")) {
		stream(exchange, "id: e1\ndata: {}\n\nid: e2\ndata: ", false);
		hold(fake, exchange, mem_text(""));
	} else if (is(tool, "huge")) {
		answer_hugely(exchange);
	}
}

/* An answer of the client's, to the ping that the held call made. */
static void take_answer(
	struct fake_http_mcp *fake, struct web_exchange *exchange, const cJSON *message)
{
	SCOPED(mem_free) char *event = NULL;

	web_reply(exchange, 202, NULL, NULL, 0);
	if (!is(json_text(message, "id"), "p1") || !json_get(message, "result"))
		complain(fake, "not what the ping asked for", "answer");
	if (!fake->held)
		return;
	event = mem_textf("data: %s\n\n", fake->held_text);
	web_stream_add(fake->held, event, strlen(event));
	web_stream_end(fake->held);
	fake->held = NULL;
}

/* What each request of 2026-07-28 says of itself, in its headers and in itself. */
static void check_modern(struct fake_http_mcp *fake, struct web_exchange *exchange,
	const cJSON *message, const char *method)
{
	const cJSON *params = json_get(message, "params");
	const cJSON *meta = json_get(params, "_meta");
	const char *name = json_text(params, "name");

	if (!is(json_text(meta, "io.modelcontextprotocol/protocolVersion"), MODERN) ||
		!cJSON_IsObject(
			json_get(meta, "io.modelcontextprotocol/clientCapabilities")))
		complain(fake, "no _meta", method);
	if (!is(web_header(exchange, "MCP-Protocol-Version"), MODERN) ||
		!is(web_header(exchange, "Mcp-Method"), method))
		complain(fake, "its headers do not say what it is", method);
	if (name &&
		!is(web_header(exchange, "Mcp-Name"),
			is(name, "\xc3\xa9") ? "=?base64?w6k=?=" : name))
		complain(fake, "its headers do not say what it calls", method);
}

static void take_modern_message(
	struct fake_http_mcp *fake, struct web_exchange *exchange, const cJSON *message)
{
	const char *method = json_text(message, "method");
	int id = (int)json_int(message, "id", 0);
	SCOPED(mem_free) char *text = NULL;

	if (is(method, "initialize")) {
		refuse(exchange, 400,
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32022,"
			"\"message\":\"no\",\"data\":{\"supported\":[\"" MODERN
			"\"]}}}");
		return;
	}
	check_modern(fake, exchange, message, method);
	fake->initialized = true;
	if (is(method, "tools/list")) {
		answer_list(fake, exchange, id);
	} else if (is(method, "tools/call")) {
		call_tool(fake, exchange, id,
			json_text(json_get(message, "params"), "name"));
	} else {
		text = result_text(id,
			"{\"resultType\":\"complete\",\"capabilities\":{},"
			"\"supportedVersions\":[\"" MODERN "\"]}");
		answer(exchange, false, text);
	}
}

static void take_message(
	struct fake_http_mcp *fake, struct web_exchange *exchange, const cJSON *message)
{
	const char *method = json_text(message, "method");
	int id = (int)json_int(message, "id", 0);

	if (is(method, "initialize")) {
		answer_initialize(fake, exchange, id);
	} else if (fake->lost_times > 0 && id > 0) {
		fake->lost_times--;
		refuse(exchange, fake->lost_is_bad_request ? 400 : 404,
			"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":"
			"\"Bad Request: No valid session ID provided\"},\"id\":null}");
	} else if (is(method, "tools/list")) {
		answer_list(fake, exchange, id);
	} else if (is(method, "tools/call")) {
		call_tool(fake, exchange, id,
			json_text(json_get(message, "params"), "name"));
	} else if (!method) {
		take_answer(fake, exchange, message);
	} else if (fake->slow_initialized && !fake->initialized) {
		hold(fake, exchange, mem_text(""));
		fake->initialized = true;
	} else {
		fake->initialized = true;
		web_reply(exchange, 202, NULL, NULL, 0);
	}
}

static void on_get(struct fake_http_mcp *fake, struct web_exchange *exchange)
{
	const char *after = web_header(exchange, "Last-Event-ID");
	SCOPED(mem_free) char *event = NULL;

	if (is(after, "e7") && fake->held_text) {
		event = mem_textf("id: e8\ndata: %s\n\n", fake->held_text);
		stream(exchange, event, true);
		return;
	}
	if (fake->no_listening) {
		web_reply(exchange, 405, NULL, NULL, 0);
		return;
	}
	fake->listening = exchange;
	web_stream_begin(exchange, 200, STREAM_TYPE);
}

static void on_request(void *arg, struct web_exchange *exchange)
{
	struct fake_http_mcp *fake = arg;
	SCOPED(json_free) cJSON *message =
		json_parse(buf_text(&exchange->body), exchange->body.len);
	const char *method = json_text(message, "method");
	const char *tool = json_text(json_get(message, "params"), "name");
	bool call = is(method, "tools/call");
	SCOPED(mem_free)
	char *what = mem_textf("%s%s%s%s%s", exchange->method, message ? " " : "",
		method            ? method
			: message ? "answer"
				  : "",
		call ? " " : "", call ? tool : "");

	buf_addf(&fake->journal, "%s;", what);
	check_headers(fake, exchange, what, is(method, "initialize"));
	if (is(exchange->method, "POST") && fake->modern)
		take_modern_message(fake, exchange, message);
	else if (is(exchange->method, "POST"))
		take_message(fake, exchange, message);
	else if (is(exchange->method, "GET"))
		on_get(fake, exchange);
	else if (!fake->hang_delete)
		web_reply(exchange, fake->delete_status ? fake->delete_status : 200,
			NULL, NULL, 0);
}

static void on_over(void *arg, struct web_exchange *exchange, enum web_end end)
{
	struct fake_http_mcp *fake = arg;

	if (end == WEB_LEFT && exchange == fake->held)
		buf_adds(&fake->journal, "left;");
	if (exchange == fake->held)
		fake->held = NULL;
	if (exchange == fake->listening)
		fake->listening = NULL;
}

void fake_http_mcp_say(struct fake_http_mcp *fake, const char *message)
{
	SCOPED(mem_free) char *event = mem_textf("data: %s\n\n", message);

	web_stream_add(fake->listening, event, strlen(event));
}

unsigned fake_http_mcp_count(const struct fake_http_mcp *fake, const char *what)
{
	unsigned count = 0;

	for (const char *at = buf_text(&fake->journal); (at = strstr(at, what)); at++)
		count++;
	return count;
}

bool fake_http_mcp_init(struct fake_http_mcp *fake, uv_loop_t *loop, struct err *err)
{
	const struct web_options options = {
		.host = "127.0.0.1",
		.handle = on_request,
		.over = on_over,
		.arg = fake,
	};

	*fake = (struct fake_http_mcp){0};
	fake->web = web_create(loop, &options, err);
	return fake->web != NULL;
}

void fake_http_mcp_done(struct fake_http_mcp *fake)
{
	web_destroy(fake->web);
	buf_done(&fake->journal);
	buf_done(&fake->wrong);
	free(fake->held_text);
}
