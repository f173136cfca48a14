#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "mock-agent/faults/fault_schedule.h"
#include "mock-agent/session/api_turn.h"
#include "mock-agent/test/mock_program.h"

#define SESSIONS 4

static void turn_echoes_in_as_many_messages_as_asked_for(void **state UNUSED)
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
	struct http_client line;
	struct http_answer answer;

	mock_start(&mock, "{\"chunks\": 3}");
	id = mock_open_session(&mock, 1);
	mock_open_stream(&mock, &line, id);
	assert_int_equal(mock_say(&mock, id, "hello"), 200);
	for (unsigned i = 0; i < COUNT(events); i++)
		http_expect(&line, events[i]);
	assert_int_equal(http_count(&line, "event: agent.message"), 3);
	status = mock_session_status(&mock, id);
	assert_string_equal(status, "idle");
	path = session_path(id, "/events?limit=3");
	answer = mock_call(&mock, "GET", path, NULL);
	assert_int_equal(cJSON_GetArraySize(json_get(answer.body, "data")), 3);
	assert_string_equal(cJSON_GetStringValue(json_at(answer.body, "data.0.type")),
		"session.status_running");
	assert_non_null(json_text(answer.body, "next_page"));
	http_answer_done(&answer);
	mock_wait_event(&mock, "agent.stream.opened");
	mock_wait_event(&mock, "agent.turn.begin");
	assert_non_null(
		strstr(mock_wait_event(&mock, "agent.turn.end"), "\"end_turn\""));
	http_close(&line);
	assert_non_null(
		strstr(mock_wait_event(&mock, "agent.stream.closed"), "\"client\""));
	mock_stop(&mock);
}

/* The id of the use that the stream's n-th idle event (from 1) waits for. To free(). */
static char *use_id(struct http_client *line, unsigned n)
{
	static const char mark[] = "event: session.status_idle\ndata: ";
	SCOPED(buf_done) struct buf text = {0};
	SCOPED(json_free) cJSON *event = NULL;
	const char *at, *end;

	for (;;) {
		buf_clear(&text);
		http_body(line, &text);
		at = buf_text(&text);
		for (unsigned i = 0; i < n && at; i++)
			at = strstr(at + (i > 0), mark);
		end = at ? strstr(at, "\n\n") : NULL;
		if (end)
			break;
		assert_int_equal(http_read(line, HTTP_PATIENCE_MS), 0);
	}
	at += strlen(mark);
	event = json_parse(at, (size_t)(end - at));
	return mem_text(
		cJSON_GetStringValue(json_at(event, "stop_reason.event_ids.0")));
}

static void turn_asks_the_declared_tools_in_their_order(void **state UNUSED)
{
	static const char *const tools[] = {"\"one\"", "\"two\"", "\"one\""};
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *last = NULL;
	struct http_client line;

	mock_start(&mock, "{\"tools\": 3}");
	id = mock_open_session(&mock, 1);
	mock_open_stream(&mock, &line, id);
	mock_say(&mock, id, "hello");
	for (unsigned i = 0; i < COUNT(tools); i++) {
		SCOPED(mem_free) char *use = use_id(&line, i + 1);
		SCOPED(mem_free) char *status = mock_session_status(&mock, id);

		assert_string_equal(status, "idle");
		assert_non_null(
			strstr(mock_wait_event(&mock, "agent.tool.asked"), tools[i]));
		assert_int_equal(
			mock_answer_tool(&mock, id, use, i == 1 ? "b" : "a"), 200);
		mock_wait_event(&mock, "agent.tool.answered");
		free(last);
		last = mem_text(use);
	}
	http_expect(&line, "\"input\":{\"q\":\"hello\"}");
	http_expect(&line,
		"You said: hello\\none answered: a\\ntwo answered: b\\n"
		"one answered: a");
	/* Twice does no harm, something unknown is a mistake. */
	assert_int_equal(mock_answer_tool(&mock, id, last, "again"), 200);
	assert_int_equal(mock_answer_tool(&mock, id, "sevt_x", "what"), 400);
	assert_int_equal(http_count(&line, "event: agent.message"), 1);
	http_close(&line);
	mock_stop(&mock);
}

static void session_that_waits_for_a_tool_may_be_archived(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *use = NULL;
	struct http_client line;

	mock_start(&mock, "{\"tools\": 1}");
	id = mock_open_session(&mock, 1);
	mock_open_stream(&mock, &line, id);
	mock_say(&mock, id, "hello");
	use = use_id(&line, 1);
	assert_int_equal(mock_session_call(&mock, "POST", id, "/archive", NULL), 200);
	http_expect(&line, "event: session.status_terminated");
	assert_int_equal(http_read_all(&line, HTTP_PATIENCE_MS), HTTP_EOF);
	http_close(&line);
	mock_stop(&mock);
}

static void messages_that_come_meanwhile_continue_the_run(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	struct http_client line;

	mock_start(&mock, "{\"first_byte\": {\"latency\": \"200ms\"}}");
	id = mock_open_session(&mock, 1);
	mock_open_stream(&mock, &line, id);
	mock_say(&mock, id, "first");
	mock_say(&mock, id, "second");
	http_expect(&line, "You said: second");
	http_expect(&line, "event: session.status_idle");
	assert_int_equal(http_count(&line, "You said: first"), 1);
	assert_int_equal(http_count(&line, "event: session.status_running"), 1);
	assert_int_equal(http_count(&line, "event: session.status_idle"), 1);
	http_close(&line);
	mock_stop(&mock);
}

static void interrupt_ends_a_turn_that_waits(void **state UNUSED)
{
	static const char *const waits[] = {
		"{\"first_byte\": {\"latency\": \"1h\"}}",
		"{\"chunks\": 5, \"chunk\": {\"latency\": \"1h\"}}",
		"{\"first_byte\": {\"fault\": \"hang\"}}",
		"{\"tools\": 1}",
	};

	for (unsigned i = 0; i < COUNT(waits); i++) {
		struct mock_program mock;
		SCOPED(mem_free) char *id = NULL;
		struct http_client line;

		mock_start(&mock, waits[i]);
		id = mock_open_session(&mock, 1);
		mock_open_stream(&mock, &line, id);
		mock_say(&mock, id, "hello");
		if (i == 1)
			http_expect(&line, "event: agent.message");
		if (i == 2)
			mock_wait_event(&mock, "\"hang\"");
		if (i == 3)
			http_expect(&line, "requires_action");
		assert_int_equal(mock_interrupt(&mock, id), 200);
		mock_wait_event(&mock, "agent.interrupted");
		assert_non_null(strstr(
			mock_wait_event(&mock, "agent.turn.end"), "\"interrupted\""));
		http_expect(&line, "\"stop_reason\":{\"type\":\"end_turn\"}");
		assert_int_equal(
			mock_session_call(&mock, "POST", id, "/archive", NULL), 200);
		http_close(&line);
		mock_stop(&mock);
	}
}

static void interrupt_jumps_a_queue_that_is_full(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;

	mock_start(&mock, "{\"first_byte\": {\"latency\": \"1h\"}}");
	id = mock_open_session(&mock, 1);
	for (unsigned i = 0; i < 1 + TURN_WAITING_MAX; i++)
		assert_int_equal(mock_say(&mock, id, "hello"), 200);
	assert_int_equal(mock_say(&mock, id, "one more"), 429);
	assert_int_equal(mock_interrupt(&mock, id), 200);
	assert_non_null(
		strstr(mock_wait_event(&mock, "agent.turn.end"), "\"interrupted\""));
	assert_int_equal(mock_say(&mock, id, "hello"), 200);
	mock_stop(&mock);
}

static void interrupt_of_an_idle_session_does_nothing(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;

	mock_start(&mock, "{}");
	id = mock_open_session(&mock, 1);
	assert_int_equal(mock_interrupt(&mock, id), 200);
	mock_wait_event(&mock, "agent.interrupted");
	assert_int_equal(mock_session_call(&mock, "DELETE", id, "", NULL), 200);
	mock_wait_event(&mock, "agent.disconnect.done");
	assert_int_equal(mock_count_events(&mock, "agent.turn"), 0);
	mock_stop(&mock);
}

static void running_session_is_not_archived_and_not_deleted(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *path = NULL;
	SCOPED(mem_free) char *wanted = NULL;
	SCOPED(mem_free) char *said = NULL;

	mock_start(&mock, "{\"first_byte\": {\"latency\": \"1h\"}}");
	id = mock_open_session(&mock, 1);
	mock_say(&mock, id, "hello");
	path = session_path(id, "/archive");
	said = mock_call_text(&mock, "POST", path, NULL, "error.message");
	wanted = mem_textf(
		"Session %s cannot be archived while its status is \"running\". "
		"Only pending or idle sessions may be archived.",
		id);
	assert_string_equal(said, wanted);
	assert_non_null(
		strstr(mock_wait_event(&mock, "agent.disconnect.refused"), "400"));
	free(said);
	path[strlen(path) - strlen("/archive")] = '\0';
	said = mock_call_text(&mock, "DELETE", path, NULL, "error.message");
	assert_string_equal(said,
		"Cannot delete session while it is running. Send an "
		"interrupt event or wait for the session to complete.");
	mock_stop(&mock);
}

static void stored_status_follows_the_idle_event(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	struct http_client line;
	unsigned refused = 0;
	int64_t idle_ns;

	mock_start(&mock, "{\"status_lag\": {\"latency\": \"300ms\"}}");
	id = mock_open_session(&mock, 1);
	mock_open_stream(&mock, &line, id);
	mock_say(&mock, id, "hello");
	http_expect(&line, "event: session.status_idle");
	idle_ns = event_int(mock_wait_event(&mock, "agent.turn.end"), "ns");
	while (mock_session_call(&mock, "POST", id, "/archive", NULL) == 400)
		refused++;
	assert_true(refused > 0);
	assert_true(event_int(mock_wait_event(&mock, "agent.disconnect.done"), "ns") -
			idle_ns >=
		300 * CLOCK_MS);
	http_close(&line);
	mock_stop(&mock);
}

static void status_lag_that_hangs_stays_running(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *status = NULL;
	struct http_client line;

	mock_start(&mock, "{\"status_lag\": {\"fault\": \"hang\"}}");
	id = mock_open_session(&mock, 1);
	mock_open_stream(&mock, &line, id);
	mock_say(&mock, id, "hello");
	http_expect(&line, "event: session.status_idle");
	mock_wait_event(&mock, "\"phase\":\"status_lag\"");
	status = mock_session_status(&mock, id);
	assert_string_equal(status, "running");
	http_close(&line);
	mock_stop(&mock);
}

static void stream_has_heartbeats_previews_and_a_hold_time(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *path = NULL;
	struct http_client line;
	int64_t ended_ns;

	mock_start(&mock, "{\"heartbeat\": \"20ms\", \"hold\": \"200ms\"}");
	id = mock_open_session(&mock, 1);
	path = session_path(id,
		"/events/stream?event_deltas%5B%5D=agent.thinking"
		"&event_deltas%5B%5D=agent.message");
	http_open(&line, mock.port);
	mock_send(&line, "GET", path, NULL);
	http_expect(&line, "event: ping\ndata: {\"type\":\"ping\"}");
	mock_say(&mock, id, "hello");
	http_expect(&line, "event: event_start");
	http_expect(&line, "event: event_delta");
	http_expect(&line, "event: agent.message");
	assert_int_equal(mock_session_call(&mock, "DELETE", id, "", NULL), 200);
	ended_ns = event_int(mock_wait_event(&mock, "agent.disconnect.done"), "ns");
	http_expect(&line, "event: session.deleted");
	assert_int_equal(http_read_all(&line, HTTP_PATIENCE_MS), HTTP_EOF);
	assert_true(event_int(mock_wait_event(&mock, "agent.stream.closed"), "ns") -
			ended_ns >=
		190 * CLOCK_MS);
	http_close(&line);
	mock_stop(&mock);
}

static void deleted_session_is_listed_until_its_last_stream_ends(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	struct http_answer answer;
	struct http_client line;

	mock_start(&mock, "{\"hold\": \"1h\"}");
	id = mock_open_session(&mock, 1);
	mock_open_stream(&mock, &line, id);
	assert_int_equal(mock_session_call(&mock, "DELETE", id, "", NULL), 200);
	http_expect(&line, "event: session.deleted");
	assert_int_equal(mock_session_call(&mock, "GET", id, "", NULL), 404);
	assert_int_equal(mock_session_call(&mock, "DELETE", id, "", NULL), 404);
	answer = mock_call(&mock, "GET", "/v1/sessions", NULL);
	assert_int_equal(cJSON_GetArraySize(json_get(answer.body, "data")), 0);
	http_answer_done(&answer);
	answer = mock_call(&mock, "GET", "/control/sessions", NULL);
	assert_true(cJSON_IsTrue(json_at(answer.body, "data.0.deleted")));
	assert_int_equal(json_int(json_at(answer.body, "data.0"), "streams", 0), 1);
	http_answer_done(&answer);
	mock_control(&mock, "POST", "/control/reset", "{}");
	assert_int_equal(http_read_all(&line, HTTP_PATIENCE_MS), HTTP_RESET);
	mock_wait_event(&mock, "agent.stream.closed");
	http_close(&line);
	free(id);
	id = mock_open_session(&mock, 1);
	mock_open_stream(&mock, &line, id);
	assert_int_equal(mock_session_call(&mock, "DELETE", id, "", NULL), 200);
	http_close(&line);
	mock_wait_event(&mock, "agent.stream.closed");
	answer = mock_call(&mock, "GET", "/control/sessions", NULL);
	assert_int_equal(cJSON_GetArraySize(json_get(answer.body, "data")), 0);
	http_answer_done(&answer);
	mock_stop(&mock);
}

static void open_stream_follows_a_change_of_the_heartbeat(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	struct http_client line;

	mock_start(&mock, "{\"heartbeat\": \"0s\"}");
	id = mock_open_session(&mock, 1);
	mock_open_stream(&mock, &line, id);
	mock_control(&mock, "PUT", "/control/behavior", "{\"heartbeat\": \"20ms\"}");
	http_expect(&line, "event: ping");
	mock_control(&mock, "PUT", "/control/behavior", "{\"heartbeat\": \"0s\"}");
	while (http_read(&line, 200) == 0)
		continue;
	http_close(&line);
	mock_stop(&mock);
}

static void two_streams_carry_the_same_events(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	struct http_client lines[2];

	mock_start(&mock, "{\"terminated_event\": false}");
	id = mock_open_session(&mock, 1);
	for (unsigned i = 0; i < COUNT(lines); i++)
		mock_open_stream(&mock, &lines[i], id);
	mock_say(&mock, id, "hello");
	for (unsigned i = 0; i < COUNT(lines); i++)
		http_expect(&lines[i], "event: session.status_idle");
	mock_session_call(&mock, "POST", id, "/archive", NULL);
	for (unsigned i = 0; i < COUNT(lines); i++) {
		assert_int_equal(http_read_all(&lines[i], HTTP_PATIENCE_MS), HTTP_EOF);
		assert_int_equal(http_count(&lines[i], "terminated"), 0);
		http_close(&lines[i]);
	}
	mock_stop(&mock);
}

#define RANDOM                                                                         \
	"{\"first_byte\": {\"latency\": {\"distribution\": \"uniform\", \"min\": "     \
	"\"0s\", \"max\": \"400ms\"}}}"

/* The program draws what the schedule draws for this seed, in any order of sessions. */
static void seed_decides_the_latency_of_a_session(void **state UNUSED)
{
	struct mock_program mock;
	struct agent_behavior behavior;
	struct json_doc doc = {0};
	struct fault_schedules schedules;
	struct err err;

	agent_behavior_preset(&behavior);
	assert_true(json_doc_parse(&doc, "m", RANDOM, strlen(RANDOM), &err));
	assert_true(agent_behavior_read(&behavior, &doc, doc.root, &err));
	fault_schedules_init(&schedules, &behavior, 77);
	mock_start_with(&mock, RANDOM, "--seed=77");
	for (int room = SESSIONS; room > 0; room--) {
		SCOPED(mem_free) char *id = mock_open_session(&mock, room);
		int64_t drawn_ns = fault_schedule_next(
			fault_schedules_get(&schedules, room), PHASE_FIRST_BYTE)
					   .delay_ns;
		int64_t began_ns, took_ns;

		mock_say(&mock, id, "hello");
		began_ns = event_int(mock_wait_event(&mock, "agent.turn.begin"), "ns");
		took_ns = event_int(mock_wait_event(&mock, "agent.turn.end"), "ns") -
			began_ns;
		assert_in_range(took_ns, drawn_ns, drawn_ns + CLOCK_S);
	}
	mock_stop(&mock);
	fault_schedules_done(&schedules);
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
