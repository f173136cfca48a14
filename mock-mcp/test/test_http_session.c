#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "mock-mcp/test/http_scene.h"

#define CALL(id, tool, arguments)                                                      \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{"    \
	"\"name\":\"" tool "\",\"arguments\":" arguments "}}"
#define PING   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"
#define EVENTS "accept: text/event-stream\r\n"

static int status(struct http_scene *scene, const char *method, const char *headers,
	const char *body)
{
	struct http_answer answer = http_scene_call(scene, method, headers, body);

	http_answer_done(&answer);
	return answer.status;
}

static const char *event_text(
	struct http_scene *scene, const char *event, const char *member, cJSON **root)
{
	const char *line = http_scene_event(scene, event);

	*root = json_parse(line, strlen(line));
	return json_text(*root, member);
}

static void session_begins_and_ends(void **state)
{
	struct http_scene *scene = http_scene_begin(state, NULL);
	SCOPED(json_free) cJSON *answer = NULL, *begin = NULL, *end = NULL;

	http_scene_greet(scene, "2025-11-25");
	assert_string_equal(
		event_text(scene, "mcp.session.begin", "session", &begin), "7");
	assert_string_equal(json_text(begin, "transport"), "http");
	assert_string_equal(json_text(begin, "id"), scene->session);
	http_scene_event(scene, "mcp.initialized");
	answer = http_scene_post(scene, CALL("2", "add", "{\"a\":1,\"b\":2}"));
	assert_string_equal(json_at(answer, "result.content.0.text")->valuestring, "3");
	assert_int_equal(status(scene, "DELETE", "", NULL), 200);
	http_scene_event(scene, "mcp.delete.begin");
	http_scene_event(scene, "mcp.delete.end");
	assert_string_equal(
		event_text(scene, "mcp.session.end", "why", &end), "delete");
	assert_string_equal(json_text(end, "session"), "7");
	assert_int_equal(status(scene, "POST", HTTP_JSON, PING), 404);
	assert_int_equal(status(scene, "DELETE", "", NULL), 404);
}

static void session_has_one_stream(void **state)
{
	struct http_scene *scene = http_scene_begin(state, "{\"features\": \"all\"}");
	struct http_client client;
	SCOPED(json_free) cJSON *closed = NULL;

	http_scene_greet(scene, "2025-11-25");
	http_scene_send(scene, &client, "GET", EVENTS, NULL);
	http_scene_event(scene, "mcp.stream.opened");
	assert_int_equal(status(scene, "GET", EVENTS, NULL), 409);
	cJSON_Delete(
		http_scene_post(scene, CALL("1", "test_trigger_tool_change", "{}")));
	http_expect(&client, "notifications/tools/list_changed");
	assert_int_equal(status(scene, "DELETE", "", NULL), 200);
	assert_int_equal(http_read_all(&client, HTTP_PATIENCE_MS), HTTP_EOF);
	http_close(&client);
	assert_string_equal(
		event_text(scene, "mcp.stream.closed", "by", &closed), "server");
}

/* What was said while the client was away comes when it is back. */
static void session_says_the_rest_to_a_client_that_comes_back(void **state)
{
	struct http_scene *scene = http_scene_begin(state, "{\"features\": \"all\"}");
	struct http_client client;

	http_scene_greet(scene, "2025-11-25");
	http_scene_send(scene, &client, "POST", HTTP_JSON,
		CALL("9", "test_reconnection", "{}"));
	http_expect(&client, "retry: 1000");
	http_expect(&client, "id: 3-0");
	assert_int_equal(http_read_all(&client, HTTP_PATIENCE_MS), HTTP_EOF);
	assert_int_equal(http_count(&client, "\"result\""), 0);
	http_close(&client);
	http_scene_send(scene, &client, "GET", EVENTS "last-event-id: 3-0\r\n", NULL);
	http_expect(&client, "Reconnection test completed");
	http_close(&client);
	/* It may do so again, and with an event that never was. */
	http_scene_send(scene, &client, "GET", EVENTS "last-event-id: 3-0\r\n", NULL);
	http_expect(&client, "Reconnection test completed");
	http_close(&client);
	assert_int_equal(
		status(scene, "GET", EVENTS "last-event-id: 77-0\r\n", NULL), 400);
	assert_int_equal(
		status(scene, "GET", EVENTS "last-event-id: junk\r\n", NULL), 400);
}

/* The connection of a call is lost; the call goes on. */
static void session_keeps_the_answer_to_a_call_whose_client_left(void **state)
{
	struct http_scene *scene =
		http_scene_begin(state, "{\"features\": \"all\", \"tool\": \"100ms\"}");
	struct http_client client;

	http_scene_greet(scene, "2025-11-25");
	http_scene_send(scene, &client, "POST", HTTP_JSON,
		CALL("9", "echo", "{\"text\":\"kept\"}"));
	http_expect(&client, "id: 3-0");
	http_close(&client);
	http_scene_event(scene, "mcp.tool.end");
	http_scene_send(scene, &client, "GET", EVENTS "last-event-id: 3-0\r\n", NULL);
	http_expect(&client, "kept");
	http_close(&client);
}

static void session_sends_no_empty_event_to_older_clients(void **state)
{
	struct http_scene *scene = http_scene_begin(state, NULL);
	struct http_client client;

	http_scene_greet(scene, "2025-06-18");
	http_scene_send(
		scene, &client, "POST", HTTP_JSON "connection: close\r\n", PING);
	assert_int_equal(http_read_all(&client, HTTP_PATIENCE_MS), HTTP_EOF);
	assert_int_equal(http_count(&client, "data: "), 1);
	assert_int_equal(http_count(&client, "retry: "), 0);
	http_close(&client);
}

static void session_answers_in_one_piece(void **state)
{
	struct http_scene *scene =
		http_scene_begin(state, "{\"http\": {\"answers\": \"json\"}}");
	struct http_answer answer;

	http_scene_greet(scene, "2025-11-25");
	answer = http_scene_call(scene, "POST", HTTP_JSON, PING);
	assert_int_equal(answer.status, 200);
	assert_int_equal(json_int(answer.body, "id", 0), 1);
	http_answer_done(&answer);
}

static void delete_takes_its_time(void **state)
{
	struct http_scene *scene =
		http_scene_begin(state, "{\"http\": {\"delete\": \"150ms\"}}");
	int64_t began;

	http_scene_greet(scene, "2025-11-25");
	began = clock_now();
	assert_int_equal(status(scene, "DELETE", "", NULL), 200);
	assert_true(clock_now() - began >= 150 * CLOCK_MS);
}

/* Whose client does not wait for it: the session stays. */
static void delete_that_nobody_waits_for_has_no_effect(void **state)
{
	struct http_scene *scene =
		http_scene_begin(state, "{\"http\": {\"delete_fault\": \"hang\"}}");
	struct http_client client;

	http_scene_greet(scene, "2025-11-25");
	http_scene_send(scene, &client, "DELETE", "", NULL);
	http_scene_event(scene, "mcp.delete.begin");
	assert_int_equal(http_read(&client, 100), HTTP_SILENT);
	http_close(&client);
	http_scene_event(scene, "mcp.delete.broken");
	cJSON_Delete(http_scene_post(scene, PING));
}

static void delete_fails_in_each_way(void **state)
{
	static const struct {
		const char *behavior;
		int status; /* 0: a reset */
	} rows[] = {
		{"{\"http\": {\"delete_fault\": \"error\"}}", 500},
		{"{\"http\": {\"delete_fault\": \"refuse\"}}", 405},
		{"{\"http\": {\"delete_fault\": \"reset\"}}", 0},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct http_scene *scene = http_scene_begin(state, rows[i].behavior);
		struct http_client client;

		http_scene_greet(scene, "2025-11-25");
		if (rows[i].status) {
			assert_int_equal(
				status(scene, "DELETE", "", NULL), rows[i].status);
		} else {
			http_scene_send(scene, &client, "DELETE", "", NULL);
			assert_int_equal(
				http_read_all(&client, HTTP_PATIENCE_MS), HTTP_RESET);
			http_close(&client);
		}
		cJSON_Delete(http_scene_post(scene, PING)); /* it goes on */
		assert_int_equal(http_scene_count(scene, "mcp.session.end"), 0);
		http_scene_end(state);
	}
}

static void stream_stays_open_after_the_end(void **state)
{
	struct http_scene *scene =
		http_scene_begin(state, "{\"http\": {\"stream\": \"stay\"}}");
	struct http_client client;

	http_scene_greet(scene, "2025-11-25");
	http_scene_send(scene, &client, "GET", EVENTS, NULL);
	http_scene_event(scene, "mcp.stream.opened");
	assert_int_equal(status(scene, "DELETE", "", NULL), 200);
	http_expect(&client, ":");
	assert_int_equal(http_read(&client, 100), HTTP_SILENT);
	/* And the server exits all the same. */
	kill(scene->program.pid, SIGTERM);
	http_scene_event(scene, "process.exit");
	http_close(&client);
	assert_int_equal(program_wait(&scene->program), 0);
}

static void stream_is_refused_or_never_answered(void **state)
{
	struct http_scene *scene =
		http_scene_begin(state, "{\"http\": {\"stream\": \"refuse\"}}");
	struct http_client client;

	http_scene_greet(scene, "2025-11-25");
	assert_int_equal(status(scene, "GET", EVENTS, NULL), 405);
	http_scene_end(state);
	scene = http_scene_begin(state, "{\"http\": {\"stream\": \"hang\"}}");
	http_scene_greet(scene, "2025-11-25");
	http_scene_send(scene, &client, "GET", EVENTS, NULL);
	assert_int_equal(http_read(&client, 100), HTTP_SILENT);
	http_close(&client);
}

static void session_ends_by_itself(void **state)
{
	struct http_scene *scene = http_scene_begin(state,
		"{\"http\": {\"lifetime\": \"100ms\", \"ended\": \"bad_request\"}}");
	SCOPED(json_free) cJSON *end = NULL;

	http_scene_greet(scene, "2025-11-25");
	assert_string_equal(
		event_text(scene, "mcp.session.end", "why", &end), "lifetime");
	assert_int_equal(status(scene, "POST", HTTP_JSON, PING), 400);
}

static void session_takes_its_time_to_start(void **state)
{
	struct http_scene *scene = http_scene_begin(state, "{\"start\": \"150ms\"}");
	int64_t began = clock_now();

	http_scene_greet(scene, "2025-11-25");
	assert_true(clock_now() - began >= 150 * CLOCK_MS);
	began = clock_now();
	cJSON_Delete(http_scene_post(scene, PING));
}

/* A client of 2026-07-28 cancels its request by leaving. */
static void stateless_call_ends_with_its_client(void **state)
{
	struct http_scene *scene = http_scene_begin(state, "{\"hang_tools\": true}");
	struct http_client client;

	http_scene_send(scene, &client, "POST",
		HTTP_MODERN "mcp-method: tools/call\r\nmcp-name: echo\r\n"
			    "x-session-room: 3\r\n",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{"
		"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
		"\"io.modelcontextprotocol/clientCapabilities\":{}},\"name\":\"echo\","
		"\"arguments\":{\"text\":\"x\"}}}");
	http_scene_event(scene, "mcp.tool.begin");
	assert_int_equal(http_scene_count(scene, "mcp.tool.end"), 0);
	http_close(&client);
	http_scene_event(scene, "mcp.tool.end");
	assert_int_equal(http_scene_count(scene, "\"session\":\"3\""), 3);
}

/* Its last answer to a listener says that there is no more. */
static void server_answers_listeners_before_it_exits(void **state)
{
	struct http_scene *scene = http_scene_begin(state, "{\"features\": \"all\"}");
	struct http_client client;

	http_scene_send(scene, &client, "POST",
		HTTP_MODERN "mcp-method: subscriptions/listen\r\n",
		"{\"jsonrpc\":\"2.0\",\"id\":\"l\",\"method\":\"subscriptions/listen\","
		"\"params\":{\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":"
		"\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}},"
		"\"notifications\":{\"toolsListChanged\":true}}}");
	http_expect(&client, "notifications/subscriptions/acknowledged");
	kill(scene->program.pid, SIGTERM);
	assert_int_equal(http_read_all(&client, HTTP_PATIENCE_MS), HTTP_EOF);
	assert_int_equal(http_count(&client, "\"resultType\":\"complete\""), 1);
	http_close(&client);
	http_scene_event(scene, "process.exit");
	assert_int_equal(program_wait(&scene->program), 0);
}

static void server_reacts_to_signals_as_its_behavior_says(void **state)
{
	struct http_scene *scene = http_scene_begin(state,
		"{\"on_int\": \"ignore\", \"on_term\": {\"exit_after\": \"100ms\"}, "
		"\"exit_code\": 5}");

	http_scene_greet(scene, "2025-11-25");
	kill(scene->program.pid, SIGINT);
	http_scene_event(scene, "\"signal\":2");
	cJSON_Delete(http_scene_post(scene, PING));
	kill(scene->program.pid, SIGTERM);
	http_scene_event(scene, "\"why\":\"exit\"");
	http_scene_event(scene, "process.exit");
	assert_int_equal(program_code(program_wait(&scene->program)), 5);
}

static void program_refuses_what_its_transport_has_not(void **state)
{
	static const struct {
		const char *flag, *behavior, *why;
	} rows[] = {
		{"--port=0", "{\"on_eof\": \"ignore\"}", "on_eof: "},
		{"--port=0", "{\"stdout\": \"flood\"}", "stdout: "},
		{"--port=0", "{\"stderr\": \"flood\"}", "stderr: "},
		{"--port=0", "{\"crash\": \"eof\"}", "crash: "},
		{"--port=0", "{\"children\": {\"count\": 1, \"stdio\": true}}",
			"stdio: "},
		{"--port=-1", "{\"http\": {\"delete\": \"1s\"}}",
			"\"transport\": \"http\""},
		{"--port=0", "{\"transport\": \"stdio\"}", "--port"},
		{"--port=0", "{\"http\": {\"delete_fault\": \"hung\"}}", "\"hang\""},
	};
	(void)state;

	for (unsigned i = 0; i < COUNT(rows); i++) {
		const char *argv[] = {
			"mock-mcp", rows[i].flag, "--behavior", rows[i].behavior, NULL};
		struct program_output output = program_run(argv);

		assert_int_equal(output.code, 2);
		if (!strstr(output.err, rows[i].why))
			fail_msg("%s: %s", rows[i].behavior, output.err);
		program_output_done(&output);
	}
}

#define SCENE(test) cmocka_unit_test_teardown(test, http_scene_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(session_begins_and_ends),
		SCENE(session_has_one_stream),
		SCENE(session_says_the_rest_to_a_client_that_comes_back),
		SCENE(session_keeps_the_answer_to_a_call_whose_client_left),
		SCENE(session_sends_no_empty_event_to_older_clients),
		SCENE(session_answers_in_one_piece),
		SCENE(delete_takes_its_time),
		SCENE(delete_that_nobody_waits_for_has_no_effect),
		SCENE(delete_fails_in_each_way),
		SCENE(stream_stays_open_after_the_end),
		SCENE(stream_is_refused_or_never_answered),
		SCENE(session_ends_by_itself),
		SCENE(session_takes_its_time_to_start),
		SCENE(stateless_call_ends_with_its_client),
		SCENE(server_answers_listeners_before_it_exits),
		SCENE(server_reacts_to_signals_as_its_behavior_says),
		SCENE(program_refuses_what_its_transport_has_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
