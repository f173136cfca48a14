#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "mock-mcp/methods.h"
#include "mock-mcp/test/scene.h"

#define MODERN_META                                                                    \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","       \
	"\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define CALL(id, tool, arguments)                                                      \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{"    \
	"\"name\":\"" tool "\",\"arguments\":" arguments "}}"
#define PING        "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}"
#define SERVER_INFO "io.modelcontextprotocol/serverInfo"

static void methods_agrees_on_a_legacy_version(void **state)
{
	static const char *const rows[][3] = {
		{"2025-11-25", "2025-11-25", "known"},
		{"2025-06-18", "2025-06-18", "known"},
		{"2025-03-26", "2025-03-26", "known"},
		{"2024-11-05", "2024-11-05", "known"},
		{"2026-07-28", "2025-11-25",
			"it has no initialize: our latest that has"},
		{"1999-01-01", "2025-11-25", "unknown: our latest"},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct mcp_scene *scene =
			scene_begin(state, "{\"name\": \"financial\"}");
		SCOPED(json_free) cJSON *answer = NULL;

		scene_sendf(scene,
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
			"\"protocolVersion\":\"%s\",\"capabilities\":{},\"clientInfo\":"
			"{\"name\":\"t\",\"version\":\"1\"}}}",
			rows[i][0]);
		answer = scene_answer(scene);
		assert_int_equal(json_int(answer, "id", 0), 1);
		assert_string_equal(
			json_at(answer, "result.protocolVersion")->valuestring,
			rows[i][1]);
		assert_true(
			cJSON_IsObject(json_at(answer, "result.capabilities.tools")));
		assert_string_equal(
			json_at(answer, "result.serverInfo.name")->valuestring,
			"financial");
		assert_null(json_at(answer, "result.resultType"));
		scene_end(state);
	}
}

static void methods_answer_server_discover(void **state)
{
	struct mcp_scene *scene = scene_begin(state, "{\"name\": \"skills\"}");
	SCOPED(json_free) cJSON *answer = NULL;
	const cJSON *result, *info;

	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"server/discover\","
		"\"params\":{" MODERN_META "}}");
	answer = scene_answer(scene);
	result = json_get(answer, "result");
	assert_int_equal(json_int(answer, "id", -1), 0);
	assert_string_equal(json_text(result, "resultType"), "complete");
	assert_int_equal(cJSON_GetArraySize(json_get(result, "supportedVersions")), 1);
	assert_string_equal(
		json_at(result, "supportedVersions.0")->valuestring, "2026-07-28");
	assert_true(cJSON_IsObject(json_at(result, "capabilities.tools")));
	assert_int_equal(json_int(result, "ttlMs", -1), 0);
	assert_string_equal(json_text(result, "cacheScope"), "private");
	info = json_get(json_get(result, "_meta"), SERVER_INFO);
	assert_string_equal(json_text(info, "name"), "skills");
	assert_non_null(json_text(info, "version"));
}

static void methods_need_no_handshake_when_stateless(void **state)
{
	struct mcp_scene *scene = scene_begin(state, NULL);
	SCOPED(json_free) cJSON *list = NULL, *call = NULL;

	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\","
		"\"params\":{" MODERN_META "}}");
	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\","
		"\"params\":{" MODERN_META ",\"name\":\"add\",\"arguments\":{\"a\":1,"
		"\"b\":2}}}");
	list = scene_answer(scene);
	call = scene_answer(scene);
	assert_string_equal(
		json_at(list, "result.resultType")->valuestring, "complete");
	assert_int_equal(json_int(json_get(list, "result"), "ttlMs", -1), 0);
	assert_string_equal(json_at(list, "result.cacheScope")->valuestring, "private");
	assert_string_equal(json_at(list, "result.tools.0.name")->valuestring, "echo");
	assert_string_equal(
		json_at(call, "result.resultType")->valuestring, "complete");
	assert_non_null(json_get(json_at(call, "result._meta"), SERVER_INFO));
	assert_null(json_at(call, "result.ttlMs"));
	assert_string_equal(json_at(call, "result.content.0.text")->valuestring, "3");
	scene_event(scene, 0, "mcp.initialized", 1);
	assert_int_equal(scene_count(scene, 0, "mcp.initialized"), 1);
}

static void methods_list_tools_plainly_after_a_handshake(void **state)
{
	struct mcp_scene *scene = scene_begin(state, NULL);
	SCOPED(json_free) cJSON *answer = NULL;
	const cJSON *tool, *event;

	scene_greet(scene);
	event = scene_event(scene, 0, "mcp.initialized", 1);
	assert_string_equal(json_text(event, "name"), "mock-mcp");
	assert_string_equal(json_text(event, "session"), SCENE_ROOM);
	scene_send(scene, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/list\"}");
	answer = scene_answer(scene);
	assert_null(json_at(answer, "result.resultType"));
	assert_null(json_at(answer, "result.ttlMs"));
	assert_true(cJSON_GetArraySize(json_at(answer, "result.tools")) >= 2);
	cJSON_ArrayForEach(tool, json_at(answer, "result.tools")) {
		assert_non_null(json_text(tool, "name"));
		assert_non_null(json_text(tool, "description"));
		assert_string_equal(
			json_at(tool, "inputSchema.type")->valuestring, "object");
	}
}

struct wrong {
	const char *line;
	int code;
	const char *id; /* as JSON */
	const char *why;
};

static const struct wrong wrongs[] = {
	{"nonsense", -32700, "null", "no JSON"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"", -32700, "null",
		"half of one"},
	{"{\"a\":\"\xff\"}", -32700, "null", "no UTF-8"},
	{CALL("7", "echo", "{\"text\":\"a\\u0000b\\\\u0000\"}"), -32602, "7",
		"JSON, and somebody waits for the answer"},
	{"{\"id\":7,\"x\":\"\\u0000\"", -32700, "null", "no JSON for all that"},
	{"5", -32600, "null", "no object"},
	{"[]", -32600, "null", "no batches in this version"},
	{"[" PING "]", -32600, "null", "no batches in this version"},
	{"{\"id\":1,\"method\":\"ping\"}", -32600, "1", "no jsonrpc"},
	{"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", -32600, "1",
		"another one"},
	{"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", -32600, "null",
		"MCP has no null ids"},
	{"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", -32600, "null",
		"an id is a string or a number"},
	{"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":7}", -32600, "\"x\"",
		"a method is a string"},
	{"{\"jsonrpc\":\"2.0\",\"id\":\"x\"}", -32600, "\"x\"", "nothing at all"},
	{"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"resources/list\"}", -32601, "3",
		"a method that is not ours"},
	{"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\",\"params\":[]}", -32602,
		"3", "params are an object"},
	{"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\"}", -32602, "4",
		"no tool's name"},
	{CALL("4", "eco", "{}"), -32602, "4", "an unknown tool"},
	{CALL("4", "echo", "[]"), -32602, "4", "arguments are an object"},
	{"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/list\",\"params\":{\"cursor\":"
	 "\"2\"}}",
		-32602, "5", "there is no second page"},
	{"{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"logging/setLevel\",\"params\":"
	 "{\"level\":\"loud\"}}",
		-32602, "6", "an unknown level"},
	{"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"initialize\",\"params\":{}}",
		-32602, "7", "no version to agree on"},
	{"{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"server/discover\"}", -32602, "8",
		"modern requests name their version"},
	{"{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"tools/list\",\"params\":{\"_meta\":"
	 "{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}}",
		-32602, "8", "and their capabilities"},
	{"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"ping\",\"params\":{" MODERN_META
	 "}}",
		-32601, "9", "the modern era has no ping"},
	{"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"logging/setLevel\",\"params\":{"
	 "\"level\":\"info\"," MODERN_META "}}",
		-32601, "9", "nor levels"},
};

static void methods_refuses_what_is_wrong(void **state)
{
	struct mcp_scene *scene = scene_begin(state, NULL);

	scene_greet(scene);
	for (unsigned i = 0; i < COUNT(wrongs); i++) {
		SCOPED(json_free) cJSON *answer = NULL;
		SCOPED(mem_free) char *id = NULL;

		scene_send(scene, wrongs[i].line);
		answer = scene_answer(scene);
		id = json_print(json_get(answer, "id"));
		if (json_int(json_get(answer, "error"), "code", 0) != wrongs[i].code ||
			strcmp(id, wrongs[i].id) || json_get(answer, "result") ||
			!json_text(json_get(answer, "error"), "message"))
			fail_msg("%s: code %d, id %s", wrongs[i].why,
				(int)json_int(json_get(answer, "error"), "code", 0),
				id);
	}
	scene_ping(scene);
}

/* Also of what it does not understand. */
static void methods_gives_ids_back_as_they_were_written(void **state)
{
	static const char *const ids[] = {"9007199254740993", "-18446744073709551615",
		"1.0", "1e3", "0", "\"\"", "\"a\\\"b\"", "4503599627370497"};
	struct mcp_scene *scene = scene_begin(state, "{\"hang_tools\": true}");

	scene_greet(scene);
	for (unsigned i = 0; i < COUNT(ids); i++) {
		SCOPED(mem_free) char *wanted = mem_textf("\"id\":%s,", ids[i]);
		const char *line;

		scene_sendf(scene,
			"{\"id\": %s ,\"jsonrpc\":\"2.0\",\"method\":\"%s\"}", ids[i],
			i % 2 ? "ping" : "no/such");
		line = scene_line(scene);
		if (!strstr(line, wanted))
			fail_msg("%s: %s", ids[i], line);
	}
	/* Its neighbour, the same as a double, is another call. */
	scene_send(scene, CALL("9007199254740993", "add", "{\"a\":1,\"b\":1}"));
	scene_send(scene, CALL("9007199254740992", "add", "{\"a\":1,\"b\":1}"));
	scene_event(scene, 0, "mcp.tool.begin", 2);
	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
		"\"params\":{\"requestId\":9007199254740993}}");
	scene_event(scene, 0, "mcp.tool.end", 1);
	scene_ping(scene);
}

static void methods_names_the_versions_that_it_supports(void **state)
{
	struct mcp_scene *scene = scene_begin(state, NULL);
	SCOPED(json_free) cJSON *answer = NULL;
	const cJSON *error;

	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\","
		"\"params\":{\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":"
		"\"2031-01-01\",\"io.modelcontextprotocol/clientCapabilities\":{}}}}");
	answer = scene_answer(scene);
	error = json_get(answer, "error");
	assert_int_equal(json_int(error, "code", 0), -32022);
	assert_string_equal(
		json_at(error, "data.supported.0")->valuestring, "2026-07-28");
	assert_string_equal(
		json_at(error, "data.requested")->valuestring, "2031-01-01");
}

static void methods_answers_only_pings_before_the_handshake(void **state)
{
	struct mcp_scene *scene = scene_begin(state, NULL);
	SCOPED(json_free) cJSON *answer = NULL;

	scene_ping(scene);
	scene_send(scene, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
	answer = scene_answer(scene);
	assert_int_equal(json_int(json_get(answer, "error"), "code", 0), -32600);
	scene_greet(scene);
	scene_list(scene);
}

static void methods_do_not_answer_notifications(void **state)
{
	struct mcp_scene *scene = scene_begin(state, NULL);

	scene_greet(scene);
	scene_send(scene, "");
	scene_send(scene, " \t\r");
	scene_send(
		scene, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/unheard-of\"}");
	scene_send(scene, "{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}");
	scene_send(scene, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,"
		"\"message\":\"\"}}");
	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
		"\"params\":{\"requestId\":99}}");
	scene_ping(scene);
}

static void methods_accept_batches_in_the_version_that_has_them(void **state)
{
	struct mcp_scene *scene = scene_begin(state, NULL);
	const char *const ids[] = {"p", "q"};
	SCOPED(json_free) cJSON *answers = NULL;

	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\","
		"\"params\":{\"protocolVersion\":\"2025-03-26\",\"capabilities\":{},"
		"\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}");
	cJSON_Delete(scene_answer(scene));
	scene_send(scene,
		"[" PING ",{\"jsonrpc\":\"2.0\",\"method\":"
		"\"notifications/initialized\"},"
		"{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"ping\"}]");
	answers = scene_answer(scene);
	assert_int_equal(cJSON_GetArraySize(answers), COUNT(ids));
	for (unsigned i = 0; i < COUNT(ids); i++)
		assert_string_equal(
			json_text(cJSON_GetArrayItem(answers, (int)i), "id"), ids[i]);
	scene_event(scene, 0, "mcp.initialized", 1);
	scene_send(scene, "[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}]");
	scene_ping(scene); /* an array without requests has no answer */
}

/* A ping that is exactly that long. */
static char *long_ping(size_t len)
{
	static const char start[] =
		"{\"jsonrpc\":\"2.0\",\"id\":\"l\",\"method\":\"ping\","
		"\"params\":{\"x\":\"";
	char *line = mem_zeroed(len + 1);

	memset(line, 'x', len);
	memcpy(line, start, sizeof start - 1);
	memcpy(line + len - 3, "\"}}", 3);
	return line;
}

static void methods_reads_lines_of_up_to_4_mib(void **state)
{
	struct mcp_scene *scene = scene_begin(state, NULL);
	SCOPED(mem_free) char *whole = long_ping(METHODS_TEXT_MAX);
	SCOPED(mem_free) char *longer = long_ping(METHODS_TEXT_MAX + 1);
	SCOPED(json_free) cJSON *first = NULL, *second = NULL;

	scene_send(scene, whole);
	first = scene_answer(scene);
	assert_string_equal(json_text(first, "id"), "l");
	scene_send(scene, longer);
	second = scene_answer(scene);
	assert_int_equal(json_int(json_get(second, "error"), "code", 0), -32600);
	assert_true(cJSON_IsNull(json_get(second, "id")));
	scene_ping(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			methods_agrees_on_a_legacy_version, scene_end),
		cmocka_unit_test_teardown(methods_answer_server_discover, scene_end),
		cmocka_unit_test_teardown(
			methods_need_no_handshake_when_stateless, scene_end),
		cmocka_unit_test_teardown(
			methods_list_tools_plainly_after_a_handshake, scene_end),
		cmocka_unit_test_teardown(methods_refuses_what_is_wrong, scene_end),
		cmocka_unit_test_teardown(
			methods_gives_ids_back_as_they_were_written, scene_end),
		cmocka_unit_test_teardown(
			methods_names_the_versions_that_it_supports, scene_end),
		cmocka_unit_test_teardown(
			methods_answers_only_pings_before_the_handshake, scene_end),
		cmocka_unit_test_teardown(
			methods_do_not_answer_notifications, scene_end),
		cmocka_unit_test_teardown(
			methods_accept_batches_in_the_version_that_has_them, scene_end),
		cmocka_unit_test_teardown(
			methods_reads_lines_of_up_to_4_mib, scene_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
