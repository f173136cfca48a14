#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "service/test/talk_scene.h"

#define MANY 50

static void agent_opens_a_session_with_its_room_and_bot(void **state)
{
	struct scene *scene = *state;

	open_talk(scene);
	assert_story(scene, "opened sesn_1;");
	assert_string_equal(buf_text(&scene->api.last_body),
		"{\"metadata\":{\"room\":\"1\",\"bot\":\"assistant\"},"
		"\"agent\":\"agent_1\",\"environment_id\":\"env_1\"}");
	assert_true(scene->api.authorized);
	assert_false(agent_talk_busy(scene->talk));
}

static void agent_creates_what_it_needs_once_for_all_who_wait(void **state)
{
	struct scene *scene = *state;
	struct agent_talk *talks[MANY];
	struct err err;

	for (int i = 0; i < MANY; i++) {
		talks[i] = agent_open(
			scene->agent, NULL, "1", "bot", &scene_events, scene, &err);
		assert_non_null(talks[i]);
	}
	await(scene, &scene->opened, MANY);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/environments;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), MANY);
	for (int i = 0; i < MANY; i++)
		agent_talk_destroy(talks[i]);
}

static void agent_tries_again_to_create_what_could_not_be_created(void **state)
{
	struct scene *scene = *state;

	strike(scene, "POST /v1/environments", API_FAULT_STATUS, 1);
	scene->api.fault_status = 403;
	begin_open(scene, NULL);
	await(scene, &scene->opened, 1);
	assert_story(scene, "opened POST /v1/environments: HTTP 403 some_error: as you like, "
			    "********************;");
	agent_talk_destroy(scene->talk);
	scene->opened = 0;
	open_talk(scene);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/environments;"), 2);
}

static void agent_refers_to_the_ids_it_is_given(void **state)
{
	struct scene *scene = *state;

	agent_destroy(scene->agent);
	create_agent(scene, (struct agent_options){
				    .agent_id = "agent_x", .environment_id = "env_y"});
	open_talk(scene);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 0);
	assert_non_null(strstr(buf_text(&scene->api.last_body),
		"\"agent\":\"agent_x\",\"environment_id\":\"env_y\""));
}

static void agent_declares_its_tools(void **state)
{
	struct scene *scene = *state;
	SCOPED(json_free) cJSON *tools = cJSON_Parse(
		"[{\"name\":\"add\",\"description\":\"adds\",\"input_schema\":{}}]");

	agent_destroy(scene->agent);
	create_agent(scene, (struct agent_options){.environment_id = "env_y"});
	agent_set_tools(scene->agent, tools);
	strike(scene, "POST /v1/agents", API_FAULT_BODY, 1);
	begin_open(scene, NULL);
	await(scene, &scene->opened, 1);
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
	{API_FAULT_RESET, 0, NULL, 1, "opened sesn_1;", "so is a reset"},
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
		"opened POST /v1/sessions: the answer has no id;", "an id that is none"},
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
		strike(scene, "POST /v1/sessions", failure->fault, failure->times);
		scene->api.fault_status = failure->status;
		scene->api.fault_body = failure->body;
		begin_open(scene, NULL);
		await(scene, &scene->opened, 1);
		if (strcmp(buf_text(&scene->story), failure->story) != 0)
			fail_msg("%s: %s", failure->why, buf_text(&scene->story));
		scene_tear_down(state);
	}
}

static void agent_waits_for_an_answer_until_its_deadline(void **state)
{
	struct scene *scene = *state;
	int64_t began_ns = clock_now();

	agent_destroy(scene->agent);
	create_agent(scene, (struct agent_options){.request_ns = 300 * CLOCK_MS});
	strike(scene, "POST /v1/sessions", API_FAULT_HANG, 1);
	begin_open(scene, NULL);
	await(scene, &scene->opened, 1);
	assert_true(clock_now() - began_ns >= 300 * CLOCK_MS);
	assert_null(scene->id);
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 1);
}

static void agent_says_that_nobody_listens(void **state)
{
	struct scene *scene = *state;

	web_destroy(scene->api.web);
	scene->api.web = NULL;
	begin_open(scene, NULL);
	await(scene, &scene->opened, 1);
	assert_non_null(strstr(buf_text(&scene->story), "opened POST /v1/"));
	assert_non_null(strstr(buf_text(&scene->story), "(tried 3 times)"));
}

/* A session that somebody left in the API. */
static struct api_session *leave_session(struct scene *scene, const char *status)
{
	open_talk(scene);
	agent_talk_destroy(scene->talk);
	scene->talk = NULL;
	scene->api.sessions[0].status = status;
	scene->opened = 0;
	buf_clear(&scene->api.journal);
	buf_clear(&scene->story);
	return &scene->api.sessions[0];
}

static void talk_resumes_a_stored_session(void **state)
{
	struct scene *scene = *state;

	leave_session(scene, "idle");
	begin_open(scene, "sesn_1");
	await(scene, &scene->opened, 1);
	say(scene, "hello again");
	await(scene, &scene->turned, 1);
	assert_story(scene, "opened sesn_1;turned +You said: hello again;");
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 0);
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 0);
}

static void talk_opens_a_new_session_when_the_stored_one_is_over(void **state)
{
	struct scene *scene = *state;

	leave_session(scene, "terminated");
	begin_open(scene, "sesn_1");
	await(scene, &scene->opened, 1);
	assert_story(scene, "opened sesn_2;");
}

static void talk_opens_a_new_session_when_the_stored_one_is_unknown(void **state)
{
	struct scene *scene = *state;

	begin_open(scene, "sesn/../x y");
	await(scene, &scene->opened, 1);
	assert_story(scene, "opened sesn_1;");
}

static void talk_interrupts_what_a_stored_session_still_does(void **state)
{
	struct scene *scene = *state;

	leave_session(scene, "running");
	begin_open(scene, "sesn_1");
	await(scene, &scene->opened, 1);
	assert_story(scene, "opened sesn_1;");
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
	assert_string_equal(scene->api.sessions[0].status, "idle");
}

static void talk_interrupts_what_a_stored_session_waits_for(void **state)
{
	struct scene *scene = *state;
	struct api_session *session = leave_session(scene, "idle");

	api_tell_idle(&scene->api, session, "requires_action");
	begin_open(scene, "sesn_1");
	await(scene, &scene->opened, 1);
	assert_story(scene, "opened sesn_1;");
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
}

static void talk_does_not_open_a_session_that_never_rests(void **state)
{
	struct scene *scene = *state;

	leave_session(scene, "running");
	scene->api.quiet = true;
	agent_destroy(scene->agent);
	create_agent(scene, (struct agent_options){.request_ns = CLOCK_S});
	begin_open(scene, "sesn_1");
	await(scene, &scene->opened, 1);
	assert_story(scene, "opened session sesn_1 still runs an earlier turn;");
}

static void talk_says_and_hears_turn_after_turn(void **state)
{
	struct scene *scene = *state;

	open_talk(scene);
	say(scene, "one");
	await(scene, &scene->turned, 1);
	say(scene, "two \\\"quoted\\\"");
	await(scene, &scene->turned, 2);
	assert_non_null(strstr(buf_text(&scene->story), "turned +You said: one;turned +"));
	assert_int_equal(api_count(&scene->api, "user.message;"), 2);
}

static void talk_may_say_the_next_thing_when_it_heard_the_last(void **state)
{
	struct scene *scene = *state;

	open_talk(scene);
	scene->say_next = "two";
	say(scene, "one");
	/* its callback finds the talk busy again */
	while (scene->turned < 1)
		uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_true(agent_talk_busy(scene->talk));
	await(scene, &scene->turned, 2);
	assert_story(scene, "opened sesn_1;turned +You said: one;turned +You said: two;");
}

static void talk_says_one_thing_at_a_time(void **state)
{
	struct scene *scene = *state;
	struct err err;

	begin_open(scene, NULL);
	assert_false(agent_say(scene->talk, "too early", &err));
	assert_string_equal(err.text, "the agent session is not open");
	await(scene, &scene->opened, 1);
	say(scene, "one");
	assert_false(agent_say(scene->talk, "two", &err));
	assert_string_equal(err.text, "a turn is running");
}

static void talk_joins_the_texts_of_a_turn(void **state)
{
	struct scene *scene = *state;
	struct api_session *session = open_talk(scene);

	scene->api.quiet = true;
	say(scene, "go");
	await_request(scene, "user.message;", 1);
	api_tell(&scene->api, session, "session.status_running", "");
	api_tell(&scene->api, session, "span.model_request_start", "");
	api_tell_text(&scene->api, session, "Let me ");
	api_tell_text(&scene->api, session, "see.");
	api_tell(&scene->api, session, "agent.tool_use",
		",\"name\":\"bash\",\"input\":{},\"evaluated_permission\":\"allow\"");
	api_tell_text(&scene->api, session, "Done.");
	api_tell_idle(&scene->api, session, "end_turn");
	await(scene, &scene->turned, 1);
	assert_story(scene, "opened sesn_1;turned +Let me see.\nDone.;");
}

/* The session wants the tool "add"; its use is the event sevt_N. */
static void want_tool(struct scene *scene, struct api_session *session)
{
	SCOPED(mem_free) char *more = NULL;

	api_tell(&scene->api, session, "session.status_running", "");
	api_tell(&scene->api, session, "agent.custom_tool_use",
		",\"name\":\"add\",\"input\":{\"a\":1}");
	more = mem_textf(",\"stop_reason\":{\"type\":\"requires_action\","
			 "\"event_ids\":[\"sevt_%u\"]}",
		scene->api.last_event);
	api_tell(&scene->api, session, "session.status_idle", more);
}

static struct api_session *begin_tool_turn(struct scene *scene)
{
	struct api_session *session = open_talk(scene);

	scene->api.quiet = true;
	say(scene, "add");
	await_request(scene, "user.message;", 1);
	want_tool(scene, session);
	await(scene, &scene->wanted, 1);
	return session;
}

static void talk_asks_its_owner_for_a_tool(void **state)
{
	struct scene *scene = *state;
	struct api_session *session = begin_tool_turn(scene);

	assert_true(agent_talk_busy(scene->talk));
	agent_answer(scene->talk, scene->use_id, "the sum", false);
	agent_answer(scene->talk, scene->use_id, "twice", false);
	agent_answer(scene->talk, "sevt_99", "unasked", false);
	await_request(scene, "user.custom_tool_result;", 1);
	assert_non_null(strstr(buf_text(&scene->api.last_body),
		"{\"type\":\"user.custom_tool_result\",\"content\":[{\"type\":\"text\","
		"\"text\":\"the sum\"}],\"custom_tool_use_id\":\"sevt_3\","
		"\"is_error\":false}"));
	api_tell(&scene->api, session, "session.status_running", "");
	api_tell_text(&scene->api, session, "It is 2.");
	api_tell_idle(&scene->api, session, "end_turn");
	await(scene, &scene->turned, 1);
	assert_story(scene, "opened sesn_1;wants add {\"a\":1};turned +It is 2.;");
	assert_int_equal(api_count(&scene->api, "user.custom_tool_result;"), 1);
}

static void talk_ends_the_turn_when_a_result_is_refused(void **state)
{
	struct scene *scene = *state;

	begin_tool_turn(scene);
	strike(scene, "POST /v1/sessions/sesn_1/events", API_FAULT_STATUS, 1);
	scene->api.fault_status = 400;
	agent_answer(scene->talk, scene->use_id, "the sum", false);
	await(scene, &scene->turned, 1);
	assert_non_null(strstr(buf_text(&scene->story), "turned -POST /v1/sessions/sesn_1/"
							"events: HTTP 400"));
	await_request(scene, "user.interrupt;", 1); /* it is not left waiting */
}

static void talk_denies_what_nobody_can_permit(void **state)
{
	struct scene *scene = *state;
	struct api_session *session = open_talk(scene);

	scene->api.quiet = true;
	say(scene, "go");
	await_request(scene, "user.message;", 1);
	api_tell(&scene->api, session, "session.status_running", "");
	api_tell(&scene->api, session, "agent.tool_use",
		",\"name\":\"bash\",\"input\":{},\"evaluated_permission\":\"ask\"");
	api_tell(&scene->api, session, "session.status_idle",
		",\"stop_reason\":{\"type\":\"requires_action\","
		"\"event_ids\":[\"sevt_3\"]}");
	await_request(scene, "user.tool_confirmation;", 1);
	assert_non_null(strstr(buf_text(&scene->api.last_body),
		"\"tool_use_id\":\"sevt_3\",\"result\":\"deny\""));
}

static void talk_ends_a_turn_that_waits_for_the_unknown(void **state)
{
	struct scene *scene = *state;
	struct api_session *session = open_talk(scene);

	scene->api.quiet = true;
	say(scene, "go");
	await_request(scene, "user.message;", 1);
	api_tell(&scene->api, session, "session.status_running", "");
	api_tell(&scene->api, session, "session.status_idle",
		",\"stop_reason\":{\"type\":\"requires_action\","
		"\"event_ids\":[\"sevt_77\"]}");
	await(scene, &scene->turned, 1);
	assert_story(scene, "opened sesn_1;turned -the session waits for sevt_77, which we "
			    "know nothing of;");
	await_request(scene, "user.interrupt;", 1);
}

static void talk_interrupts_a_running_turn(void **state)
{
	struct scene *scene = *state;
	struct api_session *session = open_talk(scene);

	scene->api.quiet = true;
	say(scene, "go");
	await_request(scene, "user.message;", 1);
	api_tell(&scene->api, session, "session.status_running", "");
	api_tell_text(&scene->api, session, "half");
	scene->api.quiet = false;
	agent_interrupt(scene->talk);
	agent_interrupt(scene->talk);
	assert_int_equal(scene->turned, 0);
	await(scene, &scene->turned, 1);
	assert_story(scene, "opened sesn_1;turned -interrupted;");
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
}

static void talk_interrupts_only_what_was_said_before(void **state)
{
	struct scene *scene = *state;
	struct api_session *session = open_talk(scene);

	scene->api.quiet = true;
	say(scene, "go");
	agent_interrupt(scene->talk);
	await_request(scene, "user.interrupt;", 1);
	assert_true(strstr(buf_text(&scene->api.journal), "user.message;") <
		strstr(buf_text(&scene->api.journal), "user.interrupt;"));
	api_tell(&scene->api, session, "session.status_running", "");
	api_tell_idle(&scene->api, session, "end_turn");
	await(scene, &scene->turned, 1);
	assert_story(scene, "opened sesn_1;turned -interrupted;");
}

static void talk_interrupts_a_turn_that_waits_for_a_tool(void **state)
{
	struct scene *scene = *state;

	begin_tool_turn(scene);
	agent_interrupt(scene->talk);
	await(scene, &scene->turned, 1); /* though no event comes of it */
	assert_story(scene, "opened sesn_1;wants add {\"a\":1};turned -interrupted;");
	agent_answer(scene->talk, scene->use_id, "late", false);
	let_pass(scene, 20);
	assert_int_equal(api_count(&scene->api, "user.custom_tool_result;"), 0);
}

static void talk_does_not_take_an_old_end_for_the_new_turns(void **state)
{
	struct scene *scene = *state;
	struct api_session *session = begin_tool_turn(scene);

	agent_interrupt(scene->talk);
	await(scene, &scene->turned, 1);
	say(scene, "next");
	await_request(scene, "user.message;", 2);
	api_tell_idle(&scene->api, session, "end_turn"); /* of the interrupted one */
	api_tell(&scene->api, session, "session.status_running", "");
	api_tell_text(&scene->api, session, "Here.");
	api_tell_idle(&scene->api, session, "end_turn");
	await(scene, &scene->turned, 2);
	assert_story(scene, "opened sesn_1;wants add {\"a\":1};turned -interrupted;"
			    "turned +Here.;");
}

static void talk_tells_the_trouble_that_ended_a_turn(void **state)
{
	struct scene *scene = *state;
	struct api_session *session = open_talk(scene);

	scene->api.quiet = true;
	say(scene, "go");
	await_request(scene, "user.message;", 1);
	api_tell(&scene->api, session, "session.status_running", "");
	api_tell(&scene->api, session, "session.error",
		",\"error\":{\"message\":\"the model is overloaded\"}");
	api_tell_idle(&scene->api, session, "retries_exhausted");
	await(scene, &scene->turned, 1);
	assert_story(scene, "opened sesn_1;turned -the turn ended with retries_exhausted: the "
			    "model is overloaded;");
	assert_int_equal(scene->broke, 0);
}

static const struct unsaid {
	enum api_fault fault;
	unsigned status, times, said;
	bool broke;
	const char *why;
} unsaids[] = {
	{API_FAULT_STATUS, 529, 1, 1, false, "an overloaded API did not accept it"},
	{API_FAULT_STATUS, 429, 3, 0, false, "an API that never does is no broken one"},
	{API_FAULT_STATUS, 500, 1, 0, true, "a 500 may have accepted it: not again"},
	{API_FAULT_RESET, 0, 1, 0, true, "a reset as well"},
	{API_FAULT_EFFECTIVE_RESET, 0, 1, 1, true, "for it may have been accepted"},
	{API_FAULT_STATUS, 400, 1, 0, true, "an archived session refuses for ever"},
};

static void talk_never_says_a_thing_twice(void **state)
{
	for (size_t i = 0; i < COUNT(unsaids); i++) {
		const struct unsaid *unsaid = &unsaids[i];
		struct scene *scene;

		scene_set_up(state);
		scene = *state;
		open_talk(scene);
		scene->api.quiet = true;
		strike(scene, "POST /v1/sessions/sesn_1/events", unsaid->fault,
			unsaid->times);
		scene->api.fault_status = unsaid->status;
		say(scene, "go");
		if (unsaid->broke)
			await(scene, &scene->broke, 1);
		else if (!unsaid->said)
			await(scene, &scene->turned, 1);
		else
			await_request(scene, "user.message;", 1);
		let_pass(scene, 20);
		if (api_count(&scene->api, "user.message;") != unsaid->said ||
			scene->broke != unsaid->broke)
			fail_msg("%s: heard %s", unsaid->why, buf_text(&scene->story));
		scene_tear_down(state);
	}
}

static void talk_may_be_destroyed_in_any_callback(void **state)
{
	static const char *const callbacks[] = {"opened", "turned", "wants", "broke"};

	for (size_t i = 0; i < COUNT(callbacks); i++) {
		struct scene *scene;

		scene_set_up(state);
		scene = *state;
		scene->destroy_next = i == 0;
		begin_open(scene, NULL);
		await(scene, &scene->opened, 1);
		if (i > 0) {
			scene->api.quiet = i >= 2;
			say(scene, "go");
			scene->destroy_next = true;
			await_request(scene, "user.message;", 1);
			if (i == 2)
				want_tool(scene, &scene->api.sessions[0]);
			if (i == 3)
				api_tell(&scene->api, &scene->api.sessions[0],
					"session.deleted", "");
		}
		while (scene->talk)
			uv_run(&scene->loop, UV_RUN_DEFAULT);
		let_pass(scene, 20);
		scene_tear_down(state);
	}
}

static void talk_may_be_destroyed_while_it_opens(void **state)
{
	struct scene *scene = *state;

	strike(scene, "POST /v1/sessions", API_FAULT_HANG, 1);
	begin_open(scene, NULL);
	agent_talk_destroy(scene->talk);
	begin_open(scene, NULL);
	await_request(scene, "POST /v1/sessions;", 1);
	agent_talk_destroy(scene->talk);
	begin_open(scene, "sesn_1");
	agent_talk_destroy(scene->talk);
	scene->talk = NULL;
	let_pass(scene, 20);
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
		SCENE(agent_waits_for_an_answer_until_its_deadline),
		SCENE(agent_says_that_nobody_listens),
		SCENE(talk_resumes_a_stored_session),
		SCENE(talk_opens_a_new_session_when_the_stored_one_is_over),
		SCENE(talk_opens_a_new_session_when_the_stored_one_is_unknown),
		SCENE(talk_interrupts_what_a_stored_session_still_does),
		SCENE(talk_interrupts_what_a_stored_session_waits_for),
		SCENE(talk_does_not_open_a_session_that_never_rests),
		SCENE(talk_says_and_hears_turn_after_turn),
		SCENE(talk_may_say_the_next_thing_when_it_heard_the_last),
		SCENE(talk_says_one_thing_at_a_time),
		SCENE(talk_joins_the_texts_of_a_turn),
		SCENE(talk_asks_its_owner_for_a_tool),
		SCENE(talk_ends_the_turn_when_a_result_is_refused),
		SCENE(talk_denies_what_nobody_can_permit),
		SCENE(talk_ends_a_turn_that_waits_for_the_unknown),
		SCENE(talk_interrupts_a_running_turn),
		SCENE(talk_interrupts_only_what_was_said_before),
		SCENE(talk_interrupts_a_turn_that_waits_for_a_tool),
		SCENE(talk_does_not_take_an_old_end_for_the_new_turns),
		SCENE(talk_tells_the_trouble_that_ended_a_turn),
		cmocka_unit_test(talk_never_says_a_thing_twice),
		cmocka_unit_test(talk_may_be_destroyed_in_any_callback),
		SCENE(talk_may_be_destroyed_while_it_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
