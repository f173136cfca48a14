#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "mock-agent/test/mock_program.h"

#define SILENCE_MS 150 /* that much of it counts as never */

#define QUESTION                                                                       \
	"{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","          \
	"\"content\":"                                                                 \
	"\"hi\"}]}"
#define STREAMED_QUESTION                                                              \
	"{\"model\":\"m\",\"max_tokens\":9,\"stream\":true,\"messages\":[{\"role\":"   \
	"\"user\",\"content\":\"hi\"}]}"

/* What a client sees of each fault that strikes its request. */
static const struct sight {
	const char *fault;
	enum http_end end; /* HTTP_OPEN: an answer came */
	int status;        /* of the answer */
	const char *words; /* somewhere in what came, or NULL: nothing may come */
	const char *messages_words; /* the same, of the Messages API; NULL: words */
	const char *deltas_words;   /* and of its stream */
} sights[] = {
	{"hang", HTTP_SILENT, 0, NULL, NULL, NULL},
	{"blackhole", HTTP_SILENT, 0, NULL, NULL, NULL},
	{"reset", HTTP_RESET, 0, NULL, NULL, NULL},
	{"half_close", HTTP_EOF, 0, NULL, NULL, NULL},
	{"error", HTTP_OPEN, 503, "request_id", NULL, NULL},
	{"truncate", HTTP_EOF, 0, "{\"id\":\"sesn_", "{\"id\":\"msg_",
		"event: message_start\ndata: {\"type\":\"mess"},
	{"malform", HTTP_OPEN, 200, "<html>", NULL,
		"event: content_block_delta\ndata: {oops"},
};

/* Sends the request and checks that its answer is the sight. */
static void see(struct mock_program *mock, const struct sight *sight,
	const char *method, const char *path, const char *body)
{
	struct http_client line;

	http_open(&line, mock->port);
	mock_send(&line, method, path, body);
	if (sight->end == HTTP_OPEN) {
		struct http_answer answer;
		SCOPED(buf_done) struct buf whole = {0};

		while (!http_body(&line, &whole)) {
			buf_clear(&whole);
			if (http_read(&line, HTTP_PATIENCE_MS) != HTTP_OPEN)
				fail_msg("%s: no answer", sight->fault);
		}
		if (!strstr(buf_text(&line.raw), sight->words))
			fail_msg("%s: %s", sight->fault, buf_text(&line.raw));
		answer = http_answer(&line);
		assert_int_equal(answer.status, sight->status);
		if (sight->status == 200)
			assert_null(answer.body); /* it is no JSON */
		else
			assert_non_null(strcasestr(answer.headers, "retry-after: 2"));
		http_answer_done(&answer);
	} else {
		int patience_ms =
			sight->end == HTTP_SILENT ? SILENCE_MS : HTTP_PATIENCE_MS;
		enum http_end end = http_read(&line, patience_ms);

		while (end == HTTP_OPEN && sight->words)
			end = http_read(&line, patience_ms);
		if (end != sight->end ||
			(sight->words && !strstr(buf_text(&line.raw), sight->words)))
			fail_msg("%s: %d: %s", sight->fault, end, buf_text(&line.raw));
		assert_null(strstr(buf_text(&line.raw), "\r\n0\r\n"));
	}
	http_close(&line);
}

static char *behavior_of(const char *phase, const struct sight *sight, int times)
{
	bool is_error = strcmp(sight->fault, "error") == 0;

	return mem_textf("{\"%s\": {\"fault\": \"%s\", \"times\": %d%s}}", phase,
		sight->fault, times,
		is_error ? ", \"status\": 503, \"retry_after\": \"2s\"" : "");
}

/* Burst 0: one at a time, and the next one a second later. */
static void see_limited(struct mock_program *mock, const char *method, const char *path,
	const char *body)
{
	struct http_answer answer = mock_call(mock, method, path, body);

	assert_int_equal(answer.status, 429);
	assert_non_null(strcasestr(answer.headers, "retry-after: 1\r\n"));
	assert_non_null(strcasestr(answer.headers, "retry-after-ms: "));
	assert_string_equal(
		json_text(json_get(answer.body, "error"), "type"), "rate_limit_error");
	http_answer_done(&answer);
}

static void above_its_rate_the_api_ends_nothing(void **state UNUSED)
{
	SCOPED(mem_free) char *first = NULL;
	SCOPED(mem_free) char *second = NULL;
	SCOPED(mem_free) char *archive = NULL;
	SCOPED(mem_free) char *deletion = NULL;
	struct mock_program mock;

	mock_start(&mock, "{\"rate_limit\": {\"disconnects\": 1, \"burst\": \"0s\"}}");
	first = mock_open_session(&mock, 1);
	second = mock_open_session(&mock, 2);
	archive = session_path(first, "/archive");
	deletion = session_path(second, "");
	assert_int_equal(mock_call_status(&mock, "POST", archive, NULL), 200);
	see_limited(&mock, "DELETE", deletion, NULL);
	assert_non_null(strstr(
		mock_wait_event(&mock, "agent.disconnect.refused"), "\"status\":429"));
	assert_int_equal(mock_call_status(&mock, "GET", deletion, NULL), 200);
	mock_stop(&mock);
}

static void above_its_rate_the_api_opens_nothing(void **state UNUSED)
{
	SCOPED(mem_free) char *first = NULL;
	SCOPED(mem_free) char *body = NULL;
	struct mock_program mock;

	mock_start(&mock, "{\"rate_limit\": {\"connects\": 1, \"burst\": \"0s\"}}");
	first = mock_open_session(&mock, 1);
	body = mem_textf("{\"agent\":\"%s\",\"environment_id\":\"%s\"}", mock.agent_id,
		mock.environment_id);
	see_limited(&mock, "POST", "/v1/sessions", body);
	mock_stop(&mock);
}

static void archive_with_a_fault_ends_nothing(void **state UNUSED)
{
	for (unsigned i = 0; i < COUNT(sights); i++) {
		const struct sight *sight = &sights[i];
		SCOPED(mem_free) char *behavior = behavior_of("disconnect", sight, 1);
		SCOPED(mem_free) char *id = NULL;
		SCOPED(mem_free) char *path = NULL;
		struct mock_program mock;
		const char *event;

		mock_start(&mock, behavior);
		id = mock_open_session(&mock, 4);
		path = session_path(id, "/archive");
		see(&mock, sight, "POST", path, NULL);
		mock_wait_event(&mock, "agent.disconnect.begin");
		event = mock_wait_event(&mock, "agent.disconnect.");
		assert_non_null(strstr(
			event, sight->status == 503 ? "\"status\":503" : sight->fault));
		assert_non_null(
			strstr(event, sight->status == 503 ? ".refused" : ".broken"));
		event = mock_wait_event(&mock, "agent.fault");
		assert_non_null(strstr(event, "\"session\":\"4\""));
		assert_non_null(strstr(event, "\"phase\":\"archive\""));
		assert_non_null(strstr(event, sight->fault));
		/* The second time all is well, unless it fell into a black hole. */
		if (strcmp(sight->fault, "blackhole") == 0) {
			see(&mock, sight, "POST", path, NULL);
			path[strlen(path) - strlen("/archive")] = '\0';
			see(&mock, sight, "GET", path, NULL);
		} else {
			assert_int_equal(
				mock_call_status(&mock, "POST", path, NULL), 200);
			mock_wait_event(&mock, "agent.disconnect.done");
		}
		mock_stop(&mock);
	}
}

static void disconnect_that_takes_effect_loses_only_its_response(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *one = NULL;
	SCOPED(mem_free) char *two = NULL;
	SCOPED(mem_free) char *path = NULL;
	SCOPED(mem_free) char *status = NULL;
	struct http_client line, stream;

	mock_start(&mock,
		"{\"disconnect\": {\"fault\": \"reset\", \"takes_effect\": true},"
		" \"archive\": {\"fault\": \"error\"}}");
	one = mock_open_session(&mock, 1);
	mock_open_stream(&mock, &stream, one);
	path = session_path(one, "");
	http_open(&line, mock.port);
	mock_send(&line, "DELETE", path, NULL);
	assert_int_equal(http_read(&line, HTTP_PATIENCE_MS), HTTP_RESET);
	http_close(&line);
	assert_non_null(
		strstr(mock_wait_event(&mock, "agent.disconnect.broken"), "reset"));
	http_expect(&stream, "event: session.deleted");
	http_close(&stream);
	/* What a client that tries again is told. */
	assert_int_equal(mock_call_status(&mock, "DELETE", path, NULL), 404);
	two = mock_open_session(&mock, 2);
	assert_int_equal(mock_session_call(&mock, "POST", two, "/archive", NULL), 500);
	assert_int_equal(mock_session_call(&mock, "POST", two, "/archive", NULL), 400);
	status = mock_session_status(&mock, two);
	assert_string_equal(status, "terminated");
	mock_stop(&mock);
}

#define CROWD 3

/* Archives as many sessions at once; gives when the last one was through, from when the
 * first one began. */
static int64_t archive_crowd(struct mock_program *mock, int statuses[CROWD])
{
	struct http_client lines[CROWD];
	int64_t began_ns = 0;

	for (unsigned i = 0; i < CROWD; i++) {
		SCOPED(mem_free) char *id = mock_open_session(mock, 1);
		SCOPED(mem_free) char *path = session_path(id, "/archive");

		http_open(&lines[i], mock->port);
		mock_send(&lines[i], "POST", path, NULL);
		if (i == 0)
			began_ns = event_int(
				mock_wait_event(mock, "agent.disconnect.begin"), "ns");
		else
			mock_wait_event(mock, "agent.disconnect.begin");
	}
	for (unsigned i = 0; i < CROWD; i++) {
		struct http_answer answer = http_answer(&lines[i]);

		statuses[i] = answer.status;
		http_answer_done(&answer);
		http_close(&lines[i]);
	}
	return clock_now() - began_ns;
}

static void concurrent_disconnects_queue_or_are_refused(void **state UNUSED)
{
	struct mock_program mock;
	int statuses[CROWD];

	mock_start(&mock,
		"{\"disconnect\": {\"latency\": \"150ms\"}, \"concurrent_disconnects\": \"serial\"}");
	assert_true(archive_crowd(&mock, statuses) >= CROWD * 150 * CLOCK_MS);
	for (unsigned i = 0; i < CROWD; i++)
		assert_int_equal(statuses[i], 200);
	mock_control(&mock, "PUT", "/control/behavior",
		"{\"concurrent_disconnects\": \"reject\", \"disconnect\": {\"latency\": \"500ms\"}}");
	archive_crowd(&mock, statuses);
	assert_int_equal(statuses[0], 200);
	for (unsigned i = 1; i < CROWD; i++)
		assert_int_equal(statuses[i], 429);
	assert_non_null(
		strstr(mock_wait_event(&mock, "agent.disconnect.refused"), "429"));
	mock_stop(&mock);
}

/* One that gives up does not stand in the way, wherever in the queue it was. */
static void queue_of_disconnects_moves_up_when_a_client_leaves(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *path = NULL;
	struct http_client lines[3];
	struct http_answer answer;

	mock_start(&mock,
		"{\"concurrent_disconnects\": \"serial\", \"disconnect\": {\"fault\": \"hang\", \"times\": "
		"1}}");
	id = mock_open_session(&mock, 1);
	path = session_path(id, "/archive");
	for (unsigned i = 0; i < COUNT(lines); i++) {
		http_open(&lines[i], mock.port);
		mock_send(&lines[i], "POST", path, NULL);
		mock_wait_event(&mock, "agent.disconnect.begin");
	}
	http_close(&lines[1]);
	mock_wait_event(&mock, "client left");
	assert_int_equal(http_read(&lines[2], SILENCE_MS), HTTP_SILENT);
	http_close(&lines[0]);
	answer = http_answer(&lines[2]);
	assert_int_equal(answer.status, 200);
	http_answer_done(&answer);
	http_close(&lines[2]);
	mock_stop(&mock);
}

static void create_with_a_fault_opens_nothing(void **state UNUSED)
{
	for (unsigned i = 0; i < COUNT(sights); i++) {
		const struct sight *sight = &sights[i];
		SCOPED(mem_free) char *behavior = behavior_of("connect", sight, 1);
		SCOPED(mem_free) char *body = NULL;
		SCOPED(mem_free) char *first = NULL;
		SCOPED(mem_free) char *again = NULL;
		struct mock_program mock;

		mock_start(&mock, "{}");
		first = mock_open_session(&mock, 1);
		assert_int_equal(
			mock_control(&mock, "PUT", "/control/behavior", behavior), 200);
		body = mem_textf(
			"{\"agent\":\"%s\",\"environment_id\":\"%s\",\"metadata\":"
			"{\"room\":\"2\"}}",
			mock.agent_id, mock.environment_id);
		see(&mock, sight, "POST", "/v1/sessions", body);
		mock_wait_event(&mock, "\"phase\":\"connect\"");
		assert_int_equal(mock_count_events(&mock, "agent.session.opened"), 1);
		if (strcmp(sight->fault, "blackhole") == 0) {
			see(&mock, sight, "POST", "/v1/sessions", body);
		} else {
			again = mock_open_session(&mock, 2);
			mock_wait_event(&mock, "agent.session.opened");
		}
		mock_stop(&mock);
	}
}

/* Three attempts as an SDK makes them: the rule is about one session. */
static void attempts_without_a_room_are_of_one_session_until_it_opens(
	void **state UNUSED)
{
	SCOPED(mem_free) char *body = NULL;
	SCOPED(mem_free) char *first = NULL;
	struct mock_program mock;

	mock_start(&mock,
		"{\"rules\": [{\"session\": 2, \"connect\": {\"fault\": "
		"\"error\", \"status\": 529, \"times\": 2}}]}");
	first = mock_open_session(&mock, 0);
	mock_wait_event(&mock, "agent.session.opened");
	body = mem_textf("{\"agent\":\"%s\",\"environment_id\":\"%s\"}", mock.agent_id,
		mock.environment_id);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
			mock_call_status(&mock, "POST", "/v1/sessions", body), 529);
		assert_non_null(strstr(
			mock_wait_event(&mock, "agent.fault"), "\"session\":\"2\""));
	}
	assert_int_equal(mock_call_status(&mock, "POST", "/v1/sessions", body), 200);
	assert_non_null(strstr(
		mock_wait_event(&mock, "agent.session.opened"), "\"session\":\"2\""));
	assert_int_equal(mock_call_status(&mock, "POST", "/v1/sessions", body), 200);
	assert_non_null(strstr(
		mock_wait_event(&mock, "agent.session.opened"), "\"session\":\"3\""));
	mock_stop(&mock);
}

/* Attempts side by side are different sessions, and one that is given up gives way. */
static void attempt_that_is_given_up_gives_its_number_back(void **state UNUSED)
{
	SCOPED(mem_free) char *body = NULL;
	struct mock_program mock;
	struct http_client lines[3];

	mock_start(&mock, "{}");
	free(mock_open_session(&mock, 9));
	body = mem_textf("{\"agent\":\"%s\",\"environment_id\":\"%s\"}", mock.agent_id,
		mock.environment_id);
	mock_control(&mock, "PUT", "/control/behavior",
		"{\"connect\": {\"fault\": \"hang\"}}");
	for (unsigned i = 0; i < COUNT(lines); i++) {
		SCOPED(mem_free) char *label = mem_textf("\"session\":\"%u\"", i + 1);

		http_open(&lines[i], mock.port);
		mock_send(&lines[i], "POST", "/v1/sessions", body);
		assert_non_null(strstr(mock_wait_event(&mock, "agent.fault"), label));
	}
	http_close(&lines[1]);
	mock_control(&mock, "PUT", "/control/behavior",
		"{\"connect\": {\"fault\": \"none\"}}");
	assert_int_equal(mock_call_status(&mock, "POST", "/v1/sessions", body), 200);
	assert_non_null(strstr(
		mock_wait_event(&mock, "\"session\":\"2\""), "agent.session.opened"));
	/* A reset does not hand out what an attempt that is under way has. */
	mock_control(&mock, "POST", "/control/reset", "{}");
	http_close(&lines[0]);
	mock_control(&mock, "GET", "/control/sessions", NULL);
	for (unsigned i = 0; i < 3; i++) {
		SCOPED(mem_free) char *label =
			mem_textf("\"session\":\"%u\"", i < 2 ? i + 1 : 4);

		assert_int_equal(
			mock_call_status(&mock, "POST", "/v1/sessions", body), 200);
		assert_non_null(
			strstr(mock_wait_event(&mock, "agent.session.opened"), label));
	}
	http_close(&lines[2]);
	mock_stop(&mock);
}

static void interrupt_with_a_fault_interrupts_nothing(void **state UNUSED)
{
	for (unsigned i = 0; i < COUNT(sights); i++) {
		const struct sight *sight = &sights[i];
		SCOPED(mem_free) char *behavior = behavior_of("interrupt", sight, 1);
		SCOPED(mem_free) char *id = NULL;
		SCOPED(mem_free) char *path = NULL;
		struct mock_program mock;

		mock_start(&mock, "{\"first_byte\": {\"latency\": \"1h\"}}");
		assert_int_equal(
			mock_control(&mock, "PUT", "/control/behavior", behavior), 200);
		id = mock_open_session(&mock, 1);
		path = session_path(id, "/events");
		mock_say(&mock, id, "hello");
		see(&mock, sight, "POST", path,
			"{\"events\":[{\"type\":\"user.interrupt\"}]}");
		mock_wait_event(&mock, "\"phase\":\"interrupt\"");
		assert_int_equal(mock_count_events(&mock, "agent.interrupted"), 0);
		if (strcmp(sight->fault, "blackhole") != 0) {
			assert_int_equal(mock_interrupt(&mock, id), 200);
			mock_wait_event(&mock, "agent.turn.end");
		}
		mock_stop(&mock);
	}
}

static void fault_of_an_interrupt_comes_after_the_latency(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	int64_t sent_ns;

	mock_start(&mock,
		"{\"first_byte\": {\"latency\": \"1h\"}, \"interrupt\": {\"fault\": "
		"\"error\", \"latency\": \"100ms\"}}");
	id = mock_open_session(&mock, 1);
	mock_say(&mock, id, "hello");
	sent_ns = clock_now();
	assert_int_equal(mock_interrupt(&mock, id), 500);
	assert_true(clock_now() - sent_ns >= 100 * CLOCK_MS);
	assert_int_equal(mock_count_events(&mock, "agent.interrupted"), 0);
	mock_stop(&mock);
}

static void messages_have_faults_too(void **state UNUSED)
{
	for (unsigned i = 0; i < COUNT(sights); i++) {
		struct sight sight = sights[i];
		SCOPED(mem_free) char *behavior = behavior_of("messages", &sight, 2);
		struct mock_program mock;

		mock_start(&mock, behavior);
		if (sight.messages_words)
			sight.words = sight.messages_words;
		see(&mock, &sight, "POST", "/v1/messages", QUESTION);
		mock_wait_event(&mock, "\"phase\":\"messages\"");
		if (sight.deltas_words)
			sight.words = sight.deltas_words;
		see(&mock, &sight, "POST", "/v1/messages", STREAMED_QUESTION);
		if (strcmp(sight.fault, "blackhole") == 0) {
			see(&mock, &sight, "POST", "/v1/messages", QUESTION);
		} else {
			mock_wait_event(&mock, "\"phase\":\"messages\"");
			assert_int_equal(mock_call_status(&mock, "POST", "/v1/messages",
						 QUESTION),
				200);
		}
		mock_stop(&mock);
	}
}

/* How an open stream ends, and what it has then, when a turn's event is struck. */
static const struct {
	const char *fault;
	enum http_end end;
	const char *has;
	const char *lacks;
	bool goes_on; /* the turn does */
} stream_sights[] = {
	{"hang", HTTP_SILENT, "event: span.model_request_start", "agent.message",
		false},
	{"blackhole", HTTP_SILENT, "event: span.model_request_start", "agent.message",
		false},
	{"reset", HTTP_RESET, "event: span.model_request_start", "agent.message", true},
	{"half_close", HTTP_EOF, "event: span.model_request_start", "agent.message",
		true},
	{"error", HTTP_SILENT, "\"retries_exhausted\"", "agent.message", true},
	{"truncate", HTTP_EOF, "event: agent.message", "You said: hello", true},
	{"malform", HTTP_SILENT, "data: {oops", "You said: hello", true},
};

static void fault_of_an_event_replaces_it_on_its_stream(void **state UNUSED)
{
	for (unsigned i = 0; i < COUNT(stream_sights); i++) {
		SCOPED(mem_free) char *behavior = mem_textf(
			"{\"first_byte\": {\"latency\": \"20ms\", \"fault\": \"%s\"}}",
			stream_sights[i].fault);
		SCOPED(mem_free) char *id = NULL;
		struct mock_program mock;
		struct http_client line;
		enum http_end end;

		mock_start(&mock, behavior);
		id = mock_open_session(&mock, 1);
		mock_open_stream(&mock, &line, id);
		mock_say(&mock, id, "hello");
		mock_wait_event(&mock, "\"phase\":\"first_byte\"");
		end = http_read_all(&line,
			stream_sights[i].end == HTTP_SILENT ? SILENCE_MS
							    : HTTP_PATIENCE_MS);
		if (end != stream_sights[i].end)
			fail_msg("%s: %d", stream_sights[i].fault, end);
		if (http_count(&line, stream_sights[i].has) == 0 ||
			http_count(&line, stream_sights[i].lacks) > 0)
			fail_msg("%s: %s", stream_sights[i].fault, buf_text(&line.raw));
		if (stream_sights[i].goes_on) {
			mock_wait_event(&mock, "agent.turn.end");
			assert_int_equal(
				mock_session_call(&mock, "POST", id, "/archive", NULL),
				200);
		}
		if (strcmp(stream_sights[i].fault, "truncate") == 0)
			assert_null(strstr(buf_text(&line.raw), "\r\n0\r\n"));
		http_close(&line);
		mock_stop(&mock);
	}
}

/* The session, not the request: it has a message stream, too, and others do not. */
static void blackhole_concerns_all_of_a_session(void **state UNUSED)
{
	static const char named[] =
		CREDENTIAL VERSION "x-claude-code-session-id: a\r\n";
	struct mock_program mock;
	struct http_client line, again;
	struct http_answer answer;

	mock_start(&mock,
		"{\"chunks\": 2, \"rules\": [{\"session\": 1, \"chunk\": "
		"{\"fault\": \"blackhole\", \"times\": 1}}]}");
	http_open(&line, mock.port);
	http_send(&line, "POST", "/v1/messages", named, STREAMED_QUESTION);
	mock_wait_event(&mock, "\"blackhole\"");
	http_open(&again, mock.port);
	http_send(&again, "POST", "/v1/messages", named, QUESTION);
	assert_int_equal(http_read(&again, SILENCE_MS), HTTP_SILENT);
	assert_int_equal(
		mock_call_status(&mock, "POST", "/v1/messages", QUESTION), 200);
	http_close(&line);
	http_close(&again);
	mock_control(&mock, "POST", "/control/reset", "{}");
	http_open(&again, mock.port);
	http_send(&again, "POST", "/v1/messages", named, QUESTION);
	answer = http_answer(&again);
	assert_int_equal(answer.status, 200);
	http_answer_done(&answer);
	http_close(&again);
	mock_stop(&mock);
}

static void chunk_faults_replace_later_events(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	struct http_client line;

	mock_start(&mock,
		"{\"chunks\": 2, \"chunk\": {\"latency\": \"20ms\", \"fault\": "
		"\"reset\"}}");
	id = mock_open_session(&mock, 1);
	mock_open_stream(&mock, &line, id);
	mock_say(&mock, id, "hello");
	http_expect(&line, "event: agent.message");
	assert_int_equal(http_read_all(&line, HTTP_PATIENCE_MS), HTTP_RESET);
	mock_wait_event(&mock, "agent.turn.end");
	http_close(&line);
	mock_stop(&mock);
}

static void opening_of_a_stream_has_faults(void **state UNUSED)
{
	static const struct {
		const char *fault;
		enum http_end end;
		const char *has;
	} rows[] = {
		{"hang", HTTP_SILENT, ""},
		{"reset", HTTP_RESET, ""},
		{"half_close", HTTP_EOF, ""},
		{"truncate", HTTP_EOF, "data: {\"id\":\"se"},
		{"malform", HTTP_SILENT, "{oops"},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *behavior =
			mem_textf("{\"stream\": {\"fault\": \"%s\", \"times\": 1}}",
				rows[i].fault);
		SCOPED(mem_free) char *id = NULL;
		SCOPED(mem_free) char *path = NULL;
		struct mock_program mock;
		struct http_client line;
		enum http_end end;

		mock_start(&mock, behavior);
		id = mock_open_session(&mock, 1);
		path = session_path(id, "/events/stream");
		http_open(&line, mock.port);
		mock_send(&line, "GET", path, NULL);
		end = http_read_all(&line,
			rows[i].end == HTTP_SILENT ? SILENCE_MS : HTTP_PATIENCE_MS);
		if (end != rows[i].end || !strstr(buf_text(&line.raw), rows[i].has))
			fail_msg("%s: %d: %s", rows[i].fault, end, buf_text(&line.raw));
		http_close(&line);
		assert_int_equal(mock_count_events(&mock, "agent.stream.opened"), 0);
		mock_open_stream(&mock, &line, id);
		http_close(&line);
		mock_stop(&mock);
	}
}

static void message_stream_has_faults_in_its_middle(void **state UNUSED)
{
	static const struct {
		const char *fault;
		enum http_end end;
		const char *has;
	} rows[] = {
		{"hang", HTTP_SILENT, "event: content_block_delta"},
		{"reset", HTTP_RESET, "event: content_block_delta"},
		{"half_close", HTTP_EOF, "event: content_block_delta"},
		{"error", HTTP_EOF,
			"event: error\ndata: {\"type\":\"error\",\"error\":{"},
		{"truncate", HTTP_EOF, "event: content_block_delta"},
		{"malform", HTTP_EOF, "{oops"},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *behavior =
			mem_textf("{\"chunks\": 2, \"chunk\": {\"latency\": \"20ms\", "
				  "\"fault\": \"%s\"}}",
				rows[i].fault);
		struct mock_program mock;
		struct http_client line;
		enum http_end end;

		mock_start(&mock, behavior);
		http_open(&line, mock.port);
		mock_send(&line, "POST", "/v1/messages", STREAMED_QUESTION);
		mock_wait_event(&mock, "\"phase\":\"chunk\"");
		end = http_read_all(&line,
			rows[i].end == HTTP_SILENT ? SILENCE_MS : HTTP_PATIENCE_MS);
		if (end != rows[i].end || http_count(&line, rows[i].has) == 0)
			fail_msg("%s: %d: %s", rows[i].fault, end, buf_text(&line.raw));
		http_close(&line);
		mock_stop(&mock);
	}
}

static void refused_connections_are_accepted_again_by_control(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *path = NULL;
	struct http_client stream, line;

	mock_start(&mock, "{\"disconnect\": {\"fault\": \"refuse\", \"times\": 1}}");
	id = mock_open_session(&mock, 1);
	path = session_path(id, "/archive");
	mock_open_stream(&mock, &stream, id);
	http_open(&line, mock.port);
	mock_send(&line, "POST", path, NULL);
	assert_int_equal(http_read(&line, HTTP_PATIENCE_MS), HTTP_RESET);
	http_close(&line);
	mock_wait_event(&mock, "\"refuse\"");
	http_wait_refused(mock.port);
	/* Who is inside stays inside. */
	assert_int_equal(mock_control(&mock, "GET", "/control/sessions", NULL), 200);
	assert_int_equal(http_read(&stream, SILENCE_MS), HTTP_SILENT);
	assert_int_equal(
		mock_control(&mock, "POST", "/control/listen", "{\"accept\":true}"),
		200);
	assert_int_equal(mock_call_status(&mock, "POST", path, NULL), 200);
	http_expect(&stream, "event: session.status_terminated");
	http_close(&stream);
	mock_control(&mock, "POST", "/control/listen", "{\"accept\":false}");
	http_wait_refused(mock.port);
	assert_int_equal(mock_control(&mock, "POST", "/control/reset", "{}"), 200);
	assert_int_equal(mock_call_status(&mock, "GET", "/health", NULL), 200);
	mock_stop(&mock);
}

static void rule_concerns_the_session_that_it_names(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *one = NULL;
	SCOPED(mem_free) char *two = NULL;
	SCOPED(mem_free) char *path = NULL;

	mock_start(&mock,
		"{\"rules\": [{\"session\": 2, \"disconnect\": {\"fault\": "
		"\"hang\"}}]}");
	one = mock_open_session(&mock, 1);
	two = mock_open_session(&mock, 2);
	path = session_path(two, "/archive");
	see(&mock, &sights[0], "POST", path, NULL);
	assert_int_equal(mock_session_call(&mock, "POST", one, "/archive", NULL), 200);
	mock_stop(&mock);
}

static void disconnect_is_broken_when_its_client_leaves(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *path = NULL;
	SCOPED(mem_free) char *status = NULL;
	struct http_client line;

	mock_start(&mock, "{\"disconnect\": {\"latency\": \"1h\"}}");
	id = mock_open_session(&mock, 1);
	path = session_path(id, "");
	http_open(&line, mock.port);
	mock_send(&line, "DELETE", path, NULL);
	mock_wait_event(&mock, "agent.disconnect.begin");
	http_close(&line);
	assert_non_null(strstr(mock_wait_event(&mock, "agent.disconnect."), ".broken"));
	status = mock_session_status(&mock, id);
	assert_string_equal(status, "idle");
	mock_stop(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(above_its_rate_the_api_ends_nothing),
		cmocka_unit_test(above_its_rate_the_api_opens_nothing),
		cmocka_unit_test(archive_with_a_fault_ends_nothing),
		cmocka_unit_test(disconnect_that_takes_effect_loses_only_its_response),
		cmocka_unit_test(concurrent_disconnects_queue_or_are_refused),
		cmocka_unit_test(queue_of_disconnects_moves_up_when_a_client_leaves),
		cmocka_unit_test(create_with_a_fault_opens_nothing),
		cmocka_unit_test(
			attempts_without_a_room_are_of_one_session_until_it_opens),
		cmocka_unit_test(attempt_that_is_given_up_gives_its_number_back),
		cmocka_unit_test(interrupt_with_a_fault_interrupts_nothing),
		cmocka_unit_test(fault_of_an_interrupt_comes_after_the_latency),
		cmocka_unit_test(messages_have_faults_too),
		cmocka_unit_test(fault_of_an_event_replaces_it_on_its_stream),
		cmocka_unit_test(blackhole_concerns_all_of_a_session),
		cmocka_unit_test(chunk_faults_replace_later_events),
		cmocka_unit_test(opening_of_a_stream_has_faults),
		cmocka_unit_test(message_stream_has_faults_in_its_middle),
		cmocka_unit_test(refused_connections_are_accepted_again_by_control),
		cmocka_unit_test(rule_concerns_the_session_that_it_names),
		cmocka_unit_test(disconnect_is_broken_when_its_client_leaves),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
