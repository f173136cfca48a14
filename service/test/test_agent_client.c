#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "service/test/agent_session_scene.h"
#include "test/support/own_network.h"

#define MANY 50

static void agent_session_opens_with_its_room_and_bot(void **state)
{
	struct agent_scene *scene = *state;

	scene_open(scene);
	assert_log(scene, "opened sesn_1;");
	assert_string_equal(buf_text(&scene->api.last_body),
		"{\"metadata\":{\"room\":\"1\",\"bot\":\"assistant\"},"
		"\"agent\":\"agent_1\",\"environment_id\":\"env_1\"}");
	assert_true(scene->api.authorized);
}

static void agent_client_creates_agent_and_environment_once(void **state)
{
	struct agent_scene *scene = *state;
	struct agent_session *sessions[MANY];

	for (int i = 0; i < MANY; i++) {
		sessions[i] = agent_session_open(
			scene->agent, NULL, "1", "bot", &scene_events, scene);
	}
	scene_await(scene, &scene->opened, MANY);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/environments;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), MANY);
	for (int i = 0; i < MANY; i++)
		agent_session_destroy(sessions[i]);
}

static void agent_client_retries_a_failed_creation_for_the_next_session(void **state)
{
	struct agent_scene *scene = *state;

	scene_inject(scene, "POST /v1/environments", API_FAULT_STATUS, 1);
	scene->api.fault_status = 403;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_log(scene,
		"opened POST /v1/environments: HTTP 403 some_error: as you like, "
		"********************;");
	agent_session_destroy(scene->session);
	scene->opened = 0;
	scene_open(scene);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/environments;"), 2);
}

static void agent_client_uses_the_ids_that_it_is_given(void **state)
{
	struct agent_scene *scene = *state;

	agent_client_destroy(scene->agent);
	scene_create_agent(scene,
		(struct agent_client_options){
			.agent_id = "agent_x", .environment_id = "env_y"});
	scene_open(scene);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 0);
	assert_non_null(strstr(buf_text(&scene->api.last_body),
		"\"agent\":\"agent_x\",\"environment_id\":\"env_y\""));
}

static void agent_client_declares_its_tools(void **state)
{
	struct agent_scene *scene = *state;
	SCOPED(json_free) cJSON *tools = cJSON_Parse(
		"[{\"name\":\"add\",\"description\":\"adds\",\"input_schema\":{}}]");

	agent_client_destroy(scene->agent);
	scene_create_agent(
		scene, (struct agent_client_options){.environment_id = "env_y"});
	agent_client_set_tools(scene->agent, tools);
	scene_inject(scene, "POST /v1/agents", API_FAULT_BODY, 1);
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_string_equal(buf_text(&scene->api.last_body),
		"{\"model\":\"claude-test\",\"tools\":[{\"name\":\"add\",\"description\":"
		"\"adds\",\"input_schema\":{},\"type\":\"custom\"}],\"name\":\"tester\"}");
}

static const struct failure {
	enum api_fault fault;
	unsigned status;
	const char *body;
	unsigned times;
	const char *log;
	const char *why;
} failures[] = {
	{API_FAULT_STATUS, 500, NULL, 1, "opened sesn_1;", "one 500 is retried"},
	{API_FAULT_STATUS, 429, NULL, 2, "opened sesn_1;", "so are two 429"},
	{API_FAULT_STATUS, 503, NULL, 3,
		"opened POST /v1/sessions: HTTP 503 some_error: as you like, "
		"******************** (tried 3 times);",
		"three tries at most"},
	{API_FAULT_STATUS, 401, NULL, 1,
		"opened POST /v1/sessions: HTTP 401 some_error: as you like, "
		"********************;",
		"a 401 is not temporary, and the key is hidden"},
	{API_FAULT_BODY, 0, "<html>", 1,
		"opened POST /v1/sessions: HTTP 200, and the answer is not JSON;",
		"not JSON"},
	{API_FAULT_BODY, 0, "{\"id\":", 1,
		"opened POST /v1/sessions: HTTP 200, and the answer is not JSON;",
		"half a document"},
	{API_FAULT_BODY, 0, "{\"id\":7}", 1,
		"opened POST /v1/sessions: the answer has no id;",
		"an id that is no text"},
	{API_FAULT_BODY, 0, "[]", 1, "opened POST /v1/sessions: the answer has no id;",
		"JSON, but no object"},
};

static void agent_session_reports_why_it_does_not_open(void **state)
{
	for (size_t i = 0; i < COUNT(failures); i++) {
		const struct failure *failure = &failures[i];
		struct agent_scene *scene;

		scene_set_up(state);
		scene = *state;
		scene_inject(
			scene, "POST /v1/sessions", failure->fault, failure->times);
		scene->api.fault_status = failure->status;
		scene->api.fault_body = failure->body;
		scene_begin_open(scene, NULL);
		scene_await(scene, &scene->opened, 1);
		if (strcmp(buf_text(&scene->log), failure->log) != 0)
			fail_msg("%s: %s", failure->why, buf_text(&scene->log));
		scene_tear_down(state);
	}
}

static void agent_client_waits_as_long_as_the_api_asks_for(void **state)
{
	struct agent_scene *scene = *state;
	int64_t began_ns = clock_now();

	scene_inject(scene, "POST /v1/sessions", API_FAULT_STATUS, 1);
	scene->api.fault_retry_ms = 700;
	scene_open(scene);
	assert_true(clock_now() - began_ns >= 700 * CLOCK_MS);
}

static void agent_client_does_not_wait_past_its_deadline(void **state)
{
	struct agent_scene *scene = *state;

	scene_inject(scene, "POST /v1/sessions", API_FAULT_STATUS, 1);
	scene->api.fault_retry_ms = 3600000;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 1);
	assert_null(scene->id);
}

static void agent_client_waits_for_a_response_until_its_deadline(void **state)
{
	struct agent_scene *scene = *state;
	int64_t began_ns = clock_now();

	agent_client_destroy(scene->agent);
	scene_create_agent(
		scene, (struct agent_client_options){.request_ns = 300 * CLOCK_MS});
	scene_inject(scene, "POST /v1/sessions", API_FAULT_HANG, 1);
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_true(clock_now() - began_ns >= 300 * CLOCK_MS);
	assert_null(scene->id);
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 1);
}

static void agent_client_reports_that_the_api_is_down(void **state)
{
	struct agent_scene *scene = *state;

	web_destroy(scene->api.web);
	scene->api.web = NULL;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_non_null(strstr(buf_text(&scene->log), "opened POST /v1/"));
	assert_non_null(strstr(buf_text(&scene->log), "(tried 3 times)"));
}

/* A session of an earlier start, in the API. */
static struct fake_session *leave_session(struct agent_scene *scene, const char *status)
{
	scene_open(scene);
	agent_session_destroy(scene->session);
	scene->session = NULL;
	scene->api.sessions[0].status = status;
	scene->opened = 0;
	buf_clear(&scene->api.journal);
	buf_clear(&scene->log);
	return &scene->api.sessions[0];
}

static void agent_session_never_creates_two_sessions(void **state)
{
	struct agent_scene *scene = *state;

	scene_inject(scene, "POST /v1/sessions", API_FAULT_EFFECTIVE_RESET, 1);
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_null(scene->id);
	assert_int_equal(scene->api.session_count, 1);
}

static void agent_session_retries_a_creation_that_certainly_failed(void **state)
{
	struct agent_scene *scene = *state;

	scene_inject(scene, "POST /v1/sessions", API_FAULT_STATUS, 1);
	scene->api.fault_status = 529;
	scene->api.fault_retry_ms = 1;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_log(scene, "opened sesn_1;");
}

static void agent_session_resumes_a_stored_session(void **state)
{
	struct agent_scene *scene = *state;

	leave_session(scene, "idle");
	scene_begin_open(scene, "sesn_1");
	scene_await(scene, &scene->opened, 1);
	scene_send(scene, "hello again");
	scene_await(scene, &scene->turned, 1);
	assert_log(scene, "opened sesn_1;turned +You said: hello again;");
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 0);
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 0);
}

static void agent_session_opens_a_new_session_when_the_stored_one_is_over(void **state)
{
	struct agent_scene *scene = *state;

	leave_session(scene, "terminated");
	scene_begin_open(scene, "sesn_1");
	scene_await(scene, &scene->opened, 1);
	assert_log(scene, "opened sesn_2;");
}

static void agent_session_opens_a_new_session_when_the_stored_one_is_unknown(
	void **state)
{
	struct agent_scene *scene = *state;

	scene_begin_open(scene, "sesn/../x y");
	scene_await(scene, &scene->opened, 1);
	assert_log(scene, "opened sesn_1;");
}

/* The refusal may come for the session or for its events. */
static void agent_session_opens_a_new_session_when_the_stored_one_is_refused(
	void **state)
{
	static const struct {
		unsigned status;
		bool anew;
		const char *why;
	} rows[] = {
		{400, true, "an invalid id"},
		{403, true, "another owner's"},
		{410, true, "gone"},
		{414, true, "an id that is too long"},
		{422, true, "an id of another kind"},
		{401, false, "our key is wrong, not the session"},
		{500, false, "the API failed, not the session"},
	};
	static const char *const requests[] = {
		"GET /v1/sessions/sesn_1", "GET /v1/sessions/sesn_1/events"};

	for (size_t i = 0; i < COUNT(rows) * COUNT(requests); i++) {
		unsigned status = rows[i / 2].status;
		struct agent_scene *scene;

		scene_set_up(state);
		scene = *state;
		leave_session(scene, "idle");
		scene_inject(scene, requests[i % 2], API_FAULT_STATUS,
			status >= 500 ? 3 : 1);
		scene->api.fault_status = status;
		scene->api.fault_retry_ms = 1;
		scene_begin_open(scene, "sesn_1");
		scene_await(scene, &scene->opened, 1);
		if (rows[i / 2].anew !=
			(strcmp(buf_text(&scene->log), "opened sesn_2;") == 0))
			fail_msg("%s: %s", rows[i / 2].why, buf_text(&scene->log));
		scene_tear_down(state);
	}
}

static void agent_session_interrupts_the_earlier_turn_of_a_stored_session(void **state)
{
	struct agent_scene *scene = *state;

	leave_session(scene, "running");
	scene_begin_open(scene, "sesn_1");
	scene_await(scene, &scene->opened, 1);
	assert_log(scene, "opened sesn_1;");
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
	assert_string_equal(scene->api.sessions[0].status, "idle");
}

static void agent_session_interrupts_a_stored_session_that_waits_for_a_tool(
	void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = leave_session(scene, "idle");

	api_add_idle(&scene->api, session, "requires_action");
	scene_begin_open(scene, "sesn_1");
	scene_await(scene, &scene->opened, 1);
	assert_log(scene, "opened sesn_1;");
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
}

static void agent_session_does_not_open_a_session_that_runs_for_ever(void **state)
{
	struct agent_scene *scene = *state;

	leave_session(scene, "running");
	scene->api.quiet = true;
	agent_client_destroy(scene->agent);
	scene_create_agent(scene, (struct agent_client_options){.request_ns = CLOCK_S});
	scene_begin_open(scene, "sesn_1");
	scene_await(scene, &scene->opened, 1);
	assert_log(scene, "opened session sesn_1 still runs an earlier turn;");
}

static void agent_session_may_be_destroyed_while_it_opens(void **state)
{
	struct agent_scene *scene = *state;

	scene_inject(scene, "POST /v1/sessions", API_FAULT_HANG, 1);
	scene_begin_open(scene, NULL);
	agent_session_destroy(scene->session);
	scene_begin_open(scene, NULL);
	scene_await_request(scene, "POST /v1/sessions;", 1);
	agent_session_destroy(scene->session);
	scene_begin_open(scene, "sesn_1");
	agent_session_destroy(scene->session);
	scene->session = NULL;
	scene_barrier(scene);
	assert_log(scene, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(agent_session_opens_with_its_room_and_bot),
		SCENE(agent_client_creates_agent_and_environment_once),
		SCENE(agent_client_retries_a_failed_creation_for_the_next_session),
		SCENE(agent_client_uses_the_ids_that_it_is_given),
		SCENE(agent_client_declares_its_tools),
		cmocka_unit_test(agent_session_reports_why_it_does_not_open),
		SCENE(agent_client_waits_as_long_as_the_api_asks_for),
		SCENE(agent_client_does_not_wait_past_its_deadline),
		SCENE(agent_client_waits_for_a_response_until_its_deadline),
		SCENE(agent_client_reports_that_the_api_is_down),
		SCENE(agent_session_never_creates_two_sessions),
		SCENE(agent_session_retries_a_creation_that_certainly_failed),
		SCENE(agent_session_resumes_a_stored_session),
		SCENE(agent_session_opens_a_new_session_when_the_stored_one_is_over),
		SCENE(agent_session_opens_a_new_session_when_the_stored_one_is_unknown),
		cmocka_unit_test(
			agent_session_opens_a_new_session_when_the_stored_one_is_refused),
		SCENE(agent_session_interrupts_the_earlier_turn_of_a_stored_session),
		SCENE(agent_session_interrupts_a_stored_session_that_waits_for_a_tool),
		SCENE(agent_session_does_not_open_a_session_that_runs_for_ever),
		SCENE(agent_session_may_be_destroyed_while_it_opens),
	};

	own_network();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
