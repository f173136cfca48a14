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

#define MANY 50

static void agent_opens_a_session_with_its_room_and_bot(void **state)
{
	struct scene *scene = *state;

	scene_open(scene);
	assert_story(scene, "opened sesn_1;");
	assert_string_equal(buf_text(&scene->api.last_body),
		"{\"metadata\":{\"room\":\"1\",\"bot\":\"assistant\"},"
		"\"agent\":\"agent_1\",\"environment_id\":\"env_1\"}");
	assert_true(scene->api.authorized);
}

static void agent_creates_what_it_needs_once_for_all_who_wait(void **state)
{
	struct scene *scene = *state;
	struct agent_session *talks[MANY];

	for (int i = 0; i < MANY; i++) {
		talks[i] = agent_session_open(
			scene->agent, NULL, "1", "bot", &scene_events, scene);
	}
	scene_await(scene, &scene->opened, MANY);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/environments;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), MANY);
	for (int i = 0; i < MANY; i++)
		agent_session_destroy(talks[i]);
}

static void agent_tries_again_to_create_what_could_not_be_created(void **state)
{
	struct scene *scene = *state;

	scene_strike(scene, "POST /v1/environments", API_FAULT_STATUS, 1);
	scene->api.fault_status = 403;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_story(scene,
		"opened POST /v1/environments: HTTP 403 some_error: as you like, "
		"********************;");
	agent_session_destroy(scene->session);
	scene->opened = 0;
	scene_open(scene);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/environments;"), 2);
}

static void agent_refers_to_the_ids_it_is_given(void **state)
{
	struct scene *scene = *state;

	agent_client_destroy(scene->agent);
	scene_create_agent(scene,
		(struct agent_client_options){.provision.agent_id = "agent_x",
			.provision.environment_id = "env_y"});
	scene_open(scene);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 0);
	assert_non_null(strstr(buf_text(&scene->api.last_body),
		"\"agent\":\"agent_x\",\"environment_id\":\"env_y\""));
}

static void agent_declares_its_tools(void **state)
{
	struct scene *scene = *state;
	SCOPED(json_free) cJSON *tools = cJSON_Parse(
		"[{\"name\":\"add\",\"description\":\"adds\",\"input_schema\":{}}]");

	agent_client_destroy(scene->agent);
	scene_create_agent(scene,
		(struct agent_client_options){.provision.environment_id = "env_y"});
	agent_client_set_tools(scene->agent, tools);
	scene_strike(scene, "POST /v1/agents", API_FAULT_BODY, 1);
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
	const char *story;
	const char *why;
} failures[] = {
	{API_FAULT_STATUS, 500, NULL, 1, "opened sesn_1;", "one 500 is passed over"},
	{API_FAULT_STATUS, 429, NULL, 2, "opened sesn_1;", "so are two 429"},
	{API_FAULT_STATUS, 503, NULL, 3,
		"opened POST /v1/sessions: HTTP 503 some_error: as you like, "
		"******************** (tried 3 times);",
		"three times are too often"},
	{API_FAULT_STATUS, 401, NULL, 1,
		"opened POST /v1/sessions: HTTP 401 some_error: as you like, "
		"********************;",
		"a 401 will not pass, and the key is never repeated"},
	{API_FAULT_BODY, 0, "<html>", 1,
		"opened POST /v1/sessions: HTTP 200, and the answer is not JSON;",
		"not JSON"},
	{API_FAULT_BODY, 0, "{\"id\":", 1,
		"opened POST /v1/sessions: HTTP 200, and the answer is not JSON;",
		"half of it"},
	{API_FAULT_BODY, 0, "{\"id\":7}", 1,
		"opened POST /v1/sessions: the answer has no id;",
		"an id that is none"},
	{API_FAULT_BODY, 0, "[]", 1, "opened POST /v1/sessions: the answer has no id;",
		"JSON, but no object"},
};

static void agent_says_why_a_session_does_not_open(void **state)
{
	for (size_t i = 0; i < COUNT(failures); i++) {
		const struct failure *failure = &failures[i];
		struct scene *scene;

		scene_set_up(state);
		scene = *state;
		scene_strike(
			scene, "POST /v1/sessions", failure->fault, failure->times);
		scene->api.fault_status = failure->status;
		scene->api.fault_body = failure->body;
		scene_begin_open(scene, NULL);
		scene_await(scene, &scene->opened, 1);
		if (strcmp(buf_text(&scene->story), failure->story) != 0)
			fail_msg("%s: %s", failure->why, buf_text(&scene->story));
		scene_tear_down(state);
	}
}

static void agent_waits_as_long_as_the_api_asks_for(void **state)
{
	struct scene *scene = *state;
	int64_t began_ns = clock_now();

	scene_strike(scene, "POST /v1/sessions", API_FAULT_STATUS, 1);
	scene->api.fault_retry_ms = 700;
	scene_open(scene);
	assert_true(clock_now() - began_ns >= 700 * CLOCK_MS);
}

static void agent_does_not_wait_past_its_deadline(void **state)
{
	struct scene *scene = *state;

	scene_strike(scene, "POST /v1/sessions", API_FAULT_STATUS, 1);
	scene->api.fault_retry_ms = 3600000;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 1);
	assert_null(scene->id);
}

static void agent_waits_for_an_answer_until_its_deadline(void **state)
{
	struct scene *scene = *state;
	int64_t began_ns = clock_now();

	agent_client_destroy(scene->agent);
	scene_create_agent(
		scene, (struct agent_client_options){.request_ns = 300 * CLOCK_MS});
	scene_strike(scene, "POST /v1/sessions", API_FAULT_HANG, 1);
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_true(clock_now() - began_ns >= 300 * CLOCK_MS);
	assert_null(scene->id);
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 1);
}

static void agent_says_that_nobody_listens(void **state)
{
	struct scene *scene = *state;

	web_destroy(scene->api.web);
	scene->api.web = NULL;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_non_null(strstr(buf_text(&scene->story), "opened POST /v1/"));
	assert_non_null(strstr(buf_text(&scene->story), "(tried 3 times)"));
}

/* A session that somebody left in the API. */
static struct fake_session *leave_session(struct scene *scene, const char *status)
{
	scene_open(scene);
	agent_session_destroy(scene->session);
	scene->session = NULL;
	scene->api.sessions[0].status = status;
	scene->opened = 0;
	buf_clear(&scene->api.journal);
	buf_clear(&scene->story);
	return &scene->api.sessions[0];
}

static void agent_session_never_asks_for_two_sessions(void **state)
{
	struct scene *scene = *state;

	scene_strike(scene, "POST /v1/sessions", API_FAULT_EFFECTIVE_RESET, 1);
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_null(scene->id);
	assert_int_equal(scene->api.session_count, 1);
}

static void agent_session_asks_again_for_a_session_that_was_certainly_not_created(
	void **state)
{
	struct scene *scene = *state;

	scene_strike(scene, "POST /v1/sessions", API_FAULT_STATUS, 1);
	scene->api.fault_status = 529;
	scene->api.fault_retry_ms = 1;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_story(scene, "opened sesn_1;");
}

static void agent_session_resumes_a_stored_session(void **state)
{
	struct scene *scene = *state;

	leave_session(scene, "idle");
	scene_begin_open(scene, "sesn_1");
	scene_await(scene, &scene->opened, 1);
	scene_say(scene, "hello again");
	scene_await(scene, &scene->turned, 1);
	assert_story(scene, "opened sesn_1;turned +You said: hello again;");
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 0);
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 0);
}

static void agent_session_opens_a_new_session_when_the_stored_one_is_over(void **state)
{
	struct scene *scene = *state;

	leave_session(scene, "terminated");
	scene_begin_open(scene, "sesn_1");
	scene_await(scene, &scene->opened, 1);
	assert_story(scene, "opened sesn_2;");
}

static void agent_session_opens_a_new_session_when_the_stored_one_is_unknown(
	void **state)
{
	struct scene *scene = *state;

	scene_begin_open(scene, "sesn/../x y");
	scene_await(scene, &scene->opened, 1);
	assert_story(scene, "opened sesn_1;");
}

/* Whether it asks for the session itself or for its events. */
static void agent_session_opens_a_new_session_when_the_stored_one_is_refused(
	void **state)
{
	static const struct {
		unsigned status;
		bool anew;
		const char *why;
	} rows[] = {
		{400, true, "an id that makes no sense to it"},
		{403, true, "somebody else's"},
		{410, true, "gone for good"},
		{414, true, "an id without end"},
		{422, true, "an id of another kind"},
		{401, false, "it does not know us: the session is none the worse"},
		{500, false, "it may have it again tomorrow"},
	};
	static const char *const requests[] = {
		"GET /v1/sessions/sesn_1", "GET /v1/sessions/sesn_1/events"};

	for (size_t i = 0; i < COUNT(rows) * COUNT(requests); i++) {
		unsigned status = rows[i / 2].status;
		struct scene *scene;

		scene_set_up(state);
		scene = *state;
		leave_session(scene, "idle");
		scene_strike(scene, requests[i % 2], API_FAULT_STATUS,
			status >= 500 ? 3 : 1);
		scene->api.fault_status = status;
		scene->api.fault_retry_ms = 1;
		scene_begin_open(scene, "sesn_1");
		scene_await(scene, &scene->opened, 1);
		if (rows[i / 2].anew !=
			(strcmp(buf_text(&scene->story), "opened sesn_2;") == 0))
			fail_msg("%s: heard %s", rows[i / 2].why,
				buf_text(&scene->story));
		scene_tear_down(state);
	}
}

static void agent_session_interrupts_what_a_stored_session_still_does(void **state)
{
	struct scene *scene = *state;

	leave_session(scene, "running");
	scene_begin_open(scene, "sesn_1");
	scene_await(scene, &scene->opened, 1);
	assert_story(scene, "opened sesn_1;");
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
	assert_string_equal(scene->api.sessions[0].status, "idle");
}

static void agent_session_interrupts_what_a_stored_session_waits_for(void **state)
{
	struct scene *scene = *state;
	struct fake_session *session = leave_session(scene, "idle");

	api_tell_idle(&scene->api, session, "requires_action");
	scene_begin_open(scene, "sesn_1");
	scene_await(scene, &scene->opened, 1);
	assert_story(scene, "opened sesn_1;");
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
}

static void agent_session_does_not_open_a_session_that_never_rests(void **state)
{
	struct scene *scene = *state;

	leave_session(scene, "running");
	scene->api.quiet = true;
	agent_client_destroy(scene->agent);
	scene_create_agent(scene, (struct agent_client_options){.request_ns = CLOCK_S});
	scene_begin_open(scene, "sesn_1");
	scene_await(scene, &scene->opened, 1);
	assert_story(scene, "opened session sesn_1 still runs an earlier turn;");
}

static void agent_session_may_be_destroyed_while_it_opens(void **state)
{
	struct scene *scene = *state;

	scene_strike(scene, "POST /v1/sessions", API_FAULT_HANG, 1);
	scene_begin_open(scene, NULL);
	agent_session_destroy(scene->session);
	scene_begin_open(scene, NULL);
	scene_await_request(scene, "POST /v1/sessions;", 1);
	agent_session_destroy(scene->session);
	scene_begin_open(scene, "sesn_1");
	agent_session_destroy(scene->session);
	scene->session = NULL;
	scene_let_pass(scene, 20);
	assert_story(scene, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(agent_opens_a_session_with_its_room_and_bot),
		SCENE(agent_creates_what_it_needs_once_for_all_who_wait),
		SCENE(agent_tries_again_to_create_what_could_not_be_created),
		SCENE(agent_refers_to_the_ids_it_is_given),
		SCENE(agent_declares_its_tools),
		cmocka_unit_test(agent_says_why_a_session_does_not_open),
		SCENE(agent_waits_as_long_as_the_api_asks_for),
		SCENE(agent_does_not_wait_past_its_deadline),
		SCENE(agent_waits_for_an_answer_until_its_deadline),
		SCENE(agent_says_that_nobody_listens),
		SCENE(agent_session_never_asks_for_two_sessions),
		SCENE(agent_session_asks_again_for_a_session_that_was_certainly_not_created),
		SCENE(agent_session_resumes_a_stored_session),
		SCENE(agent_session_opens_a_new_session_when_the_stored_one_is_over),
		SCENE(agent_session_opens_a_new_session_when_the_stored_one_is_unknown),
		cmocka_unit_test(
			agent_session_opens_a_new_session_when_the_stored_one_is_refused),
		SCENE(agent_session_interrupts_what_a_stored_session_still_does),
		SCENE(agent_session_interrupts_what_a_stored_session_waits_for),
		SCENE(agent_session_does_not_open_a_session_that_never_rests),
		SCENE(agent_session_may_be_destroyed_while_it_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
