#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-mcp/test/scene.h"

#define ALL "{\"features\": \"all\"}"
#define META(capabilities)                                                             \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","       \
	"\"io.modelcontextprotocol/clientCapabilities\":" capabilities "}"
#define REQUEST(id, method, params)                                                    \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method                      \
	"\",\"params\":{" params "}}"
#define TOOL(id, name, arguments)                                                      \
	REQUEST(id, "tools/call", "\"name\":\"" name "\",\"arguments\":" arguments)
#define MODERN_TOOL(id, name, capabilities, more)                                      \
	REQUEST(id, "tools/call",                                                      \
		META(capabilities) ",\"name\":\"" name "\",\"arguments\":{}" more)

static cJSON *ask(struct mcp_scene *scene, const char *request)
{
	scene_send(scene, request);
	return scene_answer(scene);
}

static const char *text_at(const cJSON *answer, const char *path)
{
	const cJSON *node = json_at(answer, path);

	assert_true(cJSON_IsString(node));
	return node->valuestring;
}

static int code_of(const cJSON *answer)
{
	return (int)json_int(json_get(answer, "error"), "code", 0);
}

/* A client that can do all that it may be asked for. */
static struct mcp_scene *begin_capable(void **state)
{
	struct mcp_scene *scene = scene_begin(state, ALL);

	cJSON_Delete(ask(scene,
		REQUEST("0", "initialize",
			"\"protocolVersion\":\"2025-11-25\",\"capabilities\":{"
			"\"sampling\":{},\"elicitation\":{},\"roots\":{}},"
			"\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}")));
	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
	return scene;
}

static void features_are_there_when_asked_for(void **state)
{
	static const char *const methods[] = {"resources/list", "resources/read",
		"resources/subscribe", "prompts/list", "completion/complete"};
	struct mcp_scene *scene = scene_begin(state, NULL);
	cJSON *answer;

	scene_greet(scene);
	for (unsigned i = 0; i < COUNT(methods); i++) {
		scene_sendf(scene, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}",
			methods[i]);
		answer = scene_answer(scene);
		assert_int_equal(code_of(answer), -32601);
		cJSON_Delete(answer);
	}
	answer = ask(scene, REQUEST("1", "tools/list", ""));
	assert_int_equal(cJSON_GetArraySize(json_at(answer, "result.tools")), 4);
	cJSON_Delete(answer);
	answer = ask(scene, TOOL("1", "test_simple_text", "{}"));
	assert_int_equal(code_of(answer), -32602);
	cJSON_Delete(answer);
}

static void requests_have_their_answers(void **state)
{
	static const struct {
		const char *request, *path, *text; /* path NULL: text is the code */
	} rows[] = {
		{REQUEST("1", "resources/list", ""), "result.resources.0.uri",
			"test://static-text"},
		{REQUEST("1", "resources/templates/list", ""),
			"result.resourceTemplates.0.uriTemplate",
			"test://template/{id}/data"},
		{REQUEST("1", "resources/read", "\"uri\":\"test://template/7/data\""),
			"result.contents.0.text",
			"{\"id\":\"7\",\"templateTest\":true,\"data\":\"Data for ID: 7\"}"},
		{REQUEST("1", "resources/read", "\"uri\":\"test://template//data\""),
			NULL, "-32002"},
		{REQUEST("1", "resources/read", "\"uri\":\"test://nothing\""), NULL,
			"-32002"},
		{REQUEST("1", "resources/read",
			 META("{}") ",\"uri\":\"test://nothing\""),
			NULL, "-32602"},
		{REQUEST("1", "resources/read", "\"uri\":7"), NULL, "-32602"},
		{REQUEST("1", "resources/list", "\"cursor\":\"2\""), NULL, "-32602"},
		{REQUEST("1", "resources/read",
			 META("{}") ",\"uri\":\"test://static-text\""),
			"result.cacheScope", "private"},
		{REQUEST("1", "prompts/get",
			 "\"name\":\"test_prompt_with_arguments\",\"arguments\":{"
			 "\"arg1\":\"a\",\"arg2\":\"b\"}"),
			"result.messages.0.content.text",
			"Prompt with arguments: arg1='a', arg2='b'"},
		{REQUEST("1", "prompts/get",
			 "\"name\":\"test_prompt_with_arguments\",\"arguments\":{"
			 "\"arg1\":\"a\"}"),
			NULL, "-32602"},
		{REQUEST("1", "prompts/get", "\"name\":\"nothing\""), NULL, "-32602"},
		{REQUEST("1", "completion/complete",
			 "\"ref\":{\"type\":\"ref/resource\",\"uri\":"
			 "\"test://template/{id}/data\"},\"argument\":{\"name\":\"id\","
			 "\"value\":\"12\"}"),
			"result.completion.values.1", "124"},
		{REQUEST("1", "completion/complete",
			 "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"nothing\"},"
			 "\"argument\":{\"name\":\"id\",\"value\":\"12\"}"),
			NULL, "-32602"},
		{TOOL("1", "describe_numbers", "{\"numbers\":[2,4]}"),
			"result.content.0.text",
			"{\"count\":2,\"least\":2,\"most\":4,\"mean\":3}"},
		{TOOL("1", "describe_numbers", "{\"numbers\":[]}"),
			"result.content.0.text", "numbers: expected a list of numbers"},
		{TOOL("1", "describe_numbers", "{\"numbers\":[1,\"2\"]}"),
			"result.content.0.text", "numbers: expected a list of numbers"},
		{REQUEST("1", "subscriptions/listen", META("{}")), NULL, "-32602"},
		{REQUEST("1", "resources/subscribe", "\"uri\":7"), NULL, "-32602"},
	};
	struct mcp_scene *scene = begin_capable(state);

	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(json_free) cJSON *answer = ask(scene, rows[i].request);

		if (rows[i].path)
			assert_string_equal(
				text_at(answer, rows[i].path), rows[i].text);
		else
			assert_int_equal(code_of(answer), atoi(rows[i].text));
	}
}

static void log_messages_begin_at_the_level_of_the_client(void **state)
{
	struct mcp_scene *scene = begin_capable(state);

	for (unsigned i = 0; i < 3; i++) {
		SCOPED(json_free)
		cJSON *line = i == 0
			? ask(scene, TOOL("1", "test_tool_with_logging", "{}"))
			: scene_answer(scene);

		assert_string_equal(json_text(line, "method"), "notifications/message");
	}
	cJSON_Delete(scene_answer(scene));
	cJSON_Delete(
		ask(scene, REQUEST("2", "logging/setLevel", "\"level\":\"warning\"")));
	scene_send(scene, TOOL("3", "test_tool_with_logging", "{}"));
	{
		SCOPED(json_free) cJSON *answer = scene_answer(scene);

		assert_int_equal(json_int(answer, "id", 0), 3);
	}
}

static void progress_is_reported_to_those_who_ask(void **state)
{
	struct mcp_scene *scene = begin_capable(state);
	SCOPED(json_free) cJSON *first = NULL, *last = NULL;
	const char *line;

	scene_send(scene,
		REQUEST("1", "tools/call",
			"\"name\":\"count_slowly\",\"arguments\":{\"steps\":1},"
			"\"_meta\":{\"progressToken\":12345678901234567}"));
	line = scene_line(scene);
	assert_non_null(strstr(line, "\"progressToken\":12345678901234567}"));
	first = json_parse(line, strlen(line));
	assert_string_equal(json_text(first, "method"), "notifications/progress");
	assert_int_equal(json_int(json_get(first, "params"), "progress", 0), 1);
	cJSON_Delete(scene_answer(scene));
	last = ask(scene, TOOL("2", "count_slowly", "{\"steps\":1}"));
	assert_int_equal(json_int(last, "id", 0), 2);
}

/* The server's request, with its id as text. */
static char *question(struct mcp_scene *scene, const char *method)
{
	SCOPED(json_free) cJSON *request = scene_answer(scene);

	assert_string_equal(json_text(request, "method"), method);
	return json_print(json_get(request, "id"));
}

static void server_asks_its_client(void **state)
{
	struct mcp_scene *scene = begin_capable(state);
	SCOPED(json_free) cJSON *sampled = NULL, *refused = NULL;
	SCOPED(mem_free) char *one = NULL, *two = NULL;

	scene_send(scene, TOOL("1", "test_sampling", "{\"prompt\":\"hello?\"}"));
	one = question(scene, "sampling/createMessage");
	scene_send(scene, "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{}}");
	scene_sendf(scene,
		"{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"role\":\"assistant\","
		"\"content\":{\"type\":\"text\",\"text\":\"hi\"}}}",
		one);
	sampled = scene_answer(scene);
	assert_string_equal(
		text_at(sampled, "result.content.0.text"), "LLM response: hi");
	scene_send(scene, TOOL("2", "test_elicitation", "{\"message\":\"who?\"}"));
	two = question(scene, "elicitation/create");
	assert_string_not_equal(one, two);
	scene_sendf(scene,
		"{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-1,\"message\":"
		"\"busy\"}}",
		two);
	refused = scene_answer(scene);
	assert_true(cJSON_IsTrue(json_at(refused, "result.isError")));
	assert_string_equal(
		text_at(refused, "result.content.0.text"), "the client refused: busy");
	scene_ping(scene);
}

static void server_does_not_ask_who_cannot_answer(void **state)
{
	struct mcp_scene *scene = scene_begin(state, ALL);
	SCOPED(json_free) cJSON *answer = NULL, *modern = NULL;

	scene_greet(scene);
	answer = ask(scene, TOOL("1", "test_sampling", "{\"prompt\":\"x\"}"));
	assert_int_equal(code_of(answer), -32600);
	modern = ask(scene, MODERN_TOOL("2", "test_missing_capability", "{}", ""));
	assert_int_equal(code_of(modern), -32021);
	assert_true(cJSON_IsObject(
		json_at(modern, "error.data.requiredCapabilities.sampling")));
}

static void server_asks_through_its_answer_when_stateless(void **state)
{
	static const char can[] = "\"sampling\":{},\"elicitation\":{},\"roots\":{}";
	struct mcp_scene *scene = scene_begin(state, ALL);
	SCOPED(json_free) cJSON *first = NULL, *second = NULL, *wrong = NULL;
	SCOPED(mem_free) char *request = NULL;
	const char *brought;

	first = ask(scene,
		MODERN_TOOL("1", "test_input_required_result_request_state",
			"{\"elicitation\":{}}", ""));
	assert_string_equal(text_at(first, "result.resultType"), "input_required");
	assert_string_equal(text_at(first, "result.inputRequests.confirm.method"),
		"elicitation/create");
	brought = text_at(first, "result.requestState");
	request = mem_textf(
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{"
		"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
		"\"io.modelcontextprotocol/clientCapabilities\":{%s}},\"name\":"
		"\"test_input_required_result_request_state\",\"arguments\":{},"
		"\"inputResponses\":{\"confirm\":{\"action\":\"accept\"}},"
		"\"requestState\":\"%s\"}}",
		can, brought);
	second = ask(scene, request);
	assert_string_equal(text_at(second, "result.content.0.text"), "state-ok");
	*strstr(request, "asked.") = 'A';
	wrong = ask(scene, request);
	assert_int_equal(code_of(wrong), -32602);
}

static void subscribers_hear_of_changes(void **state)
{
	struct mcp_scene *scene = begin_capable(state);
	SCOPED(json_free) cJSON *heard = NULL, *answer = NULL;

	cJSON_Delete(ask(scene,
		REQUEST("1", "resources/subscribe",
			"\"uri\":\"test://watched-resource\"")));
	heard = ask(scene, TOOL("2", "touch_resource", "{}"));
	assert_string_equal(
		json_text(heard, "method"), "notifications/resources/updated");
	cJSON_Delete(scene_answer(scene));
	cJSON_Delete(ask(scene,
		REQUEST("3", "resources/unsubscribe",
			"\"uri\":\"test://watched-resource\"")));
	answer = ask(scene, TOOL("4", "touch_resource", "{}"));
	assert_int_equal(json_int(answer, "id", 0), 4);
}

static void listeners_hear_what_their_filter_has(void **state)
{
	struct mcp_scene *scene = scene_begin(state, ALL);
	SCOPED(json_free) cJSON *begun = NULL, *heard = NULL, *answer = NULL;

	begun = ask(scene,
		REQUEST("\"l\"", "subscriptions/listen",
			META("{}") ",\"notifications\":{\"toolsListChanged\":true}"));
	assert_string_equal(
		json_text(begun, "method"), "notifications/subscriptions/acknowledged");
	assert_true(
		cJSON_IsTrue(json_at(begun, "params.notifications.toolsListChanged")));
	answer = ask(scene, MODERN_TOOL("1", "test_trigger_prompt_change", "{}", ""));
	assert_int_equal(json_int(answer, "id", 0), 1);
	heard = ask(scene, MODERN_TOOL("2", "test_trigger_tool_change", "{}", ""));
	assert_string_equal(
		json_text(heard, "method"), "notifications/tools/list_changed");
	assert_string_equal(json_text(json_at(heard, "params._meta"),
				    "io.modelcontextprotocol/subscriptionId"),
		"l");
	cJSON_Delete(scene_answer(scene));
	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
		"\"params\":{\"requestId\":\"l\"}}");
	cJSON_Delete(answer);
	answer = ask(scene, MODERN_TOOL("3", "test_trigger_tool_change", "{}", ""));
	assert_int_equal(json_int(answer, "id", 0), 3);
}

/* One array, when the last of its requests is done; who is cancelled is not in it. */
static void batch_is_answered_when_all_of_it_is(void **state)
{
	struct mcp_scene *scene =
		scene_begin(state, "{\"features\": \"all\", \"tool\": \"100ms\"}");
	SCOPED(json_free) cJSON *answers = NULL;

	cJSON_Delete(ask(scene,
		REQUEST("0", "initialize",
			"\"protocolVersion\":\"2025-03-26\",\"capabilities\":{},"
			"\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}")));
	scene_send(scene,
		"[" TOOL("1", "echo", "{\"text\":\"a\"}") "," TOOL("2", "count_slowly",
			"{\"steps\":36000}") "," REQUEST("3", "ping", "") "]");
	scene_event(scene, 0, "mcp.tool.begin", 2);
	scene_ping(scene); /* others are answered meanwhile */
	scene_event(scene, 0, "mcp.tool.end", 1);
	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
		"\"params\":{\"requestId\":2}}");
	answers = scene_answer(scene);
	assert_int_equal(cJSON_GetArraySize(answers), 2);
	assert_int_equal(json_int(cJSON_GetArrayItem(answers, 0), "id", 0), 3);
	assert_int_equal(json_int(cJSON_GetArrayItem(answers, 1), "id", 0), 1);
}

#define SCENE(test) cmocka_unit_test_teardown(test, scene_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(features_are_there_when_asked_for),
		SCENE(requests_have_their_answers),
		SCENE(log_messages_begin_at_the_level_of_the_client),
		SCENE(progress_is_reported_to_those_who_ask),
		SCENE(server_asks_its_client),
		SCENE(server_does_not_ask_who_cannot_answer),
		SCENE(server_asks_through_its_answer_when_stateless),
		SCENE(subscribers_hear_of_changes),
		SCENE(listeners_hear_what_their_filter_has),
		SCENE(batch_is_answered_when_all_of_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
