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

/* What Managed Agents has beside sessions, events and custom tools. */

#define FILE_RESOURCE "{\"type\":\"file\",\"file_id\":\"file_1\"}"

/* A session of an agent with these tools; what is in `more` of the session. To free(). */
static char *open_with(struct mock_program *mock, const char *tools, const char *more)
{
	SCOPED(mem_free) char *agent = mem_textf(
		"{\"name\":\"a\",\"model\":\"m\",\"mcp_servers\":[{\"type\":\"url\","
		"\"name\":\"shop\",\"url\":\"https://shop.example\"}],\"tools\":%s}",
		tools);
	SCOPED(mem_free)
	char *agent_id = mock_call_text(mock, "POST", "/v1/agents", agent, "id");
	SCOPED(mem_free)
	char *environment_id = mock_call_text(
		mock, "POST", "/v1/environments", "{\"name\":\"e\"}", "id");
	SCOPED(mem_free) char *body =
		mem_textf("{\"agent\":\"%s\",\"environment_id\":\"%s\"%s}", agent_id,
			environment_id, more);

	return mock_call_text(mock, "POST", "/v1/sessions", body, "id");
}

/* The first event of this type that the session lists: the caller's. */
static cJSON *find_event(
	struct mock_program *mock, const char *session, const char *type)
{
	SCOPED(mem_free) char *path = session_path(session, "/events");
	struct http_answer answer = mock_call(mock, "GET", path, NULL);
	const cJSON *event;
	cJSON *found = NULL;

	cJSON_ArrayForEach(event, json_get(answer.body, "data")) {
		if (!found && strcmp(json_text(event, "type"), type) == 0)
			found = cJSON_Duplicate(event, true);
	}
	http_answer_done(&answer);
	return found;
}

static int send_event(struct mock_program *mock, const char *session, const char *event)
{
	SCOPED(mem_free) char *body = mem_textf("{\"events\":[%s]}", event);

	return mock_session_call(mock, "POST", session, "/events", body);
}

static int confirm(struct mock_program *mock, const char *session, const char *use_id,
	const char *result)
{
	SCOPED(mem_free) char *event = mem_textf(
		"{\"type\":\"user.tool_confirmation\",\"tool_use_id\":\"%s\",%s}",
		use_id, result);

	return send_event(mock, session, event);
}

static const char asking[] =
	"[{\"type\":\"agent_toolset_20260401\",\"default_config\":{"
	"\"permission_policy\":{\"type\":\"always_ask\"}}}]";

static void tool_waits_for_its_permission(void **state UNUSED)
{
	static const struct {
		const char *result;
		const char *text; /* of the tool's result */
		bool failed;
	} rows[] = {
		{"\"result\":\"allow\"", "done", false},
		{"\"result\":\"deny\",\"deny_message\":\"not today\"", "not today",
			true},
		{"\"result\":\"deny\"", "The user denied this tool use.", true},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct mock_program mock;
		SCOPED(mem_free) char *id = NULL;
		SCOPED(json_free) cJSON *use = NULL;
		SCOPED(json_free) cJSON *result = NULL;

		mock_start(&mock, "{\"tools\": 1}");
		id = open_with(&mock, asking, "");
		mock_say(&mock, id, "hello");
		mock_wait_event(&mock, "agent.tool.asked");
		use = find_event(&mock, id, "agent.tool_use");
		assert_string_equal(json_text(use, "evaluated_permission"), "ask");
		assert_null(find_event(&mock, id, "agent.tool_result"));
		assert_int_equal(
			confirm(&mock, id, "sevt_0", "\"result\":\"allow\""), 400);
		assert_int_equal(
			confirm(&mock, id, json_text(use, "id"), "\"result\":\"x\""),
			400);
		assert_int_equal(
			confirm(&mock, id, json_text(use, "id"), rows[i].result), 200);
		mock_wait_event(&mock, "agent.turn.end");
		result = find_event(&mock, id, "agent.tool_result");
		assert_string_equal(
			json_text(result, "tool_use_id"), json_text(use, "id"));
		assert_string_equal(
			cJSON_GetStringValue(json_at(result, "content.0.text")),
			rows[i].text);
		assert_int_equal(
			json_bool(result, "is_error", !rows[i].failed), rows[i].failed);
		mock_stop(&mock);
	}
}

/* A custom tool's result is no permission, and the other way round. */
static void permission_is_no_result(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(json_free) cJSON *use = NULL;
	SCOPED(mem_free) char *status = NULL;

	mock_start(&mock, "{\"tools\": 1}");
	id = open_with(&mock, asking, "");
	mock_say(&mock, id, "hello");
	mock_wait_event(&mock, "agent.tool.asked");
	use = find_event(&mock, id, "agent.tool_use");
	assert_int_equal(mock_answer_tool(&mock, id, json_text(use, "id"), "a"), 200);
	assert_null(find_event(&mock, id, "agent.tool_result"));
	status = mock_session_status(&mock, id);
	assert_string_equal(status, "idle");
	assert_int_equal(mock_count_events(&mock, "agent.tool.answered"), 0);
	assert_int_equal(mock_interrupt(&mock, id), 200);
	mock_wait_event(&mock, "\"interrupted\"");
	assert_int_equal(
		confirm(&mock, id, json_text(use, "id"), "\"result\":\"allow\""),
		200); /* too late: it has no effect */
	assert_null(find_event(&mock, id, "agent.tool_result"));
	mock_stop(&mock);
}

static void server_tools_are_used_at_once(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(json_free) cJSON *use = NULL;
	SCOPED(json_free) cJSON *result = NULL;

	mock_start(&mock,
		"{\"tools\": {\"name\": \"mcp__shop__buy\", \"input\": {\"n\": 2}}}");
	id = open_with(&mock,
		"[{\"type\":\"mcp_toolset\",\"mcp_server_name\":\"shop\","
		"\"default_config\":{\"permission_policy\":{\"type\":\"always_allow\"}}}]",
		"");
	mock_say(&mock, id, "hello");
	assert_non_null(strstr(mock_wait_event(&mock, "agent.tool.used"), "\"buy\""));
	mock_wait_event(&mock, "agent.turn.end");
	use = find_event(&mock, id, "agent.mcp_tool_use");
	result = find_event(&mock, id, "agent.mcp_tool_result");
	assert_string_equal(json_text(use, "mcp_server_name"), "shop");
	assert_int_equal(json_int(json_get(use, "input"), "n", 0), 2);
	assert_string_equal(json_text(result, "mcp_tool_use_id"), json_text(use, "id"));
	mock_stop(&mock);
}

/* Unless an agent says otherwise, what its MCP server does is asked for. */
static void agents_have_the_defaults_of_their_tools(void **state UNUSED)
{
	static const struct {
		const char *path, *value;
	} rows[] = {
		{"tools.0.default_config.permission_policy.type", "always_allow"},
		{"tools.0.configs.0.permission_policy.type", "always_allow"},
		{"tools.1.default_config.permission_policy.type", "always_ask"},
		{"skills.0.version", "latest"},
		{"skills.1.version", "7"},
	};
	struct mock_program mock;
	struct http_answer answer;

	mock_start(&mock, "{}");
	answer = mock_call(&mock, "POST", "/v1/agents",
		"{\"name\":\"a\",\"model\":\"m\",\"tools\":[{\"type\":"
		"\"agent_toolset_20260401\",\"configs\":[{\"name\":\"bash\"}]},"
		"{\"type\":\"mcp_toolset\",\"mcp_server_name\":\"s\"}],"
		"\"skills\":[{\"type\":\"anthropic\",\"skill_id\":\"xlsx\","
		"\"version\":null},{\"type\":\"custom\",\"skill_id\":\"x\","
		"\"version\":\"7\"}]}");
	assert_int_equal(answer.status, 200);
	for (unsigned i = 0; i < COUNT(rows); i++)
		assert_string_equal(
			cJSON_GetStringValue(json_at(answer.body, rows[i].path)),
			rows[i].value);
	http_answer_done(&answer);
	mock_stop(&mock);
}

static void resources_have_ids_and_no_token(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *path = NULL;
	SCOPED(mem_free) char *first = NULL;

	mock_start(&mock, "{}");
	id = open_with(&mock, "[]",
		",\"resources\":[" FILE_RESOURCE ",{\"type\":\"github_repository\","
		"\"url\":\"https://github.com/example/shop\","
		"\"authorization_token\":\"ghp_secret\"},"
		"{\"type\":\"memory_store\",\"memory_store_id\":\"mem_1\"}]");
	path = session_path(id, "/resources");
	answer = mock_call(&mock, "GET", path, NULL);
	assert_int_equal(cJSON_GetArraySize(json_get(answer.body, "data")), 3);
	first = mem_text(cJSON_GetStringValue(json_at(answer.body, "data.0.id")));
	assert_int_equal(strncmp(first, "sesrsc_01", 9), 0);
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "data.0.mount_path")),
		"/mnt/session/uploads/file_1");
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "data.1.mount_path")),
		"/workspace/shop");
	assert_null(json_at(answer.body, "data.1.authorization_token"));
	http_answer_done(&answer);
	free(path);
	path = mem_textf("/v1/sessions/%s/resources/%s", id, first);
	assert_int_equal(mock_call_status(&mock, "GET", path, NULL), 200);
	assert_int_equal(mock_call_status(&mock, "POST", path,
				 "{\"authorization_token\":\"t\"}"),
		400); /* a file has none */
	assert_int_equal(mock_call_status(&mock, "DELETE", path, NULL), 200);
	assert_int_equal(mock_call_status(&mock, "DELETE", path, NULL), 404);
	mock_stop(&mock);
}

static void resources_are_checked(void **state UNUSED)
{
	static const char *const wrong[] = {"{\"type\":\"tape\"}",
		"{\"type\":\"file\"}", "{\"type\":\"file\",\"file_id\":7}",
		"{\"type\":\"file\",\"file_id\":\"f\",\"mount_path\":\"data\"}",
		"{\"type\":\"memory_store\",\"memory_store_id\":\"m\"}", "{}"};
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;

	mock_start(&mock, "{}");
	id = open_with(&mock, "[]", "");
	for (unsigned i = 0; i < COUNT(wrong); i++)
		assert_int_equal(
			mock_session_call(&mock, "POST", id, "/resources", wrong[i]),
			400);
	assert_int_equal(
		mock_session_call(&mock, "POST", id, "/resources", FILE_RESOURCE), 200);
	assert_int_equal(mock_session_call(&mock, "POST", id, "/archive", NULL), 200);
	assert_int_equal(
		mock_session_call(&mock, "POST", id, "/resources", FILE_RESOURCE), 400);
	mock_stop(&mock);
}

static void thread_is_archived_when_it_is_idle(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *list = NULL;
	SCOPED(mem_free) char *path = NULL;
	SCOPED(mem_free) char *status = NULL;
	struct http_answer answer;

	mock_start(&mock, "{\"first_byte\": {\"latency\": \"1h\"}}");
	id = mock_open_session(&mock, 1);
	list = session_path(id, "/threads");
	answer = mock_call(&mock, "GET", list, NULL);
	path = mem_textf("/v1/sessions/%s/threads/%s/archive", id,
		cJSON_GetStringValue(json_at(answer.body, "data.0.id")));
	http_answer_done(&answer);
	mock_say(&mock, id, "hello");
	assert_int_equal(mock_call_status(&mock, "POST", path, NULL), 400);
	mock_interrupt(&mock, id);
	mock_wait_event(&mock, "\"interrupted\"");
	answer = mock_call(&mock, "POST", path, NULL);
	assert_int_equal(answer.status, 200);
	assert_non_null(json_text(answer.body, "archived_at"));
	http_answer_done(&answer);
	status = mock_session_status(&mock, id);
	assert_string_equal(status, "idle");
	mock_stop(&mock);
}

/* What is not listed is a client's bug as much as what is. */
static void lists_show_what_their_filters_allow(void **state UNUSED)
{
	static const struct {
		const char *path; /* below the session, or below /v1 */
		bool of_session;
		int count;
	} rows[] = {
		{"/events?types[]=user.message", true, 1},
		{"/events?types[]=user.message&created_at[gt]=2020-01-01T00:00:00Z",
			true, 1},
		{"/events?created_at[gte]=2200-01-01T00:00:00Z", true, 0},
		{"/events?created_at[lt]=2020-01-01T00:00:00Z", true, 0},
		{"/threads", true, 1},
		{"/threads?statuses[]=idle", true, 1},
		{"/threads?statuses[]=running&statuses[]=terminated", true, 0},
		{"/v1/sessions?memory_store_id=mem_1", false, 1},
		{"/v1/sessions?memory_store_id=mem_2", false, 0},
		{"/v1/sessions?deployment_id=dep_1", false, 0},
	};
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;

	mock_start(&mock, "{}");
	id = open_with(&mock, "[]",
		",\"resources\":[{\"type\":\"memory_store\","
		"\"memory_store_id\":\"mem_1\"}]");
	mock_say(&mock, id, "hello");
	mock_wait_event(&mock, "agent.turn.end");
	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *path = rows[i].of_session
			? session_path(id, rows[i].path)
			: mem_text(rows[i].path);
		struct http_answer answer = mock_call(&mock, "GET", path, NULL);

		assert_int_equal(answer.status, 200);
		if (cJSON_GetArraySize(json_get(answer.body, "data")) != rows[i].count)
			fail_msg("%s", rows[i].path);
		http_answer_done(&answer);
	}
	assert_int_equal(
		mock_session_call(&mock, "GET", id, "/threads?statuses[]=asleep", NULL),
		400);
	assert_int_equal(mock_session_call(&mock, "GET", id,
				 "/events?created_at[lt]=yesterday", NULL),
		400);
	mock_stop(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tool_waits_for_its_permission),
		cmocka_unit_test(permission_is_no_result),
		cmocka_unit_test(server_tools_are_used_at_once),
		cmocka_unit_test(agents_have_the_defaults_of_their_tools),
		cmocka_unit_test(resources_have_ids_and_no_token),
		cmocka_unit_test(resources_are_checked),
		cmocka_unit_test(thread_is_archived_when_it_is_idle),
		cmocka_unit_test(lists_show_what_their_filters_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
