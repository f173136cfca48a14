#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"

#include "mock-agent/session/client_session.h"
#include "mock-agent/test/mock_program.h"

#define HEADERS CREDENTIAL VERSION "content-type: application/json\r\n"

/* {"messages": ...} with this first message, and more behind it. */
#define BODY(more)                                                                     \
	"{\"model\":\"m\",\"max_tokens\":99," more "\"messages\":["                    \
	"{\"role\":\"user\",\"content\":\"hello\"}"
#define TOOLS                                                                          \
	"\"tools\":[{\"name\":\"one\",\"description\":\"d\",\"input_schema\":"         \
	"{\"type\":\"object\"}}],"
#define USED                                                                           \
	",{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\","   \
	"\"name\":\"one\",\"input\":{}}]},{\"role\":\"user\",\"content\":"             \
	"[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":\"r\"}]}"

static const char plain[] = BODY("") "]}";
static const char streamed[] = BODY("\"stream\":true,") "]}";
static const char with_tools[] = BODY(TOOLS) "]}";
static const char with_result[] = BODY(TOOLS) USED "]}";

/* The next event with this name; it must contain text. Borrowed. */
static const char *expect_event(
	struct mock_program *mock, const char *name, const char *text)
{
	SCOPED(mem_free) char *member = mem_textf("\"event\":\"%s\"", name);
	const char *line = mock_wait_event(mock, member);

	if (!strstr(line, text))
		fail_msg("expected %s in %s", text, line);
	return line;
}

static char *member_of(const char *line, const char *name)
{
	SCOPED(json_free) cJSON *event = json_parse(line, strlen(line));

	return mem_text(json_text(event, name));
}

static int ask_at(struct http_client *client, const char *path, const char *more,
	const char *body)
{
	SCOPED(mem_free) char *headers = mem_textf(HEADERS "%s", more);
	struct http_answer answer;

	http_send(client, "POST", path, headers, body);
	answer = http_answer(client);
	http_answer_done(&answer);
	return answer.status;
}

static int ask(struct http_client *client, const char *body)
{
	return ask_at(client, "/v1/messages", "", body);
}

static void begin_stream(struct mock_program *mock, struct http_client *client)
{
	http_open(client, mock->port);
	http_send(client, "POST", "/v1/messages", HEADERS, streamed);
	http_expect(client, "event: content_block_start");
}

/* Whose it is */

static void the_connection_is_the_session_of_a_client_without_a_name(
	void **state UNUSED)
{
	struct mock_program mock;
	struct http_client client;
	SCOPED(mem_free) char *first = NULL;
	SCOPED(mem_free) char *second = NULL;

	mock_start(&mock, "{}");
	http_open(&client, mock.port);
	assert_int_equal(ask(&client, plain), 200);
	assert_int_equal(ask(&client, plain), 200);
	http_close(&client);
	first = member_of(expect_event(&mock, "agent.session.opened",
				  "\"session\":\"connection-1\""),
		"id");
	expect_event(&mock, "agent.turn.begin", first);
	expect_event(&mock, "agent.turn.end", "\"why\":\"end_turn\"");
	expect_event(&mock, "agent.turn.begin", first);
	expect_event(&mock, "agent.turn.end", "\"why\":\"end_turn\"");
	expect_event(&mock, "agent.session.closed", first);
	http_open(&client, mock.port);
	ask(&client, plain);
	second = member_of(
		expect_event(&mock, "agent.session.opened", "\"by\":\"connection\""),
		"id");
	assert_string_not_equal(first, second);
	http_close(&client);
	mock_stop(&mock);
}

static void the_first_name_that_the_client_gives_is_its_session(void **state UNUSED)
{
	static const struct {
		const char *path, *headers, *metadata;
		const char *by, *label;
	} rows[] = {
		{"/room/9/v1/messages", "x-session: 8\r\n", "a", "path", "9"},
		{"/v1/messages", "x-session: b-2\r\nx-claude-code-session-id: c\r\n",
			"a", "header", "b-2"},
		{"/v1/messages", "x-claude-code-session-id: 77\r\n", "a", "cli", "2"},
		{"/v1/messages", "", "ann@example.org", "user", "3"},
		{"/room/a%20secret/v1/messages", "", "a", "path", "4"},
		{"/room//v1/messages", "", "a", "", ""}, /* no route */
	};
	struct mock_program mock;
	struct http_client client;

	mock_start(&mock, "{}");
	http_open(&client, mock.port);
	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *body =
			mem_textf(BODY("\"metadata\":{\"user_id\":\"%s\"},") "]}",
				rows[i].metadata);
		SCOPED(mem_free) char *by = mem_textf("\"by\":\"%s\"", rows[i].by);
		SCOPED(mem_free) char *label = NULL;

		assert_int_equal(ask_at(&client, rows[i].path, rows[i].headers, body),
			rows[i].by[0] ? 200 : 404);
		if (!rows[i].by[0])
			continue;
		label = member_of(
			expect_event(&mock, "agent.session.opened", by), "session");
		assert_string_equal(label, rows[i].label);
	}
	http_close(&client);
	for (size_t i = 0; i < COUNT(rows) - 1; i++)
		expect_event(&mock, "agent.session.closed", "\"port\":");
	assert_int_equal(mock_count_events(&mock, "ann@"), 0);
	assert_int_equal(mock_count_events(&mock, "secret"), 0);
	mock_stop(&mock);
}

static void a_user_id_may_have_the_session_in_it(void **state UNUSED)
{
	static const char *const rows[][2] = {
		{"{\"device_id\":\"d\",\"session_id\":\"s-1\"}", "s-1"},
		{"{\"device_id\":\"d\"}", "{\"device_id\":\"d\"}"},
		{"user_1_account__session_0a1b", "0a1b"},
		{"user_session_x_session_y", "y"},
		{"ann@example.org", "ann@example.org"},
		{"", ""},
		{"{", "{"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *session = client_session_of_user(rows[i][0]);

		assert_string_equal(session, rows[i][1]);
	}
}

static void a_session_is_closed_with_its_last_connection_and_resumes(
	void **state UNUSED)
{
	struct mock_program mock;
	struct http_client one, other;
	SCOPED(mem_free) char *id = NULL;

	mock_start(&mock, "{}");
	http_open(&one, mock.port);
	http_open(&other, mock.port);
	ask_at(&one, "/room/1/v1/messages", "", plain);
	ask_at(&one, "/room/2/v1/messages", "", plain);
	ask_at(&other, "/room/1/v1/messages", "", plain);
	http_close(&one);
	id = member_of(expect_event(&mock, "agent.session.opened", "\"1\""), "id");
	expect_event(&mock, "agent.session.closed", "\"session\":\"2\"");
	http_close(&other);
	expect_event(&mock, "agent.session.closed", id);
	http_open(&one, mock.port);
	ask_at(&one, "/room/1/v1/messages", "", plain);
	expect_event(&mock, "agent.session.resumed", id);
	assert_int_equal(mock_count_events(&mock, "agent.session.opened"), 2);
	http_close(&one);
	mock_stop(&mock);
}

/* Beyond the bound requests are answered, without a session; once one of a connection has
 * ended, there is room again. */
static void sessions_are_bounded(void **state UNUSED)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct agent_behavior behavior;
	struct fault_schedules schedules;
	struct session_numbers numbers = {0};
	struct client_sessions sessions = {
		.schedules = &schedules, .numbers = &numbers};
	struct web_connection named = {0}, bare = {0};
	struct client_origin origin = {.connection = &named, .api = "messages"};

	log_to(nowhere);
	agent_behavior_preset(&behavior);
	fault_schedules_init(&schedules, &behavior, 1);
	client_session_release(client_sessions_take(&sessions,
		&(struct client_origin){.connection = &bare, .api = "messages"}));
	for (unsigned i = 1; i <= CLIENT_SESSIONS_MAX; i++) {
		SCOPED(mem_free) char *name = mem_textf("u%u", i);
		struct client_session *session;

		origin.names[CLIENT_BY_USER] = name;
		/* The first ones only: each look is through the connection's list. */
		origin.connection =
			i <= 3 ? &named : &(struct web_connection){.port = 1};
		session = client_sessions_take(&sessions, &origin);
		assert_true((session != NULL) == (i < CLIENT_SESSIONS_MAX));
		client_session_release(session);
		if (i > 3)
			client_sessions_disconnect(origin.connection);
	}
	assert_true(sessions.full);
	client_sessions_disconnect(&bare);
	origin.names[CLIENT_BY_USER] = "one more";
	origin.connection = &named;
	client_session_release(client_sessions_take(&sessions, &origin));
	assert_int_equal(HASH_COUNT(sessions.by_key), CLIENT_SESSIONS_MAX);
	client_sessions_disconnect(&named);
	client_sessions_clear(&sessions);
	session_numbers_clear(&numbers);
	fault_schedules_done(&schedules);
	agent_behavior_done(&behavior);
	log_to(STDERR_FILENO);
	close(nowhere);
}

static void what_is_refused_opens_no_session(void **state UNUSED)
{
	struct mock_program mock;
	struct http_client client;

	mock_start(&mock, "{}");
	http_open(&client, mock.port);
	assert_int_equal(ask(&client, "{\"model\":\"m\"}"), 400);
	assert_int_equal(ask_at(&client, "/room/1/v1/messages", "", "{}"), 400);
	assert_int_equal(ask_at(&client, "/room/1/v1/nothing", "", plain), 404);
	assert_int_equal(ask(&client, plain), 200);
	expect_event(&mock, "agent.session.opened", "connection-1");
	assert_int_equal(mock_count_events(&mock, "agent.session.opened"), 1);
	http_close(&client);
	mock_stop(&mock);
}

/* Its turns */

static void a_client_that_leaves_in_mid_answer_interrupts_the_turn(void **state UNUSED)
{
	struct mock_program mock;
	struct http_client client;

	mock_start(&mock, "{\"chunks\":2,\"chunk\":{\"latency\":\"1h\"}}");
	begin_stream(&mock, &client);
	http_close(&client);
	expect_event(&mock, "agent.turn.end", "\"why\":\"interrupted\"");
	expect_event(&mock, "agent.session.closed", "connection-1");
	mock_stop(&mock);
}

static void a_whole_answer_waits_for_its_first_byte_too(void **state UNUSED)
{
	struct mock_program mock;
	struct http_client client;

	mock_start(&mock, "{\"first_byte\":{\"latency\":\"1h\"}}");
	http_open(&client, mock.port);
	http_send(&client, "POST", "/v1/messages", HEADERS, plain);
	expect_event(&mock, "agent.turn.begin", "");
	assert_int_equal(http_read(&client, 50), HTTP_SILENT);
	http_close(&client);
	expect_event(&mock, "agent.turn.end", "\"why\":\"interrupted\"");
	mock_stop(&mock);
}

static void a_turn_goes_on_with_the_results_of_its_tools(void **state UNUSED)
{
	struct mock_program mock;
	struct http_client client;
	SCOPED(mem_free) char *turn = NULL;
	SCOPED(mem_free) char *later = NULL;

	mock_start(&mock, "{\"tools\":1}");
	http_open(&client, mock.port);
	ask(&client, with_tools);
	turn = member_of(expect_event(&mock, "agent.turn.begin", ""), "turn");
	expect_event(&mock, "agent.tool.asked", "\"tool\":\"one\"");
	ask(&client, with_result);
	expect_event(&mock, "agent.tool.answered", turn);
	expect_event(&mock, "agent.turn.end", turn);
	ask(&client, BODY("") ",{\"role\":\"user\",\"content\":\"and now\"}]}");
	later = member_of(expect_event(&mock, "agent.turn.begin", ""), "turn");
	assert_string_not_equal(later, turn);
	expect_event(&mock, "agent.turn.end", later);
	http_close(&client);
	mock_stop(&mock);
}

/* Some clients put a reminder in front of the result, or take one away. */
static void a_result_belongs_to_the_turn_that_waits_whatever_is_around_it(
	void **state UNUSED)
{
	static const char reminded[] =
		BODY(TOOLS) ",{\"role\":\"user\",\"content\":\"be brief\"}" USED "]}";
	static const char summed_up[] = "{\"model\":\"m\",\"max_tokens\":99," TOOLS
					"\"messages\":[{\"role\":\"user\","
					"\"content\":\"in short\"}" USED "]}";
	static const char *const bodies[] = {reminded, summed_up};

	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct mock_program mock;
		struct http_client client;
		SCOPED(mem_free) char *turn = NULL;

		mock_start(&mock, "{\"tools\":1}");
		http_open(&client, mock.port);
		ask(&client, with_tools);
		turn = member_of(expect_event(&mock, "agent.turn.begin", ""), "turn");
		ask(&client, bodies[i]);
		expect_event(&mock, "agent.tool.answered", turn);
		expect_event(&mock, "agent.turn.end", turn);
		http_close(&client);
		mock_stop(&mock);
	}
}

static void a_turn_whose_tool_is_never_answered_does_not_end(void **state UNUSED)
{
	struct mock_program mock;
	struct http_client client;

	mock_start(&mock, "{\"tools\":1}");
	http_open(&client, mock.port);
	ask(&client, with_tools);
	http_close(&client);
	expect_event(&mock, "agent.session.closed", "");
	assert_int_equal(mock_count_events(&mock, "agent.turn.end"), 0);
	mock_stop(&mock);
}

static void a_prompt_in_place_of_a_result_gives_the_turn_up(void **state UNUSED)
{
	struct mock_program mock;
	struct http_client client;

	mock_start(&mock, "{\"tools\":1}");
	http_open(&client, mock.port);
	ask(&client, with_tools);
	ask(&client, BODY(TOOLS) ",{\"role\":\"user\",\"content\":\"stop\"}]}");
	expect_event(&mock, "agent.tool.asked", "");
	expect_event(&mock, "agent.turn.end", "\"why\":\"interrupted\"");
	expect_event(&mock, "agent.turn.begin", "");
	http_close(&client);
	mock_stop(&mock);
}

/* The agent below asks with the name of the same session. */
static void an_agent_below_an_agent_ends_its_own_turn_alone(void **state UNUSED)
{
	static const char below[] = "{\"model\":\"m\",\"max_tokens\":9,\"messages\":"
				    "[{\"role\":\"user\",\"content\":\"look\"}]}";
	static const char path[] = "/room/1/v1/messages";
	struct mock_program mock;
	struct http_client client;
	SCOPED(mem_free) char *turn = NULL;
	SCOPED(mem_free) char *inner = NULL;

	mock_start(&mock, "{\"tools\":1}");
	http_open(&client, mock.port);
	ask_at(&client, path, "", with_tools);
	turn = member_of(expect_event(&mock, "agent.turn.begin", ""), "turn");
	ask_at(&client, path, "", below);
	inner = member_of(expect_event(&mock, "agent.turn.begin", ""), "turn");
	expect_event(&mock, "agent.turn.end", inner);
	ask_at(&client, path, "", with_result);
	expect_event(&mock, "agent.tool.answered", turn);
	expect_event(&mock, "agent.turn.end", turn);
	http_close(&client);
	mock_stop(&mock);
}

static void a_tool_that_the_client_forces_ends_its_turn(void **state UNUSED)
{
	struct mock_program mock;
	struct http_client client;

	mock_start(&mock, "{\"tools\":1}");
	http_open(&client, mock.port);
	ask(&client, BODY(TOOLS "\"tool_choice\":{\"type\":\"any\"},") "]}");
	expect_event(&mock, "agent.turn.end", "\"why\":\"end_turn\"");
	assert_int_equal(mock_count_events(&mock, "agent.tool.asked"), 0);
	http_close(&client);
	mock_stop(&mock);
}

/* Faults */

static void a_fault_fails_the_turn_and_a_retry_is_the_same_turn(void **state UNUSED)
{
	static const char *const faults[] = {
		"\"messages\":{\"fault\":\"error\",\"status\":529,\"times\":1}",
		"\"first_byte\":{\"fault\":\"reset\",\"times\":1}",
		"\"messages\":{\"fault\":\"truncate\",\"times\":1}",
		"\"first_byte\":{\"fault\":\"error\",\"status\":500,\"times\":1}",
	};

	for (size_t i = 0; i < COUNT(faults); i++) {
		SCOPED(mem_free) char *behavior = mem_textf("{%s}", faults[i]);
		SCOPED(mem_free) char *turn = NULL;
		struct mock_program mock;
		struct http_client client;

		mock_start(&mock, behavior);
		for (unsigned attempt = 0; attempt < 2; attempt++) {
			http_open(&client, mock.port);
			http_send(&client, "POST", "/v1/messages", HEADERS, streamed);
			http_read_all(&client, HTTP_PATIENCE_MS);
			http_close(&client);
		}
		turn = member_of(expect_event(&mock, "agent.turn.begin", ""), "turn");
		expect_event(&mock, "agent.fault", "\"id\":\"client_1\"");
		expect_event(&mock, "agent.turn.end", "\"why\":\"failed\"");
		expect_event(&mock, "agent.turn.begin", turn);
		expect_event(&mock, "agent.turn.end", "\"why\":\"end_turn\"");
		mock_stop(&mock);
	}
}

static void a_hanging_answer_is_ended_by_its_client(void **state UNUSED)
{
	struct mock_program mock;
	struct http_client client;

	mock_start(&mock, "{\"chunk\":{\"fault\":\"hang\"},\"chunks\":2}");
	begin_stream(&mock, &client);
	expect_event(&mock, "agent.fault", "\"hang\"");
	http_close(&client);
	expect_event(&mock, "agent.turn.end", "\"why\":\"interrupted\"");
	mock_stop(&mock);
}

static void rules_apply_to_the_number_in_the_path_and_the_header(void **state UNUSED)
{
	static const struct {
		const char *path, *headers;
		int status;
	} rows[] = {
		{"/room/7/v1/messages", "", 529},
		{"/v1/messages", "x-session: 7\r\n", 529},
		{"/room/8/v1/messages", "", 200},
		{"/v1/messages", "", 200},
	};
	struct mock_program mock;
	struct http_client client;

	mock_start(&mock,
		"{\"rules\":[{\"session\":7,\"messages\":"
		"{\"fault\":\"error\",\"status\":529}}]}");
	http_open(&client, mock.port);
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(ask_at(&client, rows[i].path, rows[i].headers, plain),
			rows[i].status);
	http_close(&client);
	mock_stop(&mock);
}

/* Beside the other APIs, and control */

static void chat_completions_are_sessions_as_well(void **state UNUSED)
{
	struct mock_program mock;
	struct http_client client;
	SCOPED(mem_free) char *id = NULL;

	mock_start(&mock, "{\"tools\":1}");
	http_open(&client, mock.port);
	http_send(&client, "POST", "/room/6/v1/chat/completions",
		CREDENTIAL "content-type: application/json\r\n",
		"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
		"\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"one\","
		"\"parameters\":{\"type\":\"object\"}}}]}");
	id = member_of(
		expect_event(&mock, "agent.session.opened", "\"api\":\"chat\""), "id");
	expect_event(&mock, "agent.tool.asked", id);
	http_close(&client);
	expect_event(&mock, "agent.session.closed", "\"session\":\"6\"");
	http_open(&client, mock.port);
	http_send(&client, "POST", "/v1/chat/completions",
		CREDENTIAL "content-type: application/json\r\n",
		"{\"model\":\"m\",\"user\":\"bob\",\"messages\":"
		"[{\"role\":\"user\",\"content\":\"hi\"}]}");
	expect_event(&mock, "agent.session.opened", "\"by\":\"user\"");
	expect_event(&mock, "agent.turn.end", "\"end_turn\"");
	http_close(&client);
	assert_int_equal(mock_count_events(&mock, "bob"), 0);
	mock_stop(&mock);
}

static void a_room_in_the_path_numbers_a_session_of_the_session_api(void **state UNUSED)
{
	struct mock_program mock;
	struct http_client client;
	struct http_answer answer;
	SCOPED(mem_free) char *id = NULL;
	SCOPED(mem_free) char *body = NULL;
	SCOPED(mem_free) char *path = NULL;

	mock_start(&mock, "{}");
	id = mock_open_session(&mock, 3);
	expect_event(&mock, "agent.session.opened", "\"by\":\"metadata\"");
	body = mem_textf("{\"agent\":\"%s\",\"environment_id\":\"%s\"}", mock.agent_id,
		mock.environment_id);
	http_open(&client, mock.port);
	mock_send(&client, "POST", "/room/5/v1/sessions", body);
	answer = http_answer(&client);
	assert_int_equal(answer.status, 200);
	path = mem_textf("/room/5/v1/sessions/%s", json_text(answer.body, "id"));
	http_answer_done(&answer);
	expect_event(&mock, "agent.session.opened", "\"session\":\"5\"");
	mock_send(&client, "POST", "/v1/sessions", body);
	answer = http_answer(&client);
	http_answer_done(&answer);
	expect_event(&mock, "agent.session.opened", "\"by\":\"order\"");
	assert_int_equal(mock_call_status(&mock, "DELETE", path, NULL), 200);
	http_close(&client);
	mock_stop(&mock);
}

static void control_lists_them_and_a_reset_forgets_them(void **state UNUSED)
{
	struct mock_program mock;
	struct http_client client;
	struct http_answer answer;

	mock_start(&mock, "{}");
	http_open(&client, mock.port);
	ask_at(&client, "/room/4/v1/messages", "", plain);
	answer = mock_call(&mock, "GET", "/control/sessions", NULL);
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "data.0.label")), "4");
	assert_string_equal(
		cJSON_GetStringValue(json_at(answer.body, "data.0.by")), "path");
	assert_int_equal(json_int(json_at(answer.body, "data.0"), "connections", 0), 1);
	http_answer_done(&answer);
	assert_int_equal(mock_control(&mock, "POST", "/control/reset", "{}"), 200);
	ask_at(&client, "/room/4/v1/messages", "", plain);
	http_close(&client);
	expect_event(&mock, "agent.behavior.changed", "reset");
	expect_event(&mock, "agent.session.opened", "\"4\"");
	expect_event(&mock, "agent.session.closed", "\"4\"");
	assert_int_equal(mock_count_events(&mock, "agent.session.closed"), 1);
	mock_stop(&mock);
}

static void a_reset_in_mid_answer_writes_no_end_of_what_it_forgot(void **state UNUSED)
{
	struct mock_program mock;
	struct http_client client;

	mock_start(&mock, "{\"chunks\":2,\"chunk\":{\"latency\":\"1h\"}}");
	begin_stream(&mock, &client);
	assert_int_equal(mock_control(&mock, "POST", "/control/reset", "{}"), 200);
	http_close(&client);
	http_open(&client, mock.port);
	ask_at(&client, "/v1/messages", "", plain);
	expect_event(&mock, "agent.behavior.changed", "reset");
	expect_event(&mock, "agent.session.opened", "connection-2");
	http_close(&client);
	expect_event(&mock, "agent.session.closed", "connection-2");
	assert_int_equal(mock_count_events(&mock, "interrupted"), 0);
	mock_stop(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_connection_is_the_session_of_a_client_without_a_name),
		cmocka_unit_test(the_first_name_that_the_client_gives_is_its_session),
		cmocka_unit_test(a_user_id_may_have_the_session_in_it),
		cmocka_unit_test(
			a_session_is_closed_with_its_last_connection_and_resumes),
		cmocka_unit_test(sessions_are_bounded),
		cmocka_unit_test(what_is_refused_opens_no_session),
		cmocka_unit_test(
			a_client_that_leaves_in_mid_answer_interrupts_the_turn),
		cmocka_unit_test(a_whole_answer_waits_for_its_first_byte_too),
		cmocka_unit_test(a_turn_goes_on_with_the_results_of_its_tools),
		cmocka_unit_test(
			a_result_belongs_to_the_turn_that_waits_whatever_is_around_it),
		cmocka_unit_test(a_turn_whose_tool_is_never_answered_does_not_end),
		cmocka_unit_test(a_prompt_in_place_of_a_result_gives_the_turn_up),
		cmocka_unit_test(an_agent_below_an_agent_ends_its_own_turn_alone),
		cmocka_unit_test(a_tool_that_the_client_forces_ends_its_turn),
		cmocka_unit_test(a_fault_fails_the_turn_and_a_retry_is_the_same_turn),
		cmocka_unit_test(a_hanging_answer_is_ended_by_its_client),
		cmocka_unit_test(rules_apply_to_the_number_in_the_path_and_the_header),
		cmocka_unit_test(chat_completions_are_sessions_as_well),
		cmocka_unit_test(
			a_room_in_the_path_numbers_a_session_of_the_session_api),
		cmocka_unit_test(control_lists_them_and_a_reset_forgets_them),
		cmocka_unit_test(a_reset_in_mid_answer_writes_no_end_of_what_it_forgot),
	};

	return cmocka_run_group_tests_name("client_session", tests, NULL, NULL);
}
