#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/test/mock_program.h"

#define VERSION "anthropic-version: 2026-10-21\r\n"
#define BETA    "anthropic-beta: managed-agents-2026-04-01\r\n"

static void messages_are_answered_whole_and_as_a_stream(void **state UNUSED)
{
	static const char *const frames[] = {"event: message_start", "event: ping",
		"event: content_block_start", "\"text_delta\",\"text\":\"You sa\"",
		"\"text\":\"id: hi\"", "event: content_block_stop",
		"event: message_delta", "event: message_stop"};
	struct mock_program mock;
	struct http_answer answer;
	struct http_client line;
	SCOPED(mem_free) char *tokens = NULL;

	mock_start(&mock, "{\"chunks\": 2}");
	answer = mock_call(&mock, "POST", "/v1/messages",
		"{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","
		"\"content\":\"hi\"}]}");
	assert_int_equal(answer.status, 200);
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "content.0.text")),
		"You said: hi");
	assert_string_equal(json_text(answer.body, "stop_reason"), "end_turn");
	http_answer_done(&answer);
	http_open(&line, mock.port);
	mock_send(&line, "POST", "/v1/messages",
		"{\"model\":\"m\",\"max_tokens\":9,\"stream\":true,\"messages\":"
		"[{\"role\":"
		"\"user\",\"content\":\"hi\"}]}");
	for (unsigned i = 0; i < COUNT(frames); i++)
		http_expect(&line, frames[i]);
	assert_int_equal(http_read_all(&line, HTTP_PATIENCE_MS), HTTP_EOF);
	http_close(&line);
	answer = mock_call(&mock, "POST", "/v1/messages/count_tokens",
		"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
		"\"hi\"}]}");
	assert_true(json_int(answer.body, "input_tokens", 0) > 0);
	http_answer_done(&answer);
	mock_stop(&mock);
}

static void messages_call_the_tools_of_the_behavior(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;

	mock_start(&mock, "{\"tools\": 1}");
	answer = mock_call(&mock, "POST", "/v1/messages",
		"{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","
		"\"content\":\"hi\"}],\"tools\":[{\"name\":\"t\",\"input_schema\":"
		"{\"type\":"
		"\"object\",\"properties\":{\"q\":{\"type\":\"string\"}},\"required\":"
		"[\"q\"]}}]}");
	assert_string_equal(json_text(answer.body, "stop_reason"), "tool_use");
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "content.0.input.q")), "hi");
	http_answer_done(&answer);
	mock_stop(&mock);
}

/* In the shape of the API that the client speaks. */
static void body_above_32_mib_is_refused(void **state UNUSED)
{
	static const struct {
		const char *path, *headers, *type;
	} rows[] = {
		{"/v1/messages", VERSION, "request_too_large"},
		{"/v1/sessions", VERSION BETA, "request_too_large"},
		{"/v1/chat/completions", "authorization: Bearer x\r\n",
			"invalid_request_error"},
	};
	struct mock_program mock;

	mock_start(&mock, "{}");
	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *headers = mem_textf(
			"content-length: %d\r\n%s", (32 << 20) + 1, rows[i].headers);
		struct http_client line;
		struct http_answer answer;

		http_open(&line, mock.port);
		http_send(&line, "POST", rows[i].path, headers, NULL);
		answer = http_answer(&line);
		assert_int_equal(answer.status, 413);
		assert_string_equal(json_text(json_get(answer.body, "error"), "type"),
			rows[i].type);
		assert_non_null(strcasestr(answer.headers, "request-id: req_"));
		http_answer_done(&answer);
		http_close(&line);
	}
	mock_stop(&mock);
}

static void models_come_in_pages(void **state UNUSED)
{
	static const struct {
		const char *query;
		const char *first, *last; /* NULL: none */
		bool more;
	} rows[] = {
		{"", "claude-opus-5", "claude-haiku-4-5", false},
		{"?limit=1", "claude-opus-5", "claude-opus-5", true},
		{"?limit=2&after_id=claude-opus-5", "claude-sonnet-5",
			"claude-haiku-4-5", false},
		{"?limit=1&before_id=claude-haiku-4-5", "claude-sonnet-5",
			"claude-sonnet-5", true},
		{"?before_id=claude-opus-5", NULL, NULL, false},
		{"?after_id=claude-haiku-4-5", NULL, NULL, false},
		{"?after_id=claude-sonnet-5&before_id=claude-opus-5", NULL, NULL,
			false},
	};
	struct mock_program mock;

	mock_start(&mock, "{}");
	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *path = mem_textf("/v1/models%s", rows[i].query);
		struct http_answer answer = mock_call(&mock, "GET", path, NULL);
		const char *first = json_text(answer.body, "first_id");
		const char *last = json_text(answer.body, "last_id");

		if (answer.status != 200 ||
			strcmp(first ? first : "",
				rows[i].first ? rows[i].first : "") ||
			strcmp(last ? last : "", rows[i].last ? rows[i].last : "") ||
			json_bool(answer.body, "has_more", !rows[i].more) !=
				rows[i].more)
			fail_msg("%s: %s to %s", rows[i].query, first, last);
		http_answer_done(&answer);
	}
	assert_int_equal(
		mock_call_status(&mock, "GET", "/v1/models?after_id=x", NULL), 400);
	assert_int_equal(
		mock_call_status(&mock, "GET", "/v1/models?limit=0", NULL), 400);
	mock_stop(&mock);
}

static void messages_refuse_threads(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;

	mock_start(&mock, "{}");
	answer = mock_call(&mock, "POST", "/v1/messages",
		"{\"model\":\"m\",\"max_tokens\":9,\"thread\":{\"type\":\"create\"},"
		"\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
	assert_int_equal(answer.status, 400);
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "error.details.error_code")),
		"thread_unsupported_request");
	assert_string_equal(cJSON_GetStringValue(json_at(
				    answer.body, "error.details.unsupported.0")),
		"thread");
	http_answer_done(&answer);
	mock_stop(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_answered_whole_and_as_a_stream),
		cmocka_unit_test(messages_call_the_tools_of_the_behavior),
		cmocka_unit_test(body_above_32_mib_is_refused),
		cmocka_unit_test(models_come_in_pages),
		cmocka_unit_test(messages_refuse_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
