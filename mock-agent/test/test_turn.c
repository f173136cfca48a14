#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mock-agent/faults/injector.h"
#include "mock-agent/session/api_turn.h"
#include "mock-agent/test/client.h"

#define SESSIONS 4

static void turn_echoes_in_as_many_messages_as_asked_for(void **state)
{
	static const char *const events[] = {"event: session.status_running",
		"event: session.thread_status_running", "event: user.message",
		"event: span.model_request_start", "\"text\":\"You s\"",
		"\"text\":\"aid: \"", "\"text\":\"hello\"",
		"event: span.model_request_end", "event: session.thread_status_idle",
		"event: session.status_idle"};
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *status = NULL;
	SCOPED(mem_free) char *path = NULL;
	struct http_line line;
	struct answer answer;

	(void)state;
	mock_start(&mock, "{\"chunks\": 3}");
	id = open_session(&mock, 1);
	open_stream(&mock, &line, id);
	assert_int_equal(say(&mock, id, "hello"), 200);
	for (unsigned i = 0; i < COUNT(events); i++)
		line_expect(&line, events[i]);
	assert_int_equal(line_count(&line, "event: agent.message"), 3);
	status = stored_status(&mock, id);
	assert_string_equal(status, "idle");
	path = path_of(id, "/events?limit=3");
	answer = call(&mock, "GET", path, NULL);
	assert_int_equal(cJSON_GetArraySize(json_get(answer.body, "data")), 3);
	assert_string_equal(cJSON_GetStringValue(json_at(answer.body, "data.0.type")),
		"session.status_running");
	assert_non_null(json_text(answer.body, "next_page"));
	answer_done(&answer);
	wait_event(&mock, "agent.stream.opened");
	wait_event(&mock, "agent.turn.begin");
	assert_non_null(strstr(wait_event(&mock, "agent.turn.end"), "\"end_turn\""));
	line_close(&line);
	assert_non_null(strstr(wait_event(&mock, "agent.stream.closed"), "\"client\""));
	mock_stop(&mock);
}

/* The id of the use that the stream's n-th idle event (from 1) waits for. To free(). */
static char *use_id(struct http_line *line, unsigned n)
{
	static const char mark[] = "event: session.status_idle\ndata: ";
	SCOPED(buf_done) struct buf text = {0};
	SCOPED(json_free) cJSON *event = NULL;
	const char *at, *end;

	for (;;) {
		buf_clear(&text);
		dechunk(line_body(line), &text);
		at = buf_text(&text);
		for (unsigned i = 0; i < n && at; i++)
			at = strstr(at + (i > 0), mark);
		end = at ? strstr(at, "\n\n") : NULL;
		if (end)
			break;
		assert_int_equal(line_read(line, PATIENCE_MS), 0);
	}
	at += strlen(mark);
	event = json_parse(at, (size_t)(end - at));
	return mem_text(
		cJSON_GetStringValue(json_at(event, "stop_reason.event_ids.0")));
}

static void turn_asks_the_declared_tools_in_their_order(void **state)
{
	static const char *const tools[] = {"\"one\"", "\"two\"", "\"one\""};
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *last = NULL;
	struct http_line line;

	(void)state;
	mock_start(&mock, "{\"tools\": 3}");
	id = open_session(&mock, 1);
	open_stream(&mock, &line, id);
	say(&mock, id, "hello");
	for (unsigned i = 0; i < COUNT(tools); i++) {
		SCOPED(mem_free) char *use = use_id(&line, i + 1);
		SCOPED(mem_free) char *status = stored_status(&mock, id);

		assert_string_equal(status, "idle");
		assert_non_null(
			strstr(wait_event(&mock, "agent.tool.asked"), tools[i]));
		assert_int_equal(answer_tool(&mock, id, use, i == 1 ? "b" : "a"), 200);
		wait_event(&mock, "agent.tool.answered");
		free(last);
		last = mem_text(use);
	}
	line_expect(&line, "\"input\":{\"q\":\"hello\"}");
	line_expect(&line,
		"You said: hello\\none answered: a\\ntwo answered: b\\n"
		"one answered: a");
	/* Twice does no harm, something unknown is a mistake. */
	assert_int_equal(answer_tool(&mock, id, last, "again"), 200);
	assert_int_equal(answer_tool(&mock, id, "sevt_x", "what"), 400);
	assert_int_equal(line_count(&line, "event: agent.message"), 1);
	line_close(&line);
	mock_stop(&mock);
}

static void session_that_waits_for_a_tool_may_be_archived(void **state)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *use = NULL;
	struct http_line line;

	(void)state;
	mock_start(&mock, "{\"tools\": 1}");
	id = open_session(&mock, 1);
	open_stream(&mock, &line, id);
	say(&mock, id, "hello");
	use = use_id(&line, 1);
	assert_int_equal(session_call(&mock, "POST", id, "/archive", NULL), 200);
	line_expect(&line, "event: session.status_terminated");
	assert_int_equal(line_end(&line, PATIENCE_MS), LINE_EOF);
	line_close(&line);
	mock_stop(&mock);
}

static void messages_that_come_meanwhile_continue_the_run(void **state)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	struct http_line line;

	(void)state;
	mock_start(&mock, "{\"first_byte\": {\"latency\": \"200ms\"}}");
	id = open_session(&mock, 1);
	open_stream(&mock, &line, id);
	say(&mock, id, "first");
	say(&mock, id, "second");
	line_expect(&line, "You said: second");
	line_expect(&line, "event: session.status_idle");
	assert_int_equal(line_count(&line, "You said: first"), 1);
	assert_int_equal(line_count(&line, "event: session.status_running"), 1);
	assert_int_equal(line_count(&line, "event: session.status_idle"), 1);
	line_close(&line);
	mock_stop(&mock);
}

static void interrupt_ends_a_turn_that_waits(void **state)
{
	static const char *const waits[] = {
		"{\"first_byte\": {\"latency\": \"1h\"}}",
		"{\"chunks\": 5, \"chunk\": {\"latency\": \"1h\"}}",
		"{\"first_byte\": {\"fault\": \"hang\"}}",
		"{\"tools\": 1}",
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(waits); i++) {
		struct mock_program mock;
		SCOPED(mem_free) char *id = NULL;
		struct http_line line;

		mock_start(&mock, waits[i]);
		id = open_session(&mock, 1);
		open_stream(&mock, &line, id);
		say(&mock, id, "hello");
		if (i == 1)
			line_expect(&line, "event: agent.message");
		if (i == 2)
			wait_event(&mock, "\"hang\"");
		if (i == 3)
			line_expect(&line, "requires_action");
		assert_int_equal(interrupt(&mock, id), 200);
		wait_event(&mock, "agent.interrupted");
		assert_non_null(
			strstr(wait_event(&mock, "agent.turn.end"), "\"interrupted\""));
		line_expect(&line, "\"stop_reason\":{\"type\":\"end_turn\"}");
		assert_int_equal(
			session_call(&mock, "POST", id, "/archive", NULL), 200);
		line_close(&line);
		mock_stop(&mock);
	}
}

static void interrupt_jumps_a_queue_that_is_full(void **state)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;

	(void)state;
	mock_start(&mock, "{\"first_byte\": {\"latency\": \"1h\"}}");
	id = open_session(&mock, 1);
	for (unsigned i = 0; i < 1 + TURN_WAITING_MAX; i++)
		assert_int_equal(say(&mock, id, "hello"), 200);
	assert_int_equal(say(&mock, id, "one more"), 429);
	assert_int_equal(interrupt(&mock, id), 200);
	assert_non_null(strstr(wait_event(&mock, "agent.turn.end"), "\"interrupted\""));
	assert_int_equal(say(&mock, id, "hello"), 200);
	mock_stop(&mock);
}

static void interrupt_of_an_idle_session_does_nothing(void **state)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;

	(void)state;
	mock_start(&mock, "{}");
	id = open_session(&mock, 1);
	assert_int_equal(interrupt(&mock, id), 200);
	wait_event(&mock, "agent.interrupted");
	assert_int_equal(session_call(&mock, "DELETE", id, "", NULL), 200);
	wait_event(&mock, "agent.disconnect.done");
	assert_int_equal(count_events(&mock, "agent.turn"), 0);
	mock_stop(&mock);
}

static void running_session_is_not_archived_and_not_deleted(void **state)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *path = NULL;
	SCOPED(mem_free) char *wanted = NULL;
	SCOPED(mem_free) char *said = NULL;

	(void)state;
	mock_start(&mock, "{\"first_byte\": {\"latency\": \"1h\"}}");
	id = open_session(&mock, 1);
	say(&mock, id, "hello");
	path = path_of(id, "/archive");
	said = call_text(&mock, "POST", path, NULL, "error.message");
	wanted = mem_textf(
		"Session %s cannot be archived while its status is \"running\". "
		"Only pending or idle sessions may be archived.",
		id);
	assert_string_equal(said, wanted);
	assert_non_null(strstr(wait_event(&mock, "agent.disconnect.refused"), "400"));
	free(said);
	path[strlen(path) - strlen("/archive")] = '\0';
	said = call_text(&mock, "DELETE", path, NULL, "error.message");
	assert_string_equal(said,
		"Cannot delete session while it is running. Send an "
		"interrupt event or wait for the session to complete.");
	mock_stop(&mock);
}

static void stored_status_follows_the_idle_event(void **state)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	struct http_line line;
	unsigned refused = 0;
	int64_t idle_ns;

	(void)state;
	mock_start(&mock, "{\"status_lag\": {\"latency\": \"300ms\"}}");
	id = open_session(&mock, 1);
	open_stream(&mock, &line, id);
	say(&mock, id, "hello");
	line_expect(&line, "event: session.status_idle");
	idle_ns = event_int(wait_event(&mock, "agent.turn.end"), "ns");
	while (session_call(&mock, "POST", id, "/archive", NULL) == 400)
		refused++;
	assert_true(refused > 0);
	assert_true(
		event_int(wait_event(&mock, "agent.disconnect.done"), "ns") - idle_ns >=
		300 * CLOCK_MS);
	line_close(&line);
	mock_stop(&mock);
}

static void status_lag_that_hangs_stays_running(void **state)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *status = NULL;
	struct http_line line;

	(void)state;
	mock_start(&mock, "{\"status_lag\": {\"fault\": \"hang\"}}");
	id = open_session(&mock, 1);
	open_stream(&mock, &line, id);
	say(&mock, id, "hello");
	line_expect(&line, "event: session.status_idle");
	wait_event(&mock, "\"phase\":\"status_lag\"");
	status = stored_status(&mock, id);
	assert_string_equal(status, "running");
	line_close(&line);
	mock_stop(&mock);
}

static void stream_has_heartbeats_previews_and_a_hold_time(void **state)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *path = NULL;
	struct http_line line;
	int64_t ended_ns;

	(void)state;
	mock_start(&mock, "{\"heartbeat\": \"20ms\", \"hold\": \"200ms\"}");
	id = open_session(&mock, 1);
	path = path_of(id,
		"/events/stream?event_deltas%5B%5D=agent.thinking"
		"&event_deltas%5B%5D=agent.message");
	line_open(&line, mock.port);
	line_send(&line, "GET", path, NULL, NULL);
	line_expect(&line, "event: ping\ndata: {\"type\":\"ping\"}");
	say(&mock, id, "hello");
	line_expect(&line, "event: event_start");
	line_expect(&line, "event: event_delta");
	line_expect(&line, "event: agent.message");
	assert_int_equal(session_call(&mock, "DELETE", id, "", NULL), 200);
	ended_ns = event_int(wait_event(&mock, "agent.disconnect.done"), "ns");
	line_expect(&line, "event: session.deleted");
	assert_int_equal(line_end(&line, PATIENCE_MS), LINE_EOF);
	assert_true(
		event_int(wait_event(&mock, "agent.stream.closed"), "ns") - ended_ns >=
		190 * CLOCK_MS);
	line_close(&line);
	mock_stop(&mock);
}

static void deleted_session_is_listed_until_its_last_stream_ends(void **state)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	struct answer answer;
	struct http_line line;

	(void)state;
	mock_start(&mock, "{\"hold\": \"1h\"}");
	id = open_session(&mock, 1);
	open_stream(&mock, &line, id);
	assert_int_equal(session_call(&mock, "DELETE", id, "", NULL), 200);
	line_expect(&line, "event: session.deleted");
	assert_int_equal(session_call(&mock, "GET", id, "", NULL), 404);
	assert_int_equal(session_call(&mock, "DELETE", id, "", NULL), 404);
	answer = call(&mock, "GET", "/v1/sessions", NULL);
	assert_int_equal(cJSON_GetArraySize(json_get(answer.body, "data")), 0);
	answer_done(&answer);
	answer = call(&mock, "GET", "/control/sessions", NULL);
	assert_true(cJSON_IsTrue(json_at(answer.body, "data.0.deleted")));
	assert_int_equal(json_int(json_at(answer.body, "data.0"), "streams", 0), 1);
	answer_done(&answer);
	control(&mock, "POST", "/control/reset", "{}");
	assert_int_equal(line_end(&line, PATIENCE_MS), LINE_RESET);
	wait_event(&mock, "agent.stream.closed");
	line_close(&line);
	free(id);
	id = open_session(&mock, 1);
	open_stream(&mock, &line, id);
	assert_int_equal(session_call(&mock, "DELETE", id, "", NULL), 200);
	line_close(&line);
	wait_event(&mock, "agent.stream.closed");
	answer = call(&mock, "GET", "/control/sessions", NULL);
	assert_int_equal(cJSON_GetArraySize(json_get(answer.body, "data")), 0);
	answer_done(&answer);
	mock_stop(&mock);
}

static void open_stream_follows_a_change_of_the_heartbeat(void **state)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	struct http_line line;

	(void)state;
	mock_start(&mock, "{\"heartbeat\": \"0s\"}");
	id = open_session(&mock, 1);
	open_stream(&mock, &line, id);
	control(&mock, "PUT", "/control/behavior", "{\"heartbeat\": \"20ms\"}");
	line_expect(&line, "event: ping");
	control(&mock, "PUT", "/control/behavior", "{\"heartbeat\": \"0s\"}");
	while (line_read(&line, 200) == 0)
		continue;
	line_close(&line);
	mock_stop(&mock);
}

static void two_streams_carry_the_same_events(void **state)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	struct http_line lines[2];

	(void)state;
	mock_start(&mock, "{\"terminated_event\": false}");
	id = open_session(&mock, 1);
	for (unsigned i = 0; i < COUNT(lines); i++)
		open_stream(&mock, &lines[i], id);
	say(&mock, id, "hello");
	for (unsigned i = 0; i < COUNT(lines); i++)
		line_expect(&lines[i], "event: session.status_idle");
	session_call(&mock, "POST", id, "/archive", NULL);
	for (unsigned i = 0; i < COUNT(lines); i++) {
		assert_int_equal(line_end(&lines[i], PATIENCE_MS), LINE_EOF);
		assert_int_equal(line_count(&lines[i], "terminated"), 0);
		line_close(&lines[i]);
	}
	mock_stop(&mock);
}

#define RANDOM                                                                         \
	"{\"first_byte\": {\"latency\": {\"distribution\": \"uniform\", \"min\": "     \
	"\"0s\", \"max\": \"400ms\"}}}"

/* The program draws what the injector draws for this seed, in any order of sessions. */
static void seed_decides_the_latency_of_a_session(void **state)
{
	struct mock_program mock;
	struct agent_behavior behavior;
	struct json_doc doc = {0};
	struct injectors injectors;
	struct err err;

	(void)state;
	agent_behavior_preset(&behavior);
	assert_true(json_doc_parse(&doc, "m", RANDOM, strlen(RANDOM), &err));
	assert_true(agent_behavior_read(&behavior, &doc, doc.root, &err));
	injectors_init(&injectors, &behavior, 77);
	mock_start_with(&mock, RANDOM, "--seed=77");
	for (int room = SESSIONS; room > 0; room--) {
		SCOPED(mem_free) char *id = open_session(&mock, room);
		int64_t drawn_ns =
			injector_next(injectors_get(&injectors, room), PHASE_FIRST_BYTE)
				.delay_ns;
		int64_t began_ns, took_ns;

		say(&mock, id, "hello");
		began_ns = event_int(wait_event(&mock, "agent.turn.begin"), "ns");
		took_ns =
			event_int(wait_event(&mock, "agent.turn.end"), "ns") - began_ns;
		assert_in_range(took_ns, drawn_ns, drawn_ns + CLOCK_S);
	}
	mock_stop(&mock);
	injectors_done(&injectors);
	agent_behavior_done(&behavior);
	json_doc_done(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turn_echoes_in_as_many_messages_as_asked_for),
		cmocka_unit_test(turn_asks_the_declared_tools_in_their_order),
		cmocka_unit_test(session_that_waits_for_a_tool_may_be_archived),
		cmocka_unit_test(messages_that_come_meanwhile_continue_the_run),
		cmocka_unit_test(interrupt_ends_a_turn_that_waits),
		cmocka_unit_test(interrupt_jumps_a_queue_that_is_full),
		cmocka_unit_test(interrupt_of_an_idle_session_does_nothing),
		cmocka_unit_test(running_session_is_not_archived_and_not_deleted),
		cmocka_unit_test(stored_status_follows_the_idle_event),
		cmocka_unit_test(status_lag_that_hangs_stays_running),
		cmocka_unit_test(stream_has_heartbeats_previews_and_a_hold_time),
		cmocka_unit_test(deleted_session_is_listed_until_its_last_stream_ends),
		cmocka_unit_test(open_stream_follows_a_change_of_the_heartbeat),
		cmocka_unit_test(two_streams_carry_the_same_events),
		cmocka_unit_test(seed_decides_the_latency_of_a_session),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
