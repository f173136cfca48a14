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

#define CROWD 100

static void agent_session_runs_turn_after_turn(void **state)
{
	struct agent_scene *scene = *state;

	scene_open(scene);
	scene_send(scene, "one");
	scene_await(scene, &scene->turned, 1);
	scene_send(scene, "two \\\"quoted\\\"");
	scene_await(scene, &scene->turned, 2);
	assert_non_null(
		strstr(buf_text(&scene->log), "turned +You said: one;turned +"));
	assert_int_equal(api_count(&scene->api, "user.message;"), 2);
}

/* Many sessions of the scene's client. */
struct crowd {
	struct agent_scene *scene;
	struct agent_session *sessions[CROWD];
	unsigned opened, turned, released;
};

static void on_crowd_opened(void *arg, const char *id, const char *why)
{
	struct crowd *crowd = arg;

	assert_non_null(id);
	assert_null(why);
	if (++crowd->opened == CROWD)
		uv_stop(&crowd->scene->loop);
}

static void on_crowd_turned(void *arg, enum turn_end end, const char *text)
{
	struct crowd *crowd = arg;

	assert_int_equal(end, TURN_ANSWERED);
	assert_string_equal(text, "You said: hello");
	if (++crowd->turned == CROWD)
		uv_stop(&crowd->scene->loop);
}

static void on_crowd_released(void *arg, const char *why)
{
	struct crowd *crowd = arg;

	assert_null(why);
	if (++crowd->released == CROWD)
		uv_stop(&crowd->scene->loop);
}

static void agent_sessions_run_in_parallel(void **state)
{
	static const struct agent_session_events events = {
		.opened = on_crowd_opened, .turned = on_crowd_turned};
	struct crowd crowd = {.scene = *state};
	uv_loop_t *loop = &crowd.scene->loop;
	struct err err;

	for (size_t i = 0; i < CROWD; i++)
		crowd.sessions[i] = agent_session_open(
			crowd.scene->agent, NULL, "1", "bot", &events, &crowd);
	uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(crowd.opened, CROWD);
	for (size_t i = 0; i < CROWD; i++)
		assert_true(agent_session_send(crowd.sessions[i], "hello", &err));
	uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(crowd.turned, CROWD);
	for (size_t i = 0; i < CROWD; i++)
		agent_session_release(crowd.sessions[i], AGENT_SESSION_ARCHIVE, 0,
			on_crowd_released, &crowd);
	uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(crowd.released, CROWD);
	assert_int_equal(api_count(&crowd.scene->api, "/archive;"), CROWD);
	for (size_t i = 0; i < CROWD; i++)
		agent_session_destroy(crowd.sessions[i]);
}

static void await_connections(struct agent_scene *scene, unsigned count)
{
	while (web_connections(scene->api.web) != count)
		uv_run(&scene->loop, UV_RUN_NOWAIT);
}

/* The first message's, for requests that may be repeated, to the end of the session. Those
 * that created agent and environment stay. */
static void agent_session_keeps_one_connection_beside_its_stream(void **state)
{
	struct agent_scene *scene = *state;

	scene_open(scene);
	await_connections(scene, 2 + 1);
	for (unsigned turn = 1; turn <= 3; turn++) {
		scene_send(scene, "hello");
		scene_await(scene, &scene->turned, turn);
		scene_barrier(scene);
		await_connections(scene, 2 + 2);
	}
	scene_release(scene, AGENT_SESSION_ARCHIVE, 0);
	scene_await(scene, &scene->released, 1);
	await_connections(scene, 2);
}

static void agent_session_may_begin_a_turn_in_the_callback_of_the_last(void **state)
{
	struct agent_scene *scene = *state;
	struct err err;

	scene_open(scene);
	scene->send_next = "two";
	scene_send(scene, "one");
	/* the callback has begun the next turn */
	while (scene->turned < 1)
		uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_false(agent_session_send(scene->session, "three", &err));
	assert_string_equal(err.text, "a turn is running");
	scene_await(scene, &scene->turned, 2);
	assert_log(scene, "opened sesn_1;turned +You said: one;turned +You said: two;");
}

static void agent_session_runs_one_turn_at_a_time(void **state)
{
	struct agent_scene *scene = *state;
	struct err err;

	scene_begin_open(scene, NULL);
	assert_false(agent_session_send(scene->session, "too early", &err));
	assert_string_equal(err.text, "the agent session is not open");
	scene_await(scene, &scene->opened, 1);
	scene_send(scene, "one");
	assert_false(agent_session_send(scene->session, "two", &err));
	assert_string_equal(err.text, "a turn is running");
}

static void agent_session_joins_the_texts_of_a_turn(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = scene_open(scene);

	scene->api.quiet = true;
	scene_send(scene, "go");
	scene_await_request(scene, "user.message;", 1);
	api_add_event(&scene->api, session, "session.status_running", "");
	api_add_event(&scene->api, session, "span.model_request_start", "");
	api_add_text(&scene->api, session, "Let me ");
	api_add_text(&scene->api, session, "see.");
	api_add_event(&scene->api, session, "agent.tool_use",
		",\"name\":\"bash\",\"input\":{},\"evaluated_permission\":\"allow\"");
	api_add_text(&scene->api, session, "Done.");
	api_add_idle(&scene->api, session, "end_turn");
	scene_await(scene, &scene->turned, 1);
	assert_log(scene, "opened sesn_1;turned +Let me see.\nDone.;");
}

/* The session wants the tool "add"; its use is the event sevt_N. */
static void want_tool(struct agent_scene *scene, struct fake_session *session)
{
	SCOPED(mem_free) char *more = NULL;

	api_add_event(&scene->api, session, "session.status_running", "");
	api_add_event(&scene->api, session, "agent.custom_tool_use",
		",\"name\":\"add\",\"input\":{\"a\":1}");
	more = mem_textf(",\"stop_reason\":{\"type\":\"requires_action\","
			 "\"event_ids\":[\"sevt_%u\"]}",
		scene->api.last_event);
	api_add_event(&scene->api, session, "session.status_idle", more);
}

static struct fake_session *begin_tool_turn(struct agent_scene *scene)
{
	struct fake_session *session = scene_open(scene);

	scene->api.quiet = true;
	scene_send(scene, "add");
	scene_await_request(scene, "user.message;", 1);
	want_tool(scene, session);
	scene_await(scene, &scene->wanted, 1);
	return session;
}

static void answer(struct agent_scene *scene, const char *use_id, const char *text)
{
	SCOPED(json_free) cJSON *content = cJSON_CreateArray();
	cJSON *block = cJSON_CreateObject();

	cJSON_AddStringToObject(block, "type", "text");
	cJSON_AddStringToObject(block, "text", text);
	cJSON_AddItemToArray(content, block);
	agent_session_tool_result(scene->session, use_id, content, false);
}

static void agent_session_asks_its_owner_for_a_tools_result(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_tool_turn(scene);

	answer(scene, scene->use_id, "the sum");
	answer(scene, scene->use_id, "twice");
	answer(scene, "sevt_99", "unasked");
	scene_await_request(scene, "user.custom_tool_result;", 1);
	assert_non_null(strstr(buf_text(&scene->api.last_body),
		"{\"type\":\"user.custom_tool_result\",\"content\":[{\"type\":\"text\","
		"\"text\":\"the sum\"}],\"custom_tool_use_id\":\"sevt_3\","
		"\"is_error\":false}"));
	api_add_event(&scene->api, session, "session.status_running", "");
	api_add_text(&scene->api, session, "It is 2.");
	api_add_idle(&scene->api, session, "end_turn");
	scene_await(scene, &scene->turned, 1);
	assert_log(scene, "opened sesn_1;wants add {\"a\":1};turned +It is 2.;");
	assert_int_equal(api_count(&scene->api, "user.custom_tool_result;"), 1);
}

static void agent_session_ends_the_turn_when_a_result_is_refused(void **state)
{
	struct agent_scene *scene = *state;

	begin_tool_turn(scene);
	scene_inject(scene, "POST /v1/sessions/sesn_1/events", API_FAULT_STATUS, 1);
	scene->api.fault_status = 400;
	answer(scene, scene->use_id, "the sum");
	scene_await(scene, &scene->turned, 1);
	assert_non_null(strstr(buf_text(&scene->log),
		"turned -POST /v1/sessions/sesn_1/"
		"events: HTTP 400"));
	/* the session does not wait for ever, and nothing can hit the next turn */
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
}

static void agent_session_denies_a_tool_that_needs_permission(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = scene_open(scene);

	scene->api.quiet = true;
	scene_send(scene, "go");
	scene_await_request(scene, "user.message;", 1);
	api_add_event(&scene->api, session, "session.status_running", "");
	api_add_event(&scene->api, session, "agent.tool_use",
		",\"name\":\"bash\",\"input\":{},\"evaluated_permission\":\"ask\"");
	api_add_event(&scene->api, session, "session.status_idle",
		",\"stop_reason\":{\"type\":\"requires_action\","
		"\"event_ids\":[\"sevt_3\"]}");
	scene_await_request(scene, "user.tool_confirmation;", 1);
	assert_non_null(strstr(buf_text(&scene->api.last_body),
		"\"tool_use_id\":\"sevt_3\",\"result\":\"deny\""));
}

static void agent_session_ends_a_turn_that_waits_for_an_unknown_event(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = scene_open(scene);

	scene->api.quiet = true;
	scene_send(scene, "go");
	scene_await_request(scene, "user.message;", 1);
	api_add_event(&scene->api, session, "session.status_running", "");
	api_add_event(&scene->api, session, "session.status_idle",
		",\"stop_reason\":{\"type\":\"requires_action\","
		"\"event_ids\":[\"sevt_77\"]}");
	scene_await(scene, &scene->turned, 1);
	assert_log(scene,
		"opened sesn_1;turned -the session waits for sevt_77, which we "
		"know nothing of;");
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
}

/* The interrupt could end the next turn. */
static void agent_session_begins_no_turn_before_the_interrupt_is_answered(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session;

	agent_client_destroy(scene->agent);
	scene_create_agent(
		scene, (struct agent_client_options){.request_ns = 300 * CLOCK_MS});
	session = scene_open(scene);
	scene->api.quiet = true;
	scene_send(scene, "go");
	scene_await_request(scene, "user.message;", 1);
	api_add_event(&scene->api, session, "session.status_running", "");
	scene_barrier(scene);
	scene_inject(scene, "POST /v1/sessions/sesn_1/events", API_FAULT_HANG, 1);
	agent_session_interrupt(scene->session);
	scene_await_request(scene, "POST /v1/sessions/sesn_1/events;", 2);
	api_add_idle(&scene->api, session, "end_turn");
	scene_barrier(scene);
	assert_int_equal(scene->turned, 0);
	scene_await(scene, &scene->broke,
		1); /* the interrupt may take effect at any time */
	assert_non_null(strstr(buf_text(&scene->log), ";turned -interrupted;broke "));
}

static void agent_session_interrupts_a_running_turn(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = scene_open(scene);

	scene->api.quiet = true;
	scene_send(scene, "go");
	scene_await_request(scene, "user.message;", 1);
	api_add_event(&scene->api, session, "session.status_running", "");
	api_add_text(&scene->api, session, "half");
	scene->api.quiet = false;
	agent_session_interrupt(scene->session);
	agent_session_interrupt(scene->session);
	assert_int_equal(scene->turned, 0);
	scene_await(scene, &scene->turned, 1);
	assert_log(scene, "opened sesn_1;turned -interrupted;");
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
}

static void agent_session_interrupts_after_the_message_is_accepted(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = scene_open(scene);

	scene->api.quiet = true;
	scene_send(scene, "go");
	agent_session_interrupt(scene->session);
	scene_await_request(scene, "user.interrupt;", 1);
	assert_true(strstr(buf_text(&scene->api.journal), "user.message;") <
		strstr(buf_text(&scene->api.journal), "user.interrupt;"));
	api_add_event(&scene->api, session, "session.status_running", "");
	api_add_idle(&scene->api, session, "end_turn");
	scene_await(scene, &scene->turned, 1);
	assert_log(scene, "opened sesn_1;turned -interrupted;");
}

static void agent_session_interrupts_a_turn_that_waits_for_a_tool(void **state)
{
	struct agent_scene *scene = *state;

	begin_tool_turn(scene);
	agent_session_interrupt(scene->session);
	scene_await(scene, &scene->turned, 1); /* without an event */
	assert_log(scene, "opened sesn_1;wants add {\"a\":1};turned -interrupted;");
	answer(scene, scene->use_id, "late");
	scene_barrier(scene);
	assert_int_equal(api_count(&scene->api, "user.custom_tool_result;"), 0);
}

static void agent_session_ignores_the_idle_event_of_the_last_turn(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_tool_turn(scene);

	agent_session_interrupt(scene->session);
	scene_await(scene, &scene->turned, 1);
	scene_send(scene, "next");
	scene_await_request(scene, "user.message;", 2);
	api_add_idle(&scene->api, session, "end_turn"); /* of the interrupted turn */
	api_add_event(&scene->api, session, "session.status_running", "");
	api_add_text(&scene->api, session, "Here.");
	api_add_idle(&scene->api, session, "end_turn");
	scene_await(scene, &scene->turned, 2);
	assert_log(scene,
		"opened sesn_1;wants add {\"a\":1};turned -interrupted;"
		"turned +Here.;");
}

static void agent_session_reports_the_error_that_ended_a_turn(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = scene_open(scene);

	scene->api.quiet = true;
	scene_send(scene, "go");
	scene_await_request(scene, "user.message;", 1);
	api_add_event(&scene->api, session, "session.status_running", "");
	api_add_event(&scene->api, session, "session.error",
		",\"error\":{\"message\":\"the model is overloaded\"}");
	api_add_idle(&scene->api, session, "retries_exhausted");
	scene_await(scene, &scene->turned, 1);
	assert_log(scene,
		"opened sesn_1;turned -the turn ended with retries_exhausted: the "
		"model is overloaded;");
	assert_int_equal(scene->broke, 0);
}

static const struct message_fault {
	enum api_fault fault;
	unsigned status, times, accepted;
	bool broke;
	const char *why;
} message_faults[] = {
	{API_FAULT_STATUS, 529, 1, 1, false, "an overloaded API did not accept it"},
	{API_FAULT_STATUS, 429, 3, 0, false,
		"an API that is overloaded for long is not broken"},
	{API_FAULT_STATUS, 500, 1, 0, true,
		"a 500 may have accepted it: not sent again"},
	{API_FAULT_RESET, 0, 1, 0, true, "so may a reset"},
	{API_FAULT_EFFECTIVE_RESET, 0, 1, 1, true, "and this one has"},
	{API_FAULT_STATUS, 400, 1, 0, true, "an archived session refuses for ever"},
};

static void agent_session_never_sends_a_message_twice(void **state)
{
	for (size_t i = 0; i < COUNT(message_faults); i++) {
		const struct message_fault *message_fault = &message_faults[i];
		struct agent_scene *scene;

		scene_set_up(state);
		scene = *state;
		scene_open(scene);
		scene->api.quiet = true;
		scene_inject(scene, "POST /v1/sessions/sesn_1/events",
			message_fault->fault, message_fault->times);
		scene->api.fault_status = message_fault->status;
		scene_send(scene, "go");
		if (message_fault->broke)
			scene_await(scene, &scene->broke, 1);
		else if (!message_fault->accepted)
			scene_await(scene, &scene->turned, 1);
		else
			scene_await_request(scene, "user.message;", 1);
		scene_barrier(scene);
		if (api_count(&scene->api, "user.message;") !=
				message_fault->accepted ||
			scene->broke != message_fault->broke)
			fail_msg("%s: %s", message_fault->why, buf_text(&scene->log));
		scene_tear_down(state);
	}
}

static void agent_session_may_be_destroyed_in_any_callback(void **state)
{
	static const char *const callbacks[] = {"opened", "turned", "wants", "broke"};

	for (size_t i = 0; i < COUNT(callbacks); i++) {
		struct agent_scene *scene;

		scene_set_up(state);
		scene = *state;
		scene->destroy_next = i == 0;
		scene_begin_open(scene, NULL);
		scene_await(scene, &scene->opened, 1);
		if (i > 0) {
			scene->api.quiet = i >= 2;
			scene_send(scene, "go");
			scene->destroy_next = true;
			scene_await_request(scene, "user.message;", 1);
			if (i == 2)
				want_tool(scene, &scene->api.sessions[0]);
			if (i == 3)
				api_add_event(&scene->api, &scene->api.sessions[0],
					"session.deleted", "");
		}
		while (scene->session)
			uv_run(&scene->loop, UV_RUN_DEFAULT);
		scene_barrier(scene);
		scene_tear_down(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(agent_session_runs_turn_after_turn),
		SCENE(agent_sessions_run_in_parallel),
		SCENE(agent_session_keeps_one_connection_beside_its_stream),
		SCENE(agent_session_may_begin_a_turn_in_the_callback_of_the_last),
		SCENE(agent_session_runs_one_turn_at_a_time),
		SCENE(agent_session_joins_the_texts_of_a_turn),
		SCENE(agent_session_asks_its_owner_for_a_tools_result),
		SCENE(agent_session_ends_the_turn_when_a_result_is_refused),
		SCENE(agent_session_denies_a_tool_that_needs_permission),
		SCENE(agent_session_ends_a_turn_that_waits_for_an_unknown_event),
		SCENE(agent_session_begins_no_turn_before_the_interrupt_is_answered),
		SCENE(agent_session_interrupts_a_running_turn),
		SCENE(agent_session_interrupts_after_the_message_is_accepted),
		SCENE(agent_session_interrupts_a_turn_that_waits_for_a_tool),
		SCENE(agent_session_ignores_the_idle_event_of_the_last_turn),
		SCENE(agent_session_reports_the_error_that_ended_a_turn),
		cmocka_unit_test(agent_session_never_sends_a_message_twice),
		cmocka_unit_test(agent_session_may_be_destroyed_in_any_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
