#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "mock-agent/test/mock_program.h"

static void checks_have_the_order_of_the_hosted_api(void **state UNUSED)
{
	static const struct {
		const char *path;
		const char *headers;
		int status;
		const char *type;
		const char *message;
		const char *why;
	} rows[] = {
		{"/v1/nothing", "", 404, "not_found_error", "Not found",
			"no such path"},
		{"/v1/sessions", "", 401, "authentication_error",
			"Authentication failed", "nothing said"},
		{"/v1/sessions", BETA VERSION, 401, "authentication_error",
			"Authentication failed", "no credential"},
		{"/v1/sessions", "authorization: Bearer wrong\r\n" BETA VERSION, 401,
			"authentication_error", "Authentication failed", "another one"},
		{"/v1/sessions", "authorization: Bearer s3cret\r\n", 404,
			"not_found_error", "not found", "no beta"},
		{"/v1/sessions", "authorization: Bearer s3cret\r\n" BETA, 400,
			"invalid_request_error",
			"anthropic-version: header is required", "no version"},
		{"/v1/sessions",
			"authorization: Bearer s3cret\r\n" BETA
			"anthropic-version: 1999-01-01\r\n",
			400, "invalid_request_error",
			"anthropic-version: \"1999-01-01\" is not a valid version",
			"a version before the first"},
		{"/v1/models",
			"x-api-key: s3cret\r\nanthropic-version: 2023-06-01x\r\n", 400,
			"invalid_request_error", NULL, "more than a date"},
		{"/v1/models", "x-api-key: s3cret\r\nanthropic-version: 2031-02-03\r\n",
			200, NULL, NULL, "tomorrow's client"},
		{"/v1/sessions", "authorization: Bearer s3cret\r\n" BETA VERSION, 200,
			NULL, NULL, "today's client"},
		{"/v1/sessions?beta=true",
			"x-api-key: s3cret\r\n" BETA
			"anthropic-version: 2023-06-01\r\n",
			200, NULL, NULL, "yesterday's client"},
		{"/v1/models", "x-api-key: s3cret\r\n" VERSION, 200, NULL, NULL,
			"no beta is needed here"},
		{"/health", "", 200, NULL, NULL, "nothing is needed here"},
		{"/control/behavior", "", 401, "authentication_error", NULL,
			"guarded, too"},
	};
	struct mock_program mock;

	setenv("MOCK_AGENT_KEY", "s3cret", 1);
	mock_start(&mock, "{}");
	unsetenv("MOCK_AGENT_KEY");
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct http_answer answer;
		struct http_client line;
		const char *type, *message;

		http_open(&line, mock.port);
		http_send(&line, "GET", rows[i].path, rows[i].headers, NULL);
		answer = http_answer(&line);
		type = json_text(json_get(answer.body, "error"), "type");
		message = json_text(json_get(answer.body, "error"), "message");
		if (answer.status != rows[i].status)
			fail_msg("%s: %d, not %d", rows[i].why, answer.status,
				rows[i].status);
		assert_non_null(strcasestr(answer.headers, "request-id: req_"));
		if (rows[i].type) {
			assert_string_equal(type, rows[i].type);
			assert_non_null(json_text(answer.body, "request_id"));
		}
		if (rows[i].message)
			assert_string_equal(message, rows[i].message);
		http_answer_done(&answer);
		http_close(&line);
	}
	assert_int_equal(mock_count_events(&mock, "s3cret"), 0);
	mock_stop(&mock);
}

static void requests_that_make_no_sense_are_refused_with_the_reason(void **state UNUSED)
{
	static const struct {
		const char *method;
		const char *path;
		const char *body;
		int status;
		const char *words;
	} rows[] = {
		{"POST", "/v1/agents", "{", 400, "JSON"},
		{"POST", "/v1/agents", "[]", 400, "JSON"},
		{"POST", "/v1/agents", "{\"model\":\"m\"}", 400,
			"name: Field required"},
		{"POST", "/v1/agents", "{\"name\":\"n\"}", 400,
			"model: Field required"},
		{"POST", "/v1/agents", "{\"name\":\"n\",\"model\":3}", 400, "model: "},
		{"POST", "/v1/environments", "{\"name\":\"n\",\"metadata\":{\"a\":1}}",
			400, "metadata: "},
		{"POST", "/v1/agents",
			"{\"name\":\"n\",\"model\":\"m\",\"tools\":\"foo\"}", 400,
			"tools: "},
		{"POST", "/v1/agents", "{\"name\":\"n\",\"model\":\"m\",\"tools\":[5]}",
			400, "tools: "},
		{"POST", "/v1/agents", "{\"name\":\"n\",\"model\":\"m\",\"system\":[]}",
			400, "system: "},
		{"POST", "/v1/sessions", "{}", 400, "agent: Field required"},
		{"POST", "/v1/sessions", "{\"agent\":\"agent_x\"}", 404, "agent_x"},
		{"GET", "/v1/sessions/sesn_x", NULL, 404, "sesn_x"},
		{"POST", "/v1/sessions/sesn_x/archive", NULL, 404, "sesn_x"},
		{"PUT", "/v1/sessions", "{}", 405, "Method"},
		{"GET", "/v1/sessions?limit=0", NULL, 400, "limit"},
		{"GET", "/v1/sessions?page=soup", NULL, 400, "page"},
		{"GET", "/v1/sessions?order=up", NULL, 400, "order: "},
		{"GET", "/v1/sessions?statuses[]=idle&statuses[]=odd", NULL, 400,
			"statuses[]: "},
		{"GET", "/v1/sessions?agent_version=x", NULL, 400, "agent_version: "},
		{"GET", "/v1/sessions?created_at[gt]=monday", NULL, 400,
			"created_at[gt]: "},
		{"POST", "/v1/messages", "{\"max_tokens\":1,\"messages\":[]}", 400,
			"model: "},
		{"POST", "/v1/messages", "{\"model\":\"m\",\"messages\":[]}", 400,
			"max_tokens: "},
		{"POST", "/v1/messages", "{\"model\":\"m\",\"max_tokens\":1}", 400,
			"messages: "},
		{"GET", "/v1/models/gpt", NULL, 404, "gpt"},
		{"PUT", "/control/behavior", "{\n \"chunks\": 0}", 400,
			"behavior:2:2: "},
		{"PUT", "/control/behavior", "{\"chunk\": ", 400, "behavior:1:"},
		{"POST", "/control/listen", "{}", 400, "accept"},
	};
	struct mock_program mock;

	mock_start(&mock, "{}");
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct http_answer answer =
			mock_call(&mock, rows[i].method, rows[i].path, rows[i].body);
		const char *message =
			json_text(json_get(answer.body, "error"), "message");

		if (answer.status != rows[i].status || !message ||
			!strstr(message, rows[i].words))
			fail_msg("%s %s %s: %d %s", rows[i].method, rows[i].path,
				rows[i].body ? rows[i].body : "", answer.status,
				message ? message : "");
		http_answer_done(&answer);
	}
	mock_stop(&mock);
}

static void events_that_make_no_sense_are_refused(void **state UNUSED)
{
	static const char *const events[] = {
		"5",
		"null",
		"{\"type\":\"x\"}",
		"{\"type\":\"user.message\"}",
		"{\"type\":\"user.message\",\"content\":5}",
		"{\"type\":\"user.message\",\"content\":[]}",
		"{\"type\":\"user.message\",\"content\":{}}",
		"{\"type\":\"user.message\",\"content\":[\"hi\"]}",
		"{\"type\":\"user.custom_tool_result\",\"custom_tool_use_id\":\"x\"}",
	};
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;

	mock_start(&mock, "{}");
	id = mock_open_session(&mock, 1);
	for (unsigned i = 0; i < COUNT(events); i++) {
		SCOPED(mem_free) char *body = mem_textf("{\"events\":[%s]}", events[i]);

		if (mock_session_call(&mock, "POST", id, "/events", body) != 400)
			fail_msg("%s", events[i]);
	}
	assert_int_equal(mock_session_call(&mock, "POST", id, "",
				 "{\"agent\":{\"tools\":\"foo\"}}"),
		400);
	mock_stop(&mock);
}

static void agent_is_kept_in_versions(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *path = NULL;
	SCOPED(mem_free) char *old = NULL;
	SCOPED(mem_free) char *versions = NULL;
	SCOPED(mem_free) char *archive = NULL;
	struct http_answer answer;

	mock_start(&mock, "{}");
	id = mock_call_text(&mock, "POST", "/v1/agents",
		"{\"name\":\"a\",\"model\":{\"id\":\"claude-sonnet-5\"},\"metadata\":"
		"{\"k\":\"v\",\"gone\":\"x\"}}",
		"id");
	path = mem_textf("/v1/agents/%s", id);
	old = mem_textf("%s?version=abc", path);
	assert_int_equal(mock_call_status(&mock, "GET", old, NULL), 400);
	free(old);
	old = mem_textf("%s?version=1", path);
	versions = mem_textf("%s/versions", path);
	archive = mem_textf("%s/archive", path);
	answer = mock_call(&mock, "POST", path,
		"{\"version\":1,\"system\":\"s\",\"metadata\":{\"gone\":null}}");
	assert_int_equal(json_int(answer.body, "version", 0), 2);
	assert_string_equal(json_text(answer.body, "system"), "s");
	assert_string_equal(json_text(answer.body, "name"), "a");
	assert_string_equal(json_text(json_get(answer.body, "metadata"), "k"), "v");
	assert_null(json_get(json_get(answer.body, "metadata"), "gone"));
	assert_string_equal(
		json_text(json_get(answer.body, "model"), "speed"), "standard");
	http_answer_done(&answer);
	assert_int_equal(mock_call_status(&mock, "POST", path, "{\"version\":1}"), 409);
	answer = mock_call(&mock, "GET", old, NULL);
	assert_true(cJSON_IsNull(json_get(answer.body, "system")));
	http_answer_done(&answer);
	answer = mock_call(&mock, "GET", versions, NULL);
	assert_int_equal(cJSON_GetArraySize(json_get(answer.body, "data")), 2);
	http_answer_done(&answer);
	free(mock_call_text(&mock, "POST", archive, NULL, "archived_at"));
	answer = mock_call(&mock, "GET", "/v1/agents", NULL);
	assert_int_equal(cJSON_GetArraySize(json_get(answer.body, "data")), 0);
	http_answer_done(&answer);
	mock_stop(&mock);
}

static void environment_comes_and_goes(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *path = NULL;
	struct http_answer answer;

	mock_start(&mock, "{}");
	id = mock_call_text(&mock, "POST", "/v1/environments",
		"{\"name\":\"e\",\"config\":{\"type\":\"cloud\"}}", "id");
	path = mem_textf("/v1/environments/%s", id);
	answer = mock_call(&mock, "POST", path, "{\"description\":\"d\"}");
	assert_string_equal(json_text(answer.body, "description"), "d");
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "config.networking.type")),
		"unrestricted");
	http_answer_done(&answer);
	answer = mock_call(&mock, "DELETE", path, NULL);
	assert_string_equal(json_text(answer.body, "type"), "environment_deleted");
	http_answer_done(&answer);
	assert_int_equal(mock_call_status(&mock, "GET", path, NULL), 404);
	mock_stop(&mock);
}

static void session_lives_from_create_to_delete(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *path = NULL;
	struct http_answer answer;

	mock_start(&mock, "{}");
	id = mock_open_session(&mock, 12);
	path = session_path(id, "");
	assert_non_null(
		strstr(mock_wait_event(&mock, "agent.session.opened"), "\"12\""));
	answer = mock_call(&mock, "GET", path, NULL);
	assert_string_equal(json_text(answer.body, "status"), "idle");
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "agent.name")), "a");
	assert_true(cJSON_IsNull(json_get(answer.body, "archived_at")));
	http_answer_done(&answer);
	answer = mock_call(&mock, "POST", path,
		"{\"title\":\"t\",\"metadata\":{\"more\":\"x\"},\"agent\":{\"tools\":"
		"[]}}");
	assert_string_equal(json_text(answer.body, "title"), "t");
	assert_string_equal(json_text(json_get(answer.body, "metadata"), "room"), "12");
	assert_string_equal(json_text(json_get(answer.body, "metadata"), "more"), "x");
	assert_int_equal(cJSON_GetArraySize(json_at(answer.body, "agent.tools")), 0);
	http_answer_done(&answer);
	assert_int_equal(mock_session_call(&mock, "GET", id, "/threads", NULL), 200);
	assert_int_equal(
		mock_session_call(&mock, "GET", id, "/threads/sthr_x", NULL), 404);
	assert_int_equal(mock_session_call(&mock, "POST", id, "/archive", NULL), 200);
	mock_wait_event(&mock, "agent.disconnect.begin");
	mock_wait_event(&mock, "agent.disconnect.done");
	answer = mock_call(&mock, "GET", path, NULL);
	assert_string_equal(json_text(answer.body, "status"), "terminated");
	assert_non_null(json_text(answer.body, "archived_at"));
	http_answer_done(&answer);
	assert_int_equal(mock_say(&mock, id, "late"), 400);
	assert_int_equal(mock_session_call(&mock, "POST", id, "/archive", NULL), 400);
	answer = mock_call(&mock, "GET", "/v1/sessions", NULL);
	assert_int_equal(cJSON_GetArraySize(json_get(answer.body, "data")), 0);
	http_answer_done(&answer);
	answer = mock_call(&mock, "DELETE", path, NULL);
	assert_string_equal(json_text(answer.body, "type"), "session_deleted");
	assert_string_equal(json_text(answer.body, "id"), id);
	http_answer_done(&answer);
	assert_int_equal(mock_call_status(&mock, "DELETE", path, NULL), 404);
	mock_stop(&mock);
}

static void sessions_without_a_room_are_numbered(void **state UNUSED)
{
	static const struct {
		int room;
		const char *label;
	} rows[] = {
		{1, "\"1\""},
		{0, "\"2\""},
		{7, "\"7\""},
		{3, "\"3\""},
		{0, "\"4\""},
		{3, "\"3\""},
		{0, "\"5\""},
	};
	struct mock_program mock;

	mock_start(&mock, "{}");
	for (unsigned i = 0; i < COUNT(rows); i++) {
		free(mock_open_session(&mock, rows[i].room));
		assert_non_null(strstr(
			mock_wait_event(&mock, "agent.session.opened"), rows[i].label));
	}
	mock_stop(&mock);
}

static void lists_come_in_pages_both_ways(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *ids[5] = {0};
	SCOPED(mem_free) char *path = NULL;
	SCOPED(mem_free) char *back = NULL;
	struct http_answer answer;

	mock_start(&mock, "{}");
	for (unsigned i = 0; i < COUNT(ids); i++)
		ids[i] = mock_open_session(&mock, 0);
	answer = mock_call(&mock, "GET", "/v1/sessions?limit=2", NULL);
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "data.0.id")), ids[4]);
	assert_true(cJSON_IsNull(json_get(answer.body, "prev_page")));
	path = mem_textf(
		"/v1/sessions?limit=2&page=%s", json_text(answer.body, "next_page"));
	http_answer_done(&answer);
	answer = mock_call(&mock, "GET", path, NULL);
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "data.0.id")), ids[2]);
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "data.1.id")), ids[1]);
	back = mem_textf(
		"/v1/sessions?limit=2&page=%s", json_text(answer.body, "prev_page"));
	free(path);
	path = mem_textf(
		"/v1/sessions?limit=2&page=%s", json_text(answer.body, "next_page"));
	http_answer_done(&answer);
	answer = mock_call(&mock, "GET", path, NULL);
	assert_int_equal(cJSON_GetArraySize(json_get(answer.body, "data")), 1);
	assert_true(cJSON_IsNull(json_get(answer.body, "next_page")));
	http_answer_done(&answer);
	answer = mock_call(&mock, "GET", back, NULL);
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "data.0.id")), ids[4]);
	http_answer_done(&answer);
	for (unsigned i = 1; i < COUNT(ids); i++)
		free(ids[i]); /* the first one is SCOPED's */
	mock_stop(&mock);
}

static unsigned count_sessions(struct mock_program *mock, const char *query)
{
	SCOPED(mem_free) char *path = mem_textf("/v1/sessions%s", query);
	struct http_answer answer = mock_call(mock, "GET", path, NULL);
	unsigned count;

	assert_int_equal(answer.status, 200);
	count = (unsigned)cJSON_GetArraySize(json_get(answer.body, "data"));
	http_answer_done(&answer);
	return count;
}

static void list_of_sessions_is_narrowed_as_asked(void **state UNUSED)
{
	static const struct {
		const char *query;
		unsigned count;
	} rows[] = {
		{"", 2},
		{"?include_archived=true", 3},
		{"?statuses%5B%5D=idle", 2},
		{"?statuses[]=terminated", 1},
		{"?statuses[]=running&statuses[]=idle", 2},
		{"?statuses[]=running&statuses[]=terminated&statuses[]=idle", 3},
		{"?statuses[]=running", 0},
		{"?agent_version=1", 2},
		{"?agent_version=99", 0},
		{"?agent_id=agent_x", 0},
		{"?created_at[gt]=2099-01-01T00:00:00Z", 0},
		{"?created_at[lt]=2099-01-01T00:00:00Z", 2},
		{"?created_at[gte]=2020-01-01T00:00:00.5%2B02:00", 2},
		{"?created_at[lte]=2020-01-01T00:00:00Z", 0},
	};
	struct mock_program mock;
	SCOPED(mem_free) char *archived = NULL;
	SCOPED(mem_free) char *path = NULL;
	SCOPED(mem_free) char *at = NULL;
	SCOPED(mem_free) char *after = NULL;

	mock_start(&mock, "{}");
	archived = mock_open_session(&mock, 1);
	mock_session_call(&mock, "POST", archived, "/archive", NULL);
	for (unsigned i = 0; i < 2; i++)
		free(mock_open_session(&mock, 2));
	for (unsigned i = 0; i < COUNT(rows); i++) {
		if (count_sessions(&mock, rows[i].query) != rows[i].count)
			fail_msg("%s: %u", rows[i].query,
				count_sessions(&mock, rows[i].query));
	}
	/* Whose creation is the bound itself is within "lte" and not "lt". */
	path = session_path(archived, "");
	at = mock_call_text(&mock, "GET", path, NULL, "created_at");
	after = mem_textf("?statuses[]=terminated&created_at[lte]=%s", at);
	assert_int_equal(count_sessions(&mock, after), 1);
	free(after);
	after = mem_textf("?statuses[]=terminated&created_at[lt]=%s", at);
	assert_int_equal(count_sessions(&mock, after), 0);
	mock_stop(&mock);
}

static void events_are_listed_by_all_types_that_are_asked_for(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *path = NULL;
	struct http_answer answer;

	mock_start(&mock, "{}");
	id = mock_open_session(&mock, 1);
	mock_say(&mock, id, "hello");
	mock_wait_event(&mock, "agent.turn.end");
	path = session_path(id, "/events?types[]=user.message&types[]=agent.message");
	answer = mock_call(&mock, "GET", path, NULL);
	assert_int_equal(cJSON_GetArraySize(json_get(answer.body, "data")), 2);
	http_answer_done(&answer);
	mock_stop(&mock);
}

static void control_path_shows_and_changes_behavior(void **state UNUSED)
{
	struct mock_program mock;
	struct http_answer answer;
	SCOPED(mem_free) char *id = NULL;

	mock_start(&mock, "{\"chunks\": 3, \"disconnect\": {\"fault\": \"hang\"}}");
	answer = mock_call(&mock, "PUT", "/control/behavior",
		"{\"disconnect\": {\"fault\": \"none\"}, \"tools\": 2}");
	assert_int_equal(answer.status, 200);
	assert_int_equal(json_int(answer.body, "chunks", 0), 3);
	assert_int_equal(json_int(answer.body, "tools", 0), 2);
	http_answer_done(&answer);
	id = mock_open_session(&mock, 5);
	answer = mock_call(&mock, "GET", "/control/sessions", NULL);
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "data.0.label")), "5");
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "data.0.id")), id);
	http_answer_done(&answer);
	assert_int_equal(mock_session_call(&mock, "POST", id, "/archive", NULL), 200);
	assert_int_equal(
		mock_call_status(&mock, "POST", "/control/reset", "{\"seed\":4}"), 200);
	assert_int_equal(mock_session_call(&mock, "GET", id, "", NULL), 404);
	answer = mock_call(&mock, "GET", "/control/behavior", NULL);
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "disconnect.fault")), "hang");
	http_answer_done(&answer);
	mock_stop(&mock);
}

static void every_change_over_control_is_an_event(void **state UNUSED)
{
	static const struct {
		const char *method, *path, *body;
		int status;
		const char *event; /* NULL: none */
	} rows[] = {
		{"PUT", "/control/behavior", "{\"chunks\": 2}", 200,
			"\"by\":\"/control/behavior\",\"change\":\"{\\\"chunks\\\":2}\""},
		{"PUT", "/control/behavior", "{\"chunks\": 0}", 400, NULL},
		{"GET", "/control/behavior", NULL, 200, NULL},
		{"POST", "/control/listen", "{\"accept\": true}", 200,
			"\"by\":\"/control/listen\",\"change\":\"{\\\"accept\\\":true}\""},
		{"POST", "/control/listen", "{\"accept\": 1}", 400, NULL},
		{"POST", "/control/reset", "{\"seed\": 7}", 200,
			"\"by\":\"/control/reset\",\"change\":\"{\\\"seed\\\":7}\""},
		{"POST", "/control/reset", "{\"seed\": -1}", 400, NULL},
		{"POST", "/control/reset", NULL, 200,
			"\"by\":\"/control/reset\",\"change\":\"{}\""},
	};
	struct mock_program mock;
	unsigned changes = 0;

	mock_start(&mock, "{}");
	for (unsigned i = 0; i < COUNT(rows); i++) {
		assert_int_equal(mock_call_status(&mock, rows[i].method, rows[i].path,
					 rows[i].body),
			rows[i].status);
		if (!rows[i].event)
			continue;
		changes++;
		assert_non_null(strstr(mock_wait_event(&mock, "agent.behavior.changed"),
			rows[i].event));
	}
	assert_int_equal(mock_count_events(&mock, "agent.behavior.changed"), changes);
	mock_stop(&mock);
}

static void control_key_is_for_control_alone(void **state UNUSED)
{
	static const struct {
		const char *path;
		const char *headers;
		int status;
		const char *why;
	} rows[] = {
		{"/control/sessions", CREDENTIAL, 401, "the client's credential"},
		{"/control/sessions", "x-control-key: test\r\n", 401, "another key"},
		{"/control/sessions", "x-control-key: c0ntro\r\n", 401, "a prefix"},
		{"/control/sessions", "x-control-key: c0ntrol\r\n", 200, "the key"},
		{"/v1/models", "x-control-key: c0ntrol\r\n" VERSION, 401,
			"not the client's credential"},
		{"/v1/models", CREDENTIAL VERSION, 200, "which is as it was"},
		{"/health", "", 200, "needs neither"},
	};
	struct mock_program mock;

	setenv("MOCK_AGENT_KEY", "test", 1);
	setenv("MOCK_AGENT_CONTROL_KEY", "c0ntrol", 1);
	mock_start(&mock, "{}");
	unsetenv("MOCK_AGENT_KEY");
	unsetenv("MOCK_AGENT_CONTROL_KEY");
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct http_answer answer;
		struct http_client line;

		http_open(&line, mock.port);
		http_send(&line, "GET", rows[i].path, rows[i].headers, NULL);
		answer = http_answer(&line);
		if (answer.status != rows[i].status)
			fail_msg("%s: %d, not %d", rows[i].why, answer.status,
				rows[i].status);
		http_answer_done(&answer);
		http_close(&line);
	}
	assert_int_equal(mock_count_events(&mock, "c0ntrol"), 0);
	mock_stop(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_have_the_order_of_the_hosted_api),
		cmocka_unit_test(
			requests_that_make_no_sense_are_refused_with_the_reason),
		cmocka_unit_test(events_that_make_no_sense_are_refused),
		cmocka_unit_test(agent_is_kept_in_versions),
		cmocka_unit_test(environment_comes_and_goes),
		cmocka_unit_test(session_lives_from_create_to_delete),
		cmocka_unit_test(sessions_without_a_room_are_numbered),
		cmocka_unit_test(lists_come_in_pages_both_ways),
		cmocka_unit_test(list_of_sessions_is_narrowed_as_asked),
		cmocka_unit_test(events_are_listed_by_all_types_that_are_asked_for),
		cmocka_unit_test(control_path_shows_and_changes_behavior),
		cmocka_unit_test(every_change_over_control_is_an_event),
		cmocka_unit_test(control_key_is_for_control_alone),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
