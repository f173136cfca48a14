#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/cc.h"
#include "lib/mem.h"
#include "mock-mcp/test/http_scene.h"

#define PING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"
#define INITIALIZE                                                                     \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"         \
	"\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{"      \
	"\"name\":\"t\",\"version\":\"1\"}}}"
#define META                                                                           \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","       \
	"\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define LIST                                                                           \
	"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/list\",\"params\":{" META "}}"
#define CALL(name, arguments)                                                          \
	"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/call\",\"params\":{" META    \
	",\"name\":\"" name "\",\"arguments\":" arguments "}}"

struct row {
	const char *method, *headers, *body;
	int status;
	int code; /* of the error; 0: there is none */
	const char *why;
};

static void try_row(struct http_scene *scene, const struct row *row)
{
	struct http_answer answer =
		http_scene_call(scene, row->method, row->headers, row->body);
	int code = (int)json_int(json_get(answer.body, "error"), "code", 0);

	if (answer.status != row->status || code != row->code)
		fail_msg("%s: %d and %d, not %d and %d", row->why, answer.status, code,
			row->status, row->code);
	http_answer_done(&answer);
}

#define ACCEPT_ALL "accept: application/json, text/event-stream\r\n"
#define TYPE_JSON  "content-type: application/json\r\n"

static void router_refuses_as_the_official_server(void **state)
{
	static const struct row rows[] = {
		{"POST", HTTP_JSON, PING, 400, -32000, "no session"},
		{"POST", HTTP_JSON "mcp-session-id: 0123\r\n", PING, 404, -32001,
			"unknown session"},
		{"GET", ACCEPT_ALL "mcp-session-id: 0123\r\n", NULL, 404, -32001,
			"stream of an unknown session"},
		{"GET", ACCEPT_ALL, NULL, 400, -32000, "stream of no session"},
		{"GET", "accept: application/json\r\n", NULL, 406, -32000,
			"stream for a client that wants none"},
		{"DELETE", "mcp-session-id: 0123\r\n", NULL, 404, -32001,
			"end of an unknown session"},
		{"DELETE", "", NULL, 400, -32000, "end of no session"},
		{"PUT", HTTP_JSON, PING, 405, -32000, "a method that there is not"},
		{"POST", TYPE_JSON, PING, 406, -32000, "no Accept"},
		{"POST", TYPE_JSON "accept: application/json\r\n", PING, 406, -32000,
			"no events accepted"},
		{"POST", ACCEPT_ALL, PING, 415, -32000, "no Content-Type"},
		{"POST", ACCEPT_ALL "content-type: application/jsonp\r\n", PING, 415,
			-32000, "another Content-Type"},
		{"POST", ACCEPT_ALL "content-type: application/json; charset=utf-8\r\n",
			PING, 400, -32000,
			"a parameter of the Content-Type: all right"},
		{"POST", HTTP_JSON, "", 400, -32700, "empty"},
		{"POST", HTTP_JSON, "{\"jsonrpc\":", 400, -32700, "no JSON"},
		{"POST", HTTP_JSON, "{\"id\":1}", 400, -32700, "no JSON-RPC"},
		{"POST", HTTP_JSON, "[]", 400, -32700, "no message at all"},
		{"POST", HTTP_JSON, "[" PING ",7]", 400, -32700, "one of two is none"},
		{"POST", HTTP_JSON,
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\\u0000\"}", 400,
			-32602, "a NUL"},
		{"POST", HTTP_JSON, "[" INITIALIZE "," PING "]", 400, -32600,
			"initialize and something else"},
		{"POST", HTTP_JSON "origin: http://evil.example.com\r\n", INITIALIZE,
			403, -32000, "foreign Origin"},
		{"POST", HTTP_JSON "origin: http://localhost.evil.example.com\r\n",
			INITIALIZE, 403, -32000, "an Origin that begins well"},
		{"POST", HTTP_JSON "origin: null\r\n", INITIALIZE, 403, -32000,
			"a page without an origin"},
		{"POST", HTTP_JSON "origin: http://localhost:3000\r\n", PING, 400,
			-32000, "a page of this machine: all right"},
	};
	struct http_scene *scene = http_scene_begin(state, NULL);

	for (unsigned i = 0; i < COUNT(rows); i++)
		try_row(scene, &rows[i]);
	assert_int_equal(http_scene_count(scene, "mcp.session.begin"), 0);
}

static void router_refuses_a_foreign_host(void **state)
{
	static const struct {
		const char *host;
		int status;
	} rows[] = {
		{"evil.example.com", 403},
		{"evil.example.com:80", 403},
		{"127.0.0.1.evil.example.com", 403},
		{"localhost", 200},
		{"LOCALHOST:1", 200},
		{"127.0.0.1:9", 200},
		{"[::1]:9", 200},
	};
	struct http_scene *scene = http_scene_begin(state, NULL);

	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *request = mem_textf(
			"GET /health HTTP/1.1\r\nhost: %s\r\n\r\n", rows[i].host);
		struct http_client client;
		struct http_answer answer;

		http_open(&client, scene->port);
		http_send_text(client.fd, request);
		answer = http_answer(&client);
		if (answer.status != rows[i].status)
			fail_msg("%s: %d", rows[i].host, answer.status);
		http_answer_done(&answer);
		http_close(&client);
	}
}

static void router_limits_arrays(void **state)
{
	struct http_scene *scene = http_scene_begin(state, NULL);
	SCOPED(buf_done) struct buf batch = {0};
	SCOPED(json_free) cJSON *answers = NULL;

	http_scene_greet(scene, "2025-03-26");
	buf_adds(&batch, "[" PING);
	for (unsigned i = 2; i <= 64; i++)
		buf_addf(&batch, ",{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"ping\"}",
			i);
	buf_adds(&batch, "]");
	answers = http_scene_post(scene, buf_text(&batch));
	assert_int_equal(cJSON_GetArraySize(answers), 64);
	batch.data[batch.len - 1] = ',';
	buf_adds(&batch, "{\"jsonrpc\":\"2.0\",\"id\":65,\"method\":\"ping\"}]");
	try_row(scene,
		&(struct row){"POST", HTTP_JSON, buf_text(&batch), 400, -32600,
			"65 messages"});
	http_scene_greet(scene, "2025-11-25");
	try_row(scene,
		&(struct row){"POST", HTTP_JSON, "[" PING "]", 400, -32600,
			"a version without arrays"});
}

static void router_checks_the_version_of_a_session(void **state)
{
	static const struct row rows[] = {
		{"POST", HTTP_JSON "mcp-protocol-version: 1999-01-01\r\n", PING, 400,
			-32000, "unknown version"},
		{"GET", ACCEPT_ALL "mcp-protocol-version: 1999-01-01\r\n", NULL, 400,
			-32000, "stream in an unknown version"},
		{"POST", HTTP_JSON, INITIALIZE, 400, -32600, "initialized twice"},
	};
	struct http_scene *scene = http_scene_begin(state, NULL);

	http_scene_greet(scene, "2025-11-25");
	for (unsigned i = 0; i < COUNT(rows); i++)
		try_row(scene, &rows[i]);
}

static void router_checks_headers_against_the_body(void **state)
{
#define METHOD(name) "mcp-method: " name "\r\n"
#define NAME(name)   "mcp-name: " name "\r\n"
	static const struct row rows[] = {
		{"POST", HTTP_MODERN METHOD("tools/list"), LIST, 200, 0, "sound"},
		{"POST", HTTP_MODERN, LIST, 400, -32020, "no Mcp-Method"},
		{"POST", HTTP_MODERN METHOD("tools/call"), LIST, 400, -32020,
			"another method"},
		{"POST", HTTP_JSON METHOD("tools/list"), LIST, 400, -32020,
			"no version in the head"},
		{"POST",
			HTTP_JSON
			"mcp-protocol-version: 2025-11-25\r\n" METHOD("tools/list"),
			LIST, 400, -32020, "another version in the head"},
		{"POST", HTTP_MODERN METHOD("tools/list"),
			"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/list\"}", 400,
			-32602, "no _meta"},
		{"POST",
			HTTP_JSON
			"mcp-protocol-version: 2031-01-01\r\n" METHOD("tools/list"),
			"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/list\","
			"\"params\":{\"_meta\":{\"io.modelcontextprotocol/"
			"protocolVersion\":\"2031-01-01\"}}}",
			400, -32022, "a version of the future"},
		{"POST", HTTP_MODERN METHOD("ping"),
			"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\",\"params\":"
			"{" META "}}",
			404, -32601, "a method of the handshake"},
		{"POST", HTTP_MODERN METHOD("tools/call") NAME("echo"),
			CALL("echo", "{\"text\":\"x\"}"), 200, 0, "a sound call"},
		{"POST", HTTP_MODERN METHOD("tools/call"), CALL("echo", "{}"), 400,
			-32020, "no Mcp-Name"},
		{"POST", HTTP_MODERN METHOD("tools/call") NAME("add"),
			CALL("echo", "{}"), 400, -32020, "another name"},
		{"POST", HTTP_MODERN METHOD("tools/call") NAME("=?base64?ZWNobw==?="),
			CALL("echo", "{\"text\":\"x\"}"), 200, 0, "the name in base64"},
		{"POST", HTTP_MODERN METHOD("tools/call") NAME("greet_region"),
			CALL("greet_region", "{\"region\":\"N\"}"), 400, -32020,
			"no Mcp-Param-Region"},
		{"POST",
			HTTP_MODERN METHOD("tools/call")
				NAME("greet_region") "mcp-param-region: N\r\n",
			CALL("greet_region", "{\"region\":\"N\"}"), 200, 0,
			"a sound parameter"},
		{"POST",
			HTTP_MODERN METHOD("tools/call")
				NAME("greet_region") "mcp-param-region: S\r\n",
			CALL("greet_region", "{\"region\":\"N\"}"), 400, -32020,
			"another parameter"},
		{"POST",
			HTTP_MODERN METHOD("tools/call")
				NAME("test_missing_capability"),
			CALL("test_missing_capability", "{}"), 400, -32021,
			"a capability that the client has not"},
		{"POST", HTTP_MODERN, "[" LIST "]", 400, -32600, "an array"},
		{"GET", ACCEPT_ALL "mcp-protocol-version: 2026-07-28\r\n", NULL, 405,
			-32000, "GET"},
		{"DELETE", "mcp-protocol-version: 2026-07-28\r\n", NULL, 405, -32000,
			"DELETE"},
	};
	struct http_scene *scene = http_scene_begin(
		state, "{\"features\": \"all\", \"http\": {\"answers\": \"json\"}}");

	for (unsigned i = 0; i < COUNT(rows); i++)
		try_row(scene, &rows[i]);
	assert_int_equal(http_scene_count(scene, "mcp.session.begin"), 0);
}

/* Sends this much of a body of 100 MB; the server says 413 at once. */
static void router_refuses_a_large_body(void **state)
{
	struct http_scene *scene = http_scene_begin(state, NULL);
	struct http_client client;
	struct http_answer answer;

	http_open(&client, scene->port);
	http_send_text(client.fd,
		"POST /mcp HTTP/1.1\r\nhost: localhost\r\n" HTTP_JSON
		"content-length: 104857600\r\n\r\n{\"jsonrpc\"");
	assert_int_equal(http_read_all(&client, HTTP_PATIENCE_MS), HTTP_EOF);
	assert_non_null(strstr(buf_text(&client.raw), "HTTP/1.1 413 "));
	assert_non_null(strstr(buf_text(&client.raw),
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,\"message\":"
		"\"Payload Too Large: Request body must not exceed 4194304 bytes\"}}"));
	http_close(&client);
	answer = http_scene_call(scene, "POST", HTTP_JSON, INITIALIZE);
	assert_int_equal(answer.status, 200);
	http_answer_done(&answer);
}

/* Clients that go away in the middle of their request, or of the answer. */
static void router_outlives_clients_that_leave(void **state)
{
	static const char *const beginnings[] = {"POST /mcp HTTP/1.1\r\nhost: localho",
		"POST /mcp HTTP/1.1\r\nhost: localhost\r\n" HTTP_JSON
		"content-length: 100\r\n\r\n{\"jsonrpc\"",
		"POST /mcp HTTP/1.1\r\nhost: localhost\r\n" HTTP_JSON
		"transfer-encoding: chunked\r\n\r\n5\r\n{\"jso"};
	struct http_scene *scene = http_scene_begin(state, "{\"hang_tools\": true}");
	unsigned before;

	/* An answered request shows that its loop runs, and has opened what it needs. */
	http_scene_greet(scene, "2025-11-25");
	before = http_scene_descriptors(scene);
	for (unsigned i = 0; i < COUNT(beginnings); i++) {
		struct http_client client;

		http_open(&client, scene->port);
		http_send_text(client.fd, beginnings[i]);
		http_close(&client);
		/* Half-closed, with a body that will never be whole. */
		if (i == 0)
			continue;
		http_open(&client, scene->port);
		http_send_text(client.fd, beginnings[i]);
		shutdown(client.fd, SHUT_WR);
		assert_int_not_equal(
			http_read_all(&client, HTTP_PATIENCE_MS), HTTP_SILENT);
		http_close(&client);
	}
	for (unsigned i = 0; i < 3; i++) {
		SCOPED(mem_free) char *body = mem_textf(
			"{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tools/call\","
			"\"params\":{\"name\":\"echo\",\"arguments\":{\"text\":\"\"}}}",
			i);
		struct http_client client;

		http_scene_send(scene, &client, "POST", HTTP_JSON, body);
		http_scene_event(scene, "mcp.tool.begin");
		http_close(&client);
	}
	for (unsigned i = 0; http_scene_descriptors(scene) > before && i < 1000; i++)
		ledger_reader_turn(scene->ledger, 10);
	assert_true(http_scene_descriptors(scene) <= before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			router_refuses_as_the_official_server, http_scene_end),
		cmocka_unit_test_teardown(
			router_refuses_a_foreign_host, http_scene_end),
		cmocka_unit_test_teardown(router_limits_arrays, http_scene_end),
		cmocka_unit_test_teardown(
			router_checks_the_version_of_a_session, http_scene_end),
		cmocka_unit_test_teardown(
			router_checks_headers_against_the_body, http_scene_end),
		cmocka_unit_test_teardown(router_refuses_a_large_body, http_scene_end),
		cmocka_unit_test_teardown(
			router_outlives_clients_that_leave, http_scene_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
