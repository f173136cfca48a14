#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "mock-agent/test/openai_client.h"

#define INPUT(more) "{\"model\":\"m\",\"input\":\"hello\"" more "}"

static void a_response_is_answered_whole(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;

	mock_start(&mock, "{}");
	answer = openai_call(&mock, "POST", RESPONSES,
		INPUT(",\"metadata\":{\"room\":\"7\"},\"instructions\":\"be brief\""));
	assert_int_equal(answer.status, 200);
	assert_string_equal(openai_text(&answer, "object"), "response");
	assert_string_equal(openai_text(&answer, "status"), "completed");
	assert_string_equal(openai_text(&answer, "instructions"), "be brief");
	assert_string_equal(openai_text(&answer, "metadata.room"), "7");
	assert_string_equal(openai_text(&answer, "output.0.type"), "message");
	assert_string_equal(
		openai_text(&answer, "output.0.content.0.text"), "You said: hello");
	assert_true(cJSON_IsNull(json_at(answer.body, "error")));
	http_answer_done(&answer);
	mock_stop(&mock);
}

static void a_response_streams_its_events_in_order(void **state UNUSED)
{
	static const char *const parts[] = {
		"event: response.created\ndata: {\"type\":\"response.created\","
		"\"sequence_number\":0,\"response\":{\"id\":\"resp_",
		"\"status\":\"in_progress\"", "event: response.in_progress\n",
		"event: response.output_item.added\n", "\"content\":[]",
		"event: response.content_part.added\n",
		"event: response.output_text.delta\n", "\"delta\":\"You sai\"",
		"\"sequence_number\":4}", "\"delta\":\"d: hello\"",
		"event: response.output_text.done\n", "\"text\":\"You said: hello\"",
		"event: response.content_part.done\n",
		"event: response.output_item.done\n", "\"status\":\"completed\"",
		"event: response.completed\n", "\"sequence_number\":9",
		"\"text\":\"You said: hello\"", "\"total_tokens\":", NULL};
	struct mock_program mock;
	char *text;

	mock_start(&mock, "{\"chunks\":2}");
	text = openai_stream(&mock, RESPONSES, INPUT(",\"stream\":true"));
	openai_assert_order(text, parts);
	assert_int_equal(openai_count(text, "event: "), 10);
	free(text);
	mock_stop(&mock);
}

#define LOOK                                                                             \
	",\"tools\":[{\"type\":\"function\",\"name\":\"look\",\"parameters\":{\"type\":" \
	"\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":"       \
	"[\"city\"]}}]"

static void a_response_streams_a_call(void **state UNUSED)
{
	static const char *const parts[] = {"event: response.output_item.added\n",
		"\"item\":{\"id\":\"fc_", "\"arguments\":\"\"", "\"call_id\":\"call_",
		"event: response.function_call_arguments.delta\n",
		"\"delta\":\"{\\\"city\\\":\\\"hello\\\"}\"",
		"event: response.function_call_arguments.done\n",
		"\"arguments\":\"{\\\"city\\\":\\\"hello\\\"}\"",
		"event: response.output_item.done\n", "event: response.completed\n",
		NULL};
	struct mock_program mock;
	char *text;

	mock_start(&mock, "{\"tools\":1}");
	text = openai_stream(&mock, RESPONSES, INPUT(",\"stream\":true" LOOK));
	openai_assert_order(text, parts);
	assert_null(strstr(text, "content_part"));
	free(text);
	mock_stop(&mock);
}

/* The text of a member, to free(). */
static char *copy_at(struct http_answer *answer, const char *path)
{
	char *text = mem_text(openai_text(answer, path));

	assert_non_null(text);
	http_answer_done(answer);
	return text;
}

/* A request with a text that has %s in it. */
static struct http_answer PRINTF(2, 3)
	callf(struct mock_program *mock, const char *format, ...)
{
	struct buf body = {0};
	struct http_answer answer;
	va_list args;

	va_start(args, format);
	buf_addv(&body, format, args);
	va_end(args);
	answer = openai_call(mock, "POST", RESPONSES, buf_text(&body));
	buf_done(&body);
	return answer;
}

static void a_response_continues_the_one_before(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;
	char *first, *second, *call_id;

	mock_start(&mock, "{\"tools\":2}");
	answer = openai_call(&mock, "POST", RESPONSES, INPUT(LOOK));
	call_id = mem_text(openai_text(&answer, "output.0.call_id"));
	first = copy_at(&answer, "id");
	answer = callf(&mock,
		"{\"model\":\"m\",\"previous_response_id\":\"%s\",\"input\":["
		"{\"type\":\"function_call_output\",\"call_id\":\"%s\",\"output\":"
		"\"42\"}]" LOOK "}",
		first, call_id);
	assert_string_equal(openai_text(&answer, "previous_response_id"), first);
	free(call_id);
	call_id = mem_text(openai_text(&answer, "output.0.call_id"));
	second = copy_at(&answer, "id");
	answer = callf(&mock,
		"{\"model\":\"m\",\"previous_response_id\":\"%s\",\"input\":["
		"{\"type\":\"function_call_output\",\"call_id\":\"%s\",\"output\":"
		"\"43\"}]" LOOK "}",
		second, call_id);
	assert_string_equal(openai_text(&answer, "output.0.content.0.text"),
		"You said: hello\nlook answered: 42\nlook answered: 43");
	http_answer_done(&answer);
	/* Both can be continued, and the first one still waits for its result. */
	answer = callf(&mock,
		"{\"model\":\"m\",\"previous_response_id\":\"%s\",\"input\":\"x\"}",
		first);
	assert_int_equal(answer.status, 400);
	http_answer_done(&answer);
	free(call_id);
	free(first);
	free(second);
	mock_stop(&mock);
}

static void an_item_can_be_named_by_its_id(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;
	char *item_id, *call_id;

	mock_start(&mock, "{\"tools\":1}");
	answer = openai_call(&mock, "POST", RESPONSES, INPUT(LOOK));
	call_id = mem_text(openai_text(&answer, "output.0.call_id"));
	item_id = copy_at(&answer, "output.0.id");
	answer = callf(&mock,
		"{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"hi\"},"
		"{\"type\":\"item_reference\",\"id\":\"%s\"},{\"type\":"
		"\"function_call_output\",\"call_id\":\"%s\",\"output\":[{\"type\":"
		"\"input_text\",\"text\":\"42\"}]}]" LOOK "}",
		item_id, call_id);
	assert_string_equal(openai_text(&answer, "output.0.content.0.text"),
		"You said: hi\nlook answered: 42");
	http_answer_done(&answer);
	answer = callf(&mock,
		"{\"model\":\"m\",\"input\":[{\"type\":"
		"\"item_reference\",\"id\":\"fc_%s\"}]}",
		"unknown");
	assert_int_equal(answer.status, 404);
	http_answer_done(&answer);
	free(item_id);
	free(call_id);
	mock_stop(&mock);
}

static void a_response_is_stored_until_it_is_deleted(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;
	char *id, *path;

	mock_start(&mock, "{}");
	answer = openai_call(&mock, "POST", RESPONSES, INPUT(""));
	id = copy_at(&answer, "id");
	path = mem_textf(RESPONSES "/%s", id);
	answer = openai_call(&mock, "GET", path, NULL);
	assert_string_equal(openai_text(&answer, "id"), id);
	assert_string_equal(
		openai_text(&answer, "output.0.content.0.text"), "You said: hello");
	http_answer_done(&answer);
	answer = openai_call(&mock, "DELETE", path, NULL);
	assert_true(cJSON_IsTrue(json_get(answer.body, "deleted")));
	http_answer_done(&answer);
	answer = openai_call(&mock, "GET", path, NULL);
	assert_int_equal(answer.status, 404);
	http_answer_done(&answer);
	free(path);
	free(id);
	mock_stop(&mock);
}

static void a_response_is_not_stored_if_that_is_asked(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;
	char *id;

	mock_start(&mock, "{}");
	answer = openai_call(&mock, "POST", RESPONSES, INPUT(",\"store\":false"));
	assert_true(cJSON_IsFalse(json_get(answer.body, "store")));
	id = copy_at(&answer, "id");
	answer = callf(&mock,
		"{\"model\":\"m\",\"input\":\"x\",\"previous_response_id\":\"%s\"}",
		id);
	assert_int_equal(answer.status, 400);
	assert_string_equal(
		openai_text(&answer, "error.code"), "previous_response_not_found");
	http_answer_done(&answer);
	free(id);
	mock_stop(&mock);
}

static void a_reset_forgets_the_responses(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;
	char *id, *path;

	mock_start(&mock, "{}");
	answer = openai_call(&mock, "POST", RESPONSES, INPUT(""));
	id = copy_at(&answer, "id");
	path = mem_textf(RESPONSES "/%s", id);
	assert_int_equal(mock_control(&mock, "POST", "/control/reset", "{}"), 200);
	answer = openai_call(&mock, "GET", path, NULL);
	assert_int_equal(answer.status, 404);
	http_answer_done(&answer);
	free(path);
	free(id);
	mock_stop(&mock);
}

static void the_input_of_a_response_is_listed_by_page(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;
	char *id, *path;

	mock_start(&mock, "{}");
	answer = openai_call(&mock, "POST", RESPONSES,
		"{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"one\"},"
		"{\"role\":\"assistant\",\"content\":\"two\"},"
		"{\"role\":\"user\",\"content\":\"three\"}]}");
	id = copy_at(&answer, "id");
	path = mem_textf(RESPONSES "/%s/input_items?limit=2", id);
	answer = openai_call(&mock, "GET", path, NULL);
	assert_string_equal(openai_text(&answer, "data.0.content.0.text"), "three");
	assert_string_equal(openai_text(&answer, "data.1.content.0.text"), "two");
	assert_true(cJSON_IsTrue(json_get(answer.body, "has_more")));
	free(path);
	path = mem_textf(RESPONSES "/%s/input_items?limit=2&after=%s", id,
		openai_text(&answer, "last_id"));
	http_answer_done(&answer);
	answer = openai_call(&mock, "GET", path, NULL);
	assert_string_equal(openai_text(&answer, "data.0.content.0.text"), "one");
	assert_true(cJSON_IsFalse(json_get(answer.body, "has_more")));
	http_answer_done(&answer);
	free(path);
	path = mem_textf(RESPONSES "/%s/input_items?order=asc&after=msg_x", id);
	answer = openai_call(&mock, "GET", path, NULL);
	assert_int_equal(answer.status, 404);
	http_answer_done(&answer);
	free(path);
	free(id);
	mock_stop(&mock);
}

/* Asks for the response until it has this status. */
static void wait_status(struct mock_program *mock, const char *path, const char *status)
{
	const int64_t end_ns = clock_now() + 10 * CLOCK_S;
	bool reached = false;

	while (!reached) {
		struct http_answer answer = openai_call(mock, "GET", path, NULL);

		assert_true(clock_now() < end_ns);
		reached = strcmp(openai_text(&answer, "status"), status) == 0;
		http_answer_done(&answer);
	}
}

static char *begin_background(struct mock_program *mock)
{
	struct http_answer answer =
		openai_call(mock, "POST", RESPONSES, INPUT(",\"background\":true"));
	SCOPED(mem_free) char *id = NULL;

	assert_string_equal(openai_text(&answer, "status"), "queued");
	id = copy_at(&answer, "id");
	return mem_textf(RESPONSES "/%s", id);
}

static void a_response_in_the_background_is_completed_without_its_client(
	void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;
	char *path;

	mock_start(&mock, "{\"first_byte\":{\"latency\":\"20ms\"}}");
	path = begin_background(&mock);
	wait_status(&mock, path, "completed");
	answer = openai_call(&mock, "GET", path, NULL);
	assert_string_equal(
		openai_text(&answer, "output.0.content.0.text"), "You said: hello");
	http_answer_done(&answer);
	(void)mock_wait_event(&mock, "agent.turn.end");
	free(path);
	mock_stop(&mock);
}

static void a_response_in_the_background_fails_by_the_fault(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;
	char *path;

	mock_start(&mock, "{\"first_byte\":{\"fault\":\"error\"}}");
	path = begin_background(&mock);
	wait_status(&mock, path, "failed");
	answer = openai_call(&mock, "GET", path, NULL);
	assert_string_equal(openai_text(&answer, "error.code"), "server_error");
	assert_null(json_at(answer.body, "output.0"));
	http_answer_done(&answer);
	free(path);
	mock_stop(&mock);
}

static void a_response_in_the_background_can_be_cancelled(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;
	SCOPED(mem_free) char *path = NULL, *cancel = NULL, *other = NULL;

	mock_start(&mock, "{\"first_byte\":{\"fault\":\"hang\"}}");
	path = begin_background(&mock);
	cancel = mem_textf("%s/cancel", path);
	for (unsigned i = 0; i < 2; i++) {
		answer = openai_call(&mock, "POST", cancel, NULL);
		assert_int_equal(answer.status, 200);
		assert_string_equal(openai_text(&answer, "status"), "cancelled");
		http_answer_done(&answer);
	}
	assert_non_null(
		strstr(mock_wait_event(&mock, "agent.turn.end"), "interrupted"));
	/* One that is deleted, and one that is left at the end. */
	other = begin_background(&mock);
	answer = openai_call(&mock, "DELETE", other, NULL);
	assert_int_equal(answer.status, 200);
	http_answer_done(&answer);
	answer = openai_call(&mock, "GET", other, NULL);
	assert_int_equal(answer.status, 404);
	http_answer_done(&answer);
	free(begin_background(&mock));
	mock_stop(&mock);
}

static void a_response_that_was_waited_for_cannot_be_cancelled(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;
	SCOPED(mem_free) char *id = NULL, *cancel = NULL;

	mock_start(&mock, "{}");
	answer = openai_call(&mock, "POST", RESPONSES, INPUT(""));
	id = copy_at(&answer, "id");
	cancel = mem_textf(RESPONSES "/%s/cancel", id);
	answer = openai_call(&mock, "POST", cancel, NULL);
	assert_int_equal(answer.status, 400);
	http_answer_done(&answer);
	mock_stop(&mock);
}

static void a_session_is_whom_the_request_names(void **state UNUSED)
{
	static const struct {
		const char *path, *body, *by;
	} rows[] = {
		{RESPONSES, INPUT(""), "\"connection\""},
		{RESPONSES, INPUT(",\"user\":\"ann\""), "\"user\""},
		{RESPONSES, INPUT(",\"safety_identifier\":\"bob\""), "\"user\""},
		{"/room/7" RESPONSES, INPUT(""), "\"path\""},
	};
	struct mock_program mock;

	mock_start(&mock, "{}");
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct http_answer answer =
			openai_call(&mock, "POST", rows[i].path, rows[i].body);
		const char *line = mock_wait_event(&mock, "agent.session.opened");

		assert_int_equal(answer.status, 200);
		assert_non_null(strstr(line, "\"api\":\"responses\""));
		if (!strstr(line, rows[i].by))
			fail_msg("not by %s: %s", rows[i].by, line);
		http_answer_done(&answer);
	}
	mock_stop(&mock);
}

static void what_is_too_long_is_not_repeated(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;
	struct buf body = {0};

	mock_start(&mock, "{}");
	buf_adds(&body,
		"{\"model\":\"m\",\"input\":\"hello\",\"user\":\"me\","
		"\"instructions\":\"");
	for (unsigned i = 0; i < 1 << 17; i++)
		buf_adds(&body, "be brief");
	buf_adds(&body, "\"}");
	answer = openai_call(&mock, "POST", RESPONSES, buf_text(&body));
	assert_int_equal(answer.status, 200);
	assert_true(cJSON_IsNull(json_get(answer.body, "instructions")));
	assert_string_equal(openai_text(&answer, "user"), "me");
	http_answer_done(&answer);
	buf_done(&body);
	mock_stop(&mock);
}

#define ITEMS(list) "{\"model\":\"m\",\"input\":[" list "]}"

/* A walk through all for each of them would take longer than a client waits. */
#define MANY 20000

#define MANY_CALL                                                                      \
	"{\"type\":\"function_call\",\"call_id\":\"c%d\",\"name\":\"f\","              \
	"\"arguments\":\"{}\"},"
#define MANY_OUTPUT                                                                    \
	"{\"type\":\"function_call_output\",\"call_id\":\"c%d\",\"output\":\"x\"},"

static void many_calls_and_outputs_are_answered(void **state UNUSED)
{
	SCOPED(buf_done) struct buf body = {0};
	struct mock_program mock;
	struct http_answer answer;

	buf_init(&body, (size_t)16 << 20);
	buf_adds(&body, "{\"model\":\"m\",\"input\":[");
	for (int i = 0; i < MANY; i++)
		buf_addf(&body, MANY_CALL, i);
	for (int i = MANY - 1; i >= 0; i--)
		buf_addf(&body, MANY_OUTPUT, i);
	buf_adds(&body, "{\"role\":\"user\",\"content\":\"done?\"}]}");
	mock_start(&mock, "{}");
	answer = openai_call(&mock, "POST", RESPONSES, buf_text(&body));
	assert_int_equal(answer.status, 200);
	assert_string_equal(
		openai_text(&answer, "output.0.content.0.text"), "You said: done?");
	http_answer_done(&answer);
	mock_stop(&mock);
}

static void a_response_that_makes_no_sense_is_refused(void **state UNUSED)
{
	static const struct refusal rows[] = {
		{"[]", 400, NULL, NULL, "a list"},
		{"{\"input\":\"x\"}", 400, "model", "missing_required_parameter",
			"no model"},
		{"{\"model\":\"m\"}", 400, "input", "missing_required_parameter",
			"no input"},
		{"{\"model\":\"m\",\"input\":7}", 400, "input", "invalid_type",
			"a number as input"},
		{ITEMS("\"x\""), 400, "input[0]", "invalid_type", "an item is a text"},
		{ITEMS("{\"type\":5}"), 400, "input[0].type", "invalid_type",
			"a number as type"},
		{ITEMS("{\"content\":\"x\"}"), 400, "input[0].role",
			"missing_required_parameter", "no role"},
		{ITEMS("{\"role\":\"tool\",\"content\":\"x\"}"), 400, "input[0].role",
			"invalid_value", "a role of chat"},
		{ITEMS("{\"role\":\"user\"}"), 400, "input[0].content",
			"missing_required_parameter", "no content"},
		{ITEMS("{\"role\":\"user\",\"content\":{}}"), 400, "input[0].content",
			"invalid_type", "an object as content"},
		{ITEMS("{\"type\":\"function_call_output\",\"call_id\":\"call_1\","
		       "\"output\":\"x\"}"),
			400, "input", NULL, "a result without a call"},
		{ITEMS("{\"type\":\"function_call_output\",\"call_id\":\"call_1\","
		       "\"output\":\"x\"},{\"type\":\"function_call\",\"call_id\":"
		       "\"call_1\",\"name\":\"f\",\"arguments\":\"{}\"}"),
			400, "input", NULL, "an output before its call"},
		{ITEMS("{\"type\":\"function_call\",\"call_id\":\"call_1\",\"name\":"
		       "\"look\",\"arguments\":\"{}\"}"),
			400, "input", NULL, "a call without a result"},
		{INPUT(",\"previous_response_id\":\"resp_x\""), 400,
			"previous_response_id", "previous_response_not_found",
			"an unknown one before"},
		{INPUT(",\"max_output_tokens\":3"), 400, "max_output_tokens",
			"integer_below_min_value", "too few tokens"},
		{INPUT(",\"background\":true,\"store\":false"), 400, "background",
			"invalid_value", "to be lost"},
		{INPUT(",\"conversation\":\"conv_1\""), 400, "conversation",
			"unsupported_parameter", "what is not there"},
		{INPUT(",\"tools\":[{\"type\":\"function\"}]"), 400, "tools[0].name",
			"missing_required_parameter", "a tool without a name"},
		{INPUT(",\"tool_choice\":{\"type\":\"function\",\"name\":\"b\"}"), 400,
			"tool_choice", NULL, "a tool that is not there"},
		{INPUT(",\"text\":{\"format\":{\"type\":\"json_schema\"}}"), 400,
			"text.format.schema", "missing_required_parameter",
			"no schema"},
	};
	struct mock_program mock;

	mock_start(&mock, "{}");
	for (unsigned i = 0; i < COUNT(rows); i++)
		openai_assert_refused(&mock, RESPONSES, &rows[i]);
	mock_stop(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_response_is_answered_whole),
		cmocka_unit_test(a_response_streams_its_events_in_order),
		cmocka_unit_test(a_response_streams_a_call),
		cmocka_unit_test(a_response_continues_the_one_before),
		cmocka_unit_test(an_item_can_be_named_by_its_id),
		cmocka_unit_test(a_response_is_stored_until_it_is_deleted),
		cmocka_unit_test(a_response_is_not_stored_if_that_is_asked),
		cmocka_unit_test(a_reset_forgets_the_responses),
		cmocka_unit_test(the_input_of_a_response_is_listed_by_page),
		cmocka_unit_test(
			a_response_in_the_background_is_completed_without_its_client),
		cmocka_unit_test(a_response_in_the_background_fails_by_the_fault),
		cmocka_unit_test(a_response_in_the_background_can_be_cancelled),
		cmocka_unit_test(a_response_that_was_waited_for_cannot_be_cancelled),
		cmocka_unit_test(a_session_is_whom_the_request_names),
		cmocka_unit_test(what_is_too_long_is_not_repeated),
		cmocka_unit_test(many_calls_and_outputs_are_answered),
		cmocka_unit_test(a_response_that_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
