#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "mock-agent/test/openai_client.h"

#define HELLO      "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]"
#define CHAT_HELLO "{\"model\":\"gpt-5.1\"," HELLO "}"

static void a_chat_is_answered_whole(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;

	mock_start(&mock, "{}");
	answer = openai_call(&mock, "POST", CHAT, CHAT_HELLO);
	assert_int_equal(answer.status, 200);
	assert_non_null(strcasestr(answer.headers, "x-request-id: req_"));
	assert_string_equal(openai_text(&answer, "object"), "chat.completion");
	assert_string_equal(openai_text(&answer, "model"), "gpt-5.1");
	assert_string_equal(
		openai_text(&answer, "choices.0.message.content"), "You said: hello");
	assert_string_equal(openai_text(&answer, "choices.0.finish_reason"), "stop");
	assert_null(json_at(answer.body, "choices.0.message.tool_calls"));
	http_answer_done(&answer);
	mock_stop(&mock);
}

#define FUNCTION(name)                                                                 \
	"{\"type\":\"function\",\"function\":{\"name\":\"" name "\",\"parameters\":"   \
	"{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},"        \
	"\"required\":[\"city\"]}}}"
#define CALL                                                                           \
	"{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\"," \
	"\"type\":\"function\",\"function\":{\"name\":\"look\",\"arguments\":\"{}\"}}]}"

static void a_chat_that_is_stopped_at_once_has_an_empty_text(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;
	char *text;

	mock_start(&mock, "{}");
	answer = openai_call(
		&mock, "POST", CHAT, "{\"model\":\"m\",\"stop\":\"You\"," HELLO "}");
	assert_string_equal(openai_text(&answer, "choices.0.message.content"), "");
	http_answer_done(&answer);
	text = openai_stream(&mock, CHAT,
		"{\"model\":\"m\",\"stop\":\"You\",\"stream\":true," HELLO "}");
	assert_int_equal(openai_count(text, "data: "), 3);
	free(text);
	mock_stop(&mock);
}

static void a_chat_calls_a_tool_and_tells_its_result(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;

	mock_start(&mock, "{\"tools\":1}");
	answer = openai_call(&mock, "POST", CHAT,
		"{\"model\":\"m\"," HELLO ",\"tools\":[" FUNCTION("look") "]}");
	assert_string_equal(
		openai_text(&answer, "choices.0.finish_reason"), "tool_calls");
	assert_true(cJSON_IsNull(json_at(answer.body, "choices.0.message.content")));
	assert_string_equal(
		openai_text(&answer, "choices.0.message.tool_calls.0.function.name"),
		"look");
	assert_string_equal(
		openai_text(
			&answer, "choices.0.message.tool_calls.0.function.arguments"),
		"{\"city\":\"hello\"}");
	http_answer_done(&answer);
	answer = openai_call(&mock, "POST", CHAT,
		"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
		"\"hello\"}," CALL ",{\"role\":\"tool\",\"tool_call_id\":\"call_1\","
		"\"content\":\"42\"}],\"tools\":[" FUNCTION("look") "]}");
	assert_string_equal(openai_text(&answer, "choices.0.message.content"),
		"You said: hello\nlook answered: 42");
	http_answer_done(&answer);
	mock_stop(&mock);
}

static void a_chat_streams_chunks_and_ends_with_done(void **state UNUSED)
{
	static const char *const parts[] = {"data: {\"id\":\"chatcmpl-",
		"\"role\":\"assistant\",\"content\":\"\"",
		"\"delta\":{\"content\":\"You s\"}", "\"finish_reason\":null}]}\n\n",
		"\"delta\":{\"content\":\"aid: \\\"\"}", "\"delta\":{}",
		"\"finish_reason\":\"stop\"", "}\n\ndata: [DONE]\n\n", NULL};
	struct mock_program mock;
	char *text;

	mock_start(&mock, "{\"chunks\":2}");
	text = openai_stream(&mock, CHAT,
		"{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\","
		"\"content\":\"\\\"\"}]}");
	openai_assert_order(text, parts);
	assert_int_equal(openai_count(text, "data: "), 5);
	assert_null(strstr(text, "usage"));
	assert_null(strstr(text, "event:"));
	free(text);
	mock_stop(&mock);
}

static void a_chat_streams_its_usage_if_asked_to(void **state UNUSED)
{
	static const char *const parts[] = {"\"finish_reason\":\"stop\"",
		"\"usage\":null}\n\n",
		"\"choices\":[],\"usage\":{\"prompt_tokens\":", "data: [DONE]", NULL};
	struct mock_program mock;
	char *text;

	mock_start(&mock, "{}");
	text = openai_stream(&mock, CHAT,
		"{\"model\":\"m\",\"stream\":true,"
		"\"stream_options\":{\"include_usage\":true}," HELLO "}");
	openai_assert_order(text, parts);
	free(text);
	mock_stop(&mock);
}

static void a_chat_streams_the_arguments_of_a_call(void **state UNUSED)
{
	static const char *const parts[] = {"\"content\":null",
		"\"tool_calls\":[{\"index\":0,\"id\":\"call_",
		"\"function\":{\"name\":\"look\",\"arguments\":\"\"}",
		"\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
		"\"{\\\"city\\\":\\\"hello\\\"}\"}}]",
		"\"finish_reason\":\"tool_calls\"", "data: [DONE]", NULL};
	struct mock_program mock;
	char *text;

	mock_start(&mock, "{\"tools\":1}");
	text = openai_stream(&mock, CHAT,
		"{\"model\":\"m\",\"stream\":true," HELLO
		",\"tools\":[" FUNCTION("look") "]}");
	openai_assert_order(text, parts);
	free(text);
	mock_stop(&mock);
}

#define MESSAGES(list) "{\"model\":\"m\",\"messages\":[" list "]}"
#define WITH(more)     "{\"model\":\"m\"," HELLO "," more "}"

#define SHORT "0123456789abcdef0123456789abcdef"
#define LONG  SHORT SHORT SHORT SHORT SHORT

static void a_chat_that_makes_no_sense_is_refused(void **state UNUSED)
{
	static const struct refusal rows[] = {
		{"{", 400, NULL, NULL, "no JSON"},
		{"{" HELLO "}", 400, NULL, NULL, "no model"},
		{"{\"model\":\"m\"}", 400, "messages", "missing_required_parameter",
			"no messages"},
		{"{\"model\":\"m\",\"messages\":\"hi\"}", 400, "messages",
			"invalid_type", "messages are a text"},
		{MESSAGES(""), 400, "messages", "empty_array", "no message"},
		{MESSAGES("\"hi\""), 400, "messages[0]", "invalid_type",
			"a message is a text"},
		{MESSAGES("{\"content\":\"hi\"}"), 400, "messages[0].role",
			"missing_required_parameter", "no role"},
		{MESSAGES("{\"role\":\"robot\",\"content\":\"hi\"}"), 400,
			"messages[0].role", "invalid_value", "an unknown role"},
		{MESSAGES("{\"role\":\"user\"}"), 400, "messages[0].content",
			"missing_required_parameter", "no content"},
		{MESSAGES("{\"role\":\"user\",\"content\":5}"), 400,
			"messages[0].content", "invalid_type", "a number as content"},
		{MESSAGES("{\"role\":\"tool\",\"tool_call_id\":\"call_1\","
			  "\"content\":\"42\"}"),
			400, "messages.[0].role", NULL, "a result without a call"},
		{MESSAGES(CALL ",{\"role\":\"user\",\"content\":\"hi\"}"), 400,
			"messages.[0].role", NULL, "a call without a result"},
		{WITH("\"temperature\":2.5"), 400, "temperature",
			"decimal_above_max_value", "too hot"},
		{WITH("\"top_p\":-1"), 400, "top_p", "decimal_below_min_value",
			"a negative share"},
		{WITH("\"max_tokens\":0"), 400, "max_tokens", "integer_below_min_value",
			"no token"},
		{WITH("\"max_completion_tokens\":1.5"), 400, "max_completion_tokens",
			"invalid_type", "half a token"},
		{"{\"model\":\"" LONG LONG "\"," HELLO "}", 400, "model",
			"string_above_max_length", "a long name"},
		{WITH("\"n\":2"), 400, "n", "unsupported_value", "two choices"},
		{WITH("\"stop\":[1]"), 400, "stop", "invalid_type", "a number as stop"},
		{WITH("\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]"), 400, "stop",
			"array_above_max_length", "five stops"},
		{WITH("\"tools\":{}"), 400, "tools", "invalid_type",
			"tools are an object"},
		{WITH("\"tools\":[{}]"), 400, "tools[0].type",
			"missing_required_parameter", "a tool without type"},
		{WITH("\"tools\":[" FUNCTION("a") "," FUNCTION("b c") "]"), 400,
			"tools[1].function.name", "invalid_value", "a blank in a name"},
		{WITH("\"tool_choice\":\"required\""), 400, "tool_choice", NULL,
			"a choice without tools"},
		{WITH("\"tool_choice\":\"perhaps\""), 400, "tool_choice",
			"invalid_value", "an unknown choice"},
		{WITH("\"tools\":[" FUNCTION(
			 "a") "],\"tool_choice\":{\"type\":"
			      "\"function\",\"function\":{\"name\":\"b\"}}"),
			400, "tool_choice", NULL, "a tool that is not there"},
		{WITH("\"response_format\":{\"type\":\"xml\"}"), 400, "response_format",
			"invalid_value", "an unknown format"},
		{WITH("\"response_format\":{\"type\":\"json_schema\"}"), 400,
			"response_format.json_schema", "missing_required_parameter",
			"no schema"},
		{WITH("\"response_format\":{\"type\":\"json_object\"}"), 400,
			"messages", NULL, "nobody says JSON"},
	};
	struct mock_program mock;

	mock_start(&mock, "{}");
	for (unsigned i = 0; i < COUNT(rows); i++)
		openai_assert_refused(&mock, CHAT, &rows[i]);
	mock_stop(&mock);
}

static void refusals_of_the_router_have_the_shape_of_the_client(void **state UNUSED)
{
	static const struct {
		const char *method, *path, *headers;
		int status;
		const char *type, *code;
	} rows[] = {
		{"POST", CHAT, "", 401, "invalid_request_error", "invalid_api_key"},
		{"GET", "/v1/nothing", "authorization: Bearer s3cret\r\n", 404,
			"invalid_request_error", NULL},
		{"GET", CHAT, "authorization: Bearer s3cret\r\n", 405,
			"invalid_request_error", "method_not_supported"},
		{"GET", "/v1/models/m", "authorization: Bearer s3cret\r\n", 404,
			"invalid_request_error", "model_not_found"},
		{"GET", "/v1/models/m", "authorization: Bearer s3cret\r\n" VERSION, 404,
			"not_found_error", NULL},
		{"GET", "/v1/nothing", "authorization: Bearer s3cret\r\n" VERSION, 404,
			"not_found_error", NULL},
		{"GET", "/v1/responses/", "x-api-key: s3cret\r\n", 404,
			"invalid_request_error", NULL},
		{"GET", "/room/7/v1/responses/", "", 404, "invalid_request_error",
			NULL},
		{"GET", "/v1/chat/nothing", "", 404, "invalid_request_error", NULL},
		{"PUT", RESPONSES, "x-api-key: s3cret\r\n", 405,
			"invalid_request_error", "method_not_supported"},
		{"GET", "/v1/responses/", VERSION, 404, "not_found_error", NULL},
		{"GET", "/v1/responsesnot", "", 404, "not_found_error", NULL},
	};
	struct mock_program mock;

	setenv("MOCK_AGENT_KEY", "s3cret", 1);
	mock_start(&mock, "{}");
	unsetenv("MOCK_AGENT_KEY");
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct http_client client;
		struct http_answer answer;
		const char *code;

		http_open(&client, mock.port);
		http_send(&client, rows[i].method, rows[i].path, rows[i].headers,
			strcmp(rows[i].method, "POST") == 0 ? "{}" : NULL);
		answer = http_answer(&client);
		code = openai_text(&answer, "error.code");
		if (answer.status != rows[i].status)
			fail_msg("%u: %d", i, answer.status);
		assert_string_equal(openai_text(&answer, "error.type"), rows[i].type);
		assert_string_equal(code ? code : "", rows[i].code ? rows[i].code : "");
		http_answer_done(&answer);
		http_close(&client);
	}
	mock_stop(&mock);
}

static void models_have_the_shape_of_the_client(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;

	mock_start(&mock, "{}");
	answer = openai_call(&mock, "GET", "/v1/models", NULL);
	assert_string_equal(openai_text(&answer, "object"), "list");
	assert_string_equal(openai_text(&answer, "data.0.object"), "model");
	assert_true(cJSON_IsNumber(json_at(answer.body, "data.0.created")));
	http_answer_done(&answer);
	answer = mock_call(&mock, "GET", "/v1/models", NULL);
	assert_string_equal(openai_text(&answer, "data.0.type"), "model");
	assert_true(cJSON_IsString(json_at(answer.body, "data.0.created_at")));
	http_answer_done(&answer);
	mock_stop(&mock);
}

/* A walk through all for each of them would take longer than a client waits. */
#define MANY 20000

static void many_calls_of_a_chat_are_answered(void **state UNUSED)
{
	SCOPED(buf_done) struct buf body = {0};
	struct mock_program mock;
	struct http_answer answer;

	buf_init(&body, (size_t)16 << 20);
	buf_adds(&body,
		"{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\","
		"\"tool_calls\":[");
	for (int i = 0; i < MANY; i++)
		buf_addf(&body,
			"%s{\"id\":\"c%d\",\"type\":\"function\",\"function\":"
			"{\"name\":\"f\",\"arguments\":\"{}\"}}",
			i > 0 ? "," : "", i);
	buf_adds(&body, "]}");
	for (int i = MANY - 1; i >= 0; i--)
		buf_addf(&body,
			",{\"role\":\"tool\",\"tool_call_id\":\"c%d\",\"content\":"
			"\"x\"}",
			i);
	buf_adds(&body, ",{\"role\":\"user\",\"content\":\"done?\"}]}");
	mock_start(&mock, "{}");
	answer = openai_call(&mock, "POST", CHAT, buf_text(&body));
	assert_int_equal(answer.status, 200);
	assert_string_equal(
		openai_text(&answer, "choices.0.message.content"), "You said: done?");
	http_answer_done(&answer);
	mock_stop(&mock);
}

/* The fault of a phase, as `path` answers it. */
static void assert_fault(struct mock_program *mock, const char *path, const char *body)
{
	struct http_answer answer;
	char *text;

	assert_int_equal(mock_control(mock, "PUT", "/control/behavior",
				 "{\"messages\":{\"fault\":\"error\",\"status\":429,"
				 "\"retry_after\":\"7s\",\"times\":1},\"chunk\":"
				 "{\"fault\":\"error\"},\"chunks\":2}"),
		200);
	answer = openai_call(mock, "POST", path, body);
	assert_int_equal(answer.status, 429);
	assert_non_null(strcasestr(answer.headers, "retry-after: 7"));
	assert_string_equal(openai_text(&answer, "error.code"), "rate_limit_exceeded");
	http_answer_done(&answer);
	text = openai_stream(mock, path, body);
	assert_non_null(strstr(text, "server_error"));
	assert_non_null(strstr(text, "The chunk fault was asked for."));
	assert_null(strstr(text, "[DONE]"));
	assert_null(strstr(text, "completed\",\"error\":null"));
	free(text);
}

static void faults_have_the_shape_of_the_api(void **state UNUSED)
{
	struct mock_program mock;

	mock_start(&mock, "{}");
	assert_fault(&mock, CHAT, "{\"model\":\"m\",\"stream\":true," HELLO "}");
	assert_fault(&mock, RESPONSES,
		"{\"model\":\"m\",\"stream\":true,\"input\":\"hello\"}");
	mock_stop(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chat_is_answered_whole),
		cmocka_unit_test(a_chat_that_is_stopped_at_once_has_an_empty_text),
		cmocka_unit_test(a_chat_calls_a_tool_and_tells_its_result),
		cmocka_unit_test(a_chat_streams_chunks_and_ends_with_done),
		cmocka_unit_test(a_chat_streams_its_usage_if_asked_to),
		cmocka_unit_test(a_chat_streams_the_arguments_of_a_call),
		cmocka_unit_test(a_chat_that_makes_no_sense_is_refused),
		cmocka_unit_test(refusals_of_the_router_have_the_shape_of_the_client),
		cmocka_unit_test(models_have_the_shape_of_the_client),
		cmocka_unit_test(many_calls_of_a_chat_are_answered),
		cmocka_unit_test(faults_have_the_shape_of_the_api),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
