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

#define SOON_NS (400 * CLOCK_MS)
#define LATE_NS (20 * CLOCK_S)

static unsigned endings(const struct scene *scene)
{
	return api_count(&scene->api, "/archive;") + api_count(&scene->api, "DELETE ");
}

static void parting_archives_an_idle_session(void **state)
{
	struct scene *scene = *state;

	scene_open(scene);
	scene_let_go(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "opened sesn_1;parted well;");
	assert_string_equal(scene->api.sessions[0].status, "terminated");
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 0);
	scene_let_pass(scene, 20);
	assert_null(scene->api.sessions[0].stream);
}

static void parting_deletes_an_idle_session(void **state)
{
	struct scene *scene = *state;

	scene_open(scene);
	scene_let_go(scene, AGENT_SESSION_DELETE, 0);
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "opened sesn_1;parted well;");
	assert_true(scene->api.sessions[0].deleted);
}

static void parting_keeps_an_idle_session_without_a_word(void **state)
{
	struct scene *scene = *state;

	scene_open(scene);
	buf_clear(&scene->api.journal);
	scene_let_go(scene, AGENT_SESSION_KEEP, LATE_NS);
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "opened sesn_1;parted well;");
	scene_let_pass(scene, 600);
	assert_string_equal(buf_text(&scene->api.journal), "");
	assert_null(scene->api.sessions[0].stream);
}

/* A turn runs, and will until somebody interrupts it. */
static struct fake_session *begin_turn(struct scene *scene)
{
	struct fake_session *session = scene_open(scene);

	scene->api.quiet = true;
	scene_say(scene, "go");
	scene_await_request(scene, "user.message;", 1);
	api_tell(&scene->api, session, "session.status_running", "");
	scene_let_pass(scene, 20);
	return session;
}

static void parting_interrupts_and_waits_for_idle(void **state)
{
	struct scene *scene = *state;
	struct fake_session *session = begin_turn(scene);

	scene_let_go(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await_request(scene, "user.interrupt;", 1);
	scene_let_pass(scene, 100);
	assert_int_equal(endings(scene), 0);
	api_tell_idle(&scene->api, session, "end_turn");
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "opened sesn_1;turned -interrupted;parted well;");
	assert_int_equal(endings(scene), 1);
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
}

static void parting_keeps_a_session_once_it_rests(void **state)
{
	struct scene *scene = *state;
	struct fake_session *session = begin_turn(scene);

	scene_let_go(scene, AGENT_SESSION_KEEP, LATE_NS);
	scene_await_request(scene, "user.interrupt;", 1);
	assert_int_equal(scene->parted, 0);
	api_tell_idle(&scene->api, session, "end_turn");
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "opened sesn_1;turned -interrupted;parted well;");
	assert_int_equal(endings(scene), 0);
}

static void parting_asks_again_while_the_stored_status_lags(void **state)
{
	struct scene *scene = *state;
	struct fake_session *session = begin_turn(scene);
	int64_t began_ns = clock_now();

	scene->api.quiet = false;
	session->lag = 3;
	scene_let_go(scene, AGENT_SESSION_DELETE, LATE_NS);
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "opened sesn_1;turned -interrupted;parted well;");
	assert_int_equal(endings(scene), 4);
	assert_true(clock_now() - began_ns >= (50 + 100 + 200) * CLOCK_MS);
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
}

static void parting_interrupts_a_session_that_runs_against_expectation(void **state)
{
	struct scene *scene = *state;
	struct fake_session *session = begin_turn(scene);

	/* the stream is gone, so nobody knows any more what the session does */
	scene_strike(scene, "/events/stream", API_FAULT_STATUS, 100);
	scene->api.fault_status = 403;
	web_reset(session->stream);
	scene_await(scene, &scene->broke, 1);
	scene->api.quiet = false;
	scene_let_go(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->parted, 1);
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
	assert_int_equal(endings(scene), 2);
	assert_string_equal(session->status, "terminated");
}

static void parting_reads_the_status_when_no_events_arrive(void **state)
{
	struct scene *scene = *state;
	struct fake_session *session = begin_turn(scene);

	scene_let_go(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await_request(scene, "user.interrupt;", 1);
	web_reset(session->stream);
	scene_await_request(scene, "GET /v1/sessions/sesn_1;", 2);
	assert_int_equal(endings(scene), 0);
	session->status = "idle";
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "opened sesn_1;turned -interrupted;parted well;");
	assert_int_equal(api_count(&scene->api, "/events/stream;"), 1); /* not again */
}

static void parting_reads_the_status_when_no_event_ever_came(void **state)
{
	struct scene *scene = *state;
	struct fake_session *session = scene_open(scene);

	scene->api.quiet = scene->api.silent_streams = true;
	scene_say(scene, "go");
	scene_await_request(scene, "user.message;", 1);
	session->status = "running";
	scene_let_pass(scene, 20);
	scene_let_go(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await_request(scene, "GET /v1/sessions/sesn_1;", 2);
	session->status = "idle";
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "opened sesn_1;turned -interrupted;parted well;");
}

static void parting_need_not_interrupt_a_session_that_waits_for_a_tool(void **state)
{
	struct scene *scene = *state;
	struct fake_session *session = begin_turn(scene);

	api_tell(&scene->api, session, "agent.custom_tool_use",
		",\"name\":\"add\",\"input\":{}");
	api_tell(&scene->api, session, "session.status_idle",
		",\"stop_reason\":{\"type\":\"requires_action\","
		"\"event_ids\":[\"sevt_3\"]}");
	scene_await(scene, &scene->wanted, 1);
	scene_let_go(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->parted, 1);
	assert_story(
		scene, "opened sesn_1;wants add {};turned -interrupted;parted well;");
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 0);
}

static void parting_waits_for_what_was_just_said(void **state)
{
	struct scene *scene = *state;

	scene_open(scene);
	scene->api.quiet = true;
	scene_say(scene, "go");
	scene_let_go(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await_request(scene, "user.interrupt;", 1);
	assert_true(strstr(buf_text(&scene->api.journal), "user.message;") <
		strstr(buf_text(&scene->api.journal), "user.interrupt;"));
	api_tell_idle(&scene->api, &scene->api.sessions[0], "end_turn");
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "opened sesn_1;turned -interrupted;parted well;");
}

static void parting_does_not_wait_for_ever_for_what_was_just_said(void **state)
{
	struct scene *scene = *state;
	int64_t began_ns;

	scene_open(scene);
	scene->api.quiet = true;
	scene_strike(scene, "POST /v1/sessions/sesn_1/events", API_FAULT_HANG, 1);
	scene_say(scene, "go");
	scene_await_request(scene, "POST /v1/sessions/sesn_1/events;", 1);
	began_ns = clock_now();
	scene_let_go(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "opened sesn_1;turned -interrupted;parted well;");
	assert_string_equal(scene->api.sessions[0].status, "terminated");
	assert_true(clock_now() - began_ns < LATE_NS / 4);
}

static const struct end {
	enum agent_session_end ending;
	enum api_fault fault;
	unsigned status, times;
	const char *body;
	const char *end; /* of the story */
	const char *why;
} ends[] = {
	{AGENT_SESSION_ARCHIVE, API_FAULT_STATUS, 404, 9, NULL, "parted well;",
		"what is unknown needs no ending"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_STATUS, 503, 1, NULL, "parted well;",
		"a 503 is tried again"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_STATUS, 500, 9, NULL,
		"as you like, ******************** (tried 3 times);",
		"but not for ever"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_STATUS, 403, 9, NULL,
		"HTTP 403 some_error: as you like, ********************;",
		"a 403 does not pass"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_STATUS, 400, 9, NULL,
		"HTTP 400 some_error: as you like, ********************;",
		"a 400 that says nothing of running"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_RESET, 0, 1, NULL, "parted well;",
		"a reset is tried again"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_EFFECTIVE_RESET, 0, 1, NULL, "parted well;",
		"which finds it archived already"},
	{AGENT_SESSION_DELETE, API_FAULT_EFFECTIVE_RESET, 0, 1, NULL, "parted well;",
		"or deleted"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_BODY, 0, 9, "<html>",
		"HTTP 200, and the answer is not JSON;",
		"who answers so is no agent API"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_HANG, 0, 9, NULL, "parted deadline;",
		"no answer"},
};

static void parting_says_how_it_went(void **state)
{
	for (size_t i = 0; i < COUNT(ends); i++) {
		const struct end *end = &ends[i];
		bool archive = end->ending == AGENT_SESSION_ARCHIVE;
		struct scene *scene;
		const char *story;

		scene_set_up(state);
		scene = *state;
		scene_open(scene);
		scene_strike(scene, archive ? "/archive" : "DELETE ", end->fault,
			end->times);
		scene->api.fault_status = end->status;
		scene->api.fault_body = end->body;
		scene_let_go(scene, end->ending,
			end->fault == API_FAULT_HANG ? SOON_NS : LATE_NS);
		scene_await(scene, &scene->parted, 1);
		story = buf_text(&scene->story);
		if (strlen(story) < strlen(end->end) ||
			strcmp(story + strlen(story) - strlen(end->end), end->end) != 0)
			fail_msg("%s: %s", end->why, story);
		scene_tear_down(state);
	}
}

static void parting_ends_at_its_deadline(void **state)
{
	struct scene *scene = *state;
	int64_t began_ns;

	begin_turn(scene);
	began_ns = clock_now();
	scene_let_go(scene, AGENT_SESSION_ARCHIVE, SOON_NS); /* no idle event comes */
	scene_await(scene, &scene->parted, 1);
	assert_true(clock_now() - began_ns >= SOON_NS);
	assert_story(scene, "opened sesn_1;turned -deadline;parted deadline;");
}

static void parting_ends_at_its_deadline_while_it_is_refused(void **state)
{
	struct scene *scene = *state;

	scene_open(scene);
	scene->api.lying = true;
	scene_let_go(scene, AGENT_SESSION_DELETE, SOON_NS);
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "opened sesn_1;parted deadline;");
	assert_true(endings(scene) >= 2);
}

static void parting_has_a_deadline_that_is_over_already(void **state)
{
	struct scene *scene = *state;

	scene_open(scene);
	scene_let_go(scene, AGENT_SESSION_ARCHIVE, -CLOCK_S);
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "opened sesn_1;parted deadline;");
}

static void parting_gives_up_when_told(void **state)
{
	struct scene *scene = *state;

	begin_turn(scene);
	scene_let_go(scene, AGENT_SESSION_ARCHIVE, 0);
	scene_await_request(scene, "user.interrupt;", 1);
	agent_session_give_up(scene->session, "second signal");
	agent_session_give_up(scene->session, "third signal");
	assert_int_equal(scene->parted, 0);
	scene_await(scene, &scene->parted, 1);
	assert_story(
		scene, "opened sesn_1;turned -second signal;parted second signal;");
}

static void parting_ends_a_session_that_is_just_being_created(void **state)
{
	struct scene *scene = *state;

	scene_begin_open(scene, NULL);
	scene_await_request(scene, "POST /v1/agents;", 1);
	while (api_count(&scene->api, "POST /v1/sessions;") == 0)
		uv_run(&scene->loop, UV_RUN_ONCE);
	scene_let_go(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->parted, 1);
	assert_non_null(strstr(buf_text(&scene->story), "parted well;"));
	assert_string_equal(scene->api.sessions[0].status, "terminated");
}

static void parting_has_nothing_to_do_before_there_is_a_session(void **state)
{
	struct scene *scene = *state;

	scene_begin_open(scene, NULL);
	scene_let_go(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->parted, 1);
	scene_let_pass(scene, 20);
	assert_story(scene, "parted well;");
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 0);
}

static void parting_drops_a_session_to_keep_while_it_is_created(void **state)
{
	struct scene *scene = *state;

	scene_strike(scene, "POST /v1/sessions", API_FAULT_HANG, 1);
	scene_begin_open(scene, NULL);
	scene_await_request(scene, "POST /v1/sessions;", 1);
	scene_let_go(scene, AGENT_SESSION_KEEP, LATE_NS);
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "parted well;");
}

static void parting_does_not_wait_longer_than_its_deadline_for_a_session(void **state)
{
	struct scene *scene = *state;

	scene_strike(scene, "POST /v1/sessions", API_FAULT_HANG, 1);
	scene_begin_open(scene, NULL);
	scene_await_request(scene, "POST /v1/sessions;", 1);
	scene_let_go(scene, AGENT_SESSION_DELETE, SOON_NS);
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "parted deadline;");
}

static void parting_archives_a_stored_session_that_is_not_open_yet(void **state)
{
	struct scene *scene = *state;

	scene_open(scene);
	agent_session_destroy(scene->session);
	scene->opened = 0;
	scene_strike(scene, "GET /v1/sessions/sesn_1", API_FAULT_HANG, 1);
	scene_begin_open(scene, "sesn_1");
	scene_await_request(scene, "GET /v1/sessions/sesn_1;", 1);
	scene_let_go(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "opened sesn_1;parted well;");
	assert_string_equal(scene->api.sessions[0].status, "terminated");
}

static void parting_knows_that_a_deleted_session_is_gone(void **state)
{
	struct scene *scene = *state;
	struct fake_session *session = begin_turn(scene);

	scene_let_go(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await_request(scene, "user.interrupt;", 1);
	api_tell(&scene->api, session, "session.deleted", "");
	scene_await(scene, &scene->parted, 1);
	assert_story(scene, "opened sesn_1;turned -interrupted;parted well;");
	assert_int_equal(endings(scene), 0);
}

static void parting_of_a_session_that_could_not_open_is_no_failure(void **state)
{
	struct scene *scene = *state;

	scene_strike(scene, "POST /v1/sessions", API_FAULT_STATUS, 1);
	scene->api.fault_status = 400;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	scene_let_go(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->parted, 1);
	assert_non_null(strstr(buf_text(&scene->story), ";parted well;"));
}

static void agent_session_may_be_destroyed_while_it_parts(void **state)
{
	struct scene *scene = *state;

	begin_turn(scene);
	scene_let_go(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await_request(scene, "user.interrupt;", 1);
	agent_session_destroy(scene->session);
	scene->session = NULL;
	scene_let_pass(scene, 20);
	assert_story(scene, "opened sesn_1;");
}

static void agent_session_may_be_destroyed_in_the_callbacks_of_parting(void **state)
{
	for (int in_turned = 0; in_turned < 2; in_turned++) {
		struct scene *scene;

		scene_set_up(state);
		scene = *state;
		if (in_turned)
			begin_turn(scene);
		else
			scene_open(scene);
		scene->api.quiet = false;
		scene_let_go(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
		scene->destroy_next = true;
		while (scene->session)
			uv_run(&scene->loop, UV_RUN_DEFAULT);
		scene_let_pass(scene, 20);
		assert_int_equal(scene->parted, in_turned ? 0 : 1);
		scene_tear_down(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(parting_archives_an_idle_session),
		SCENE(parting_deletes_an_idle_session),
		SCENE(parting_keeps_an_idle_session_without_a_word),
		SCENE(parting_interrupts_and_waits_for_idle),
		SCENE(parting_keeps_a_session_once_it_rests),
		SCENE(parting_asks_again_while_the_stored_status_lags),
		SCENE(parting_interrupts_a_session_that_runs_against_expectation),
		SCENE(parting_reads_the_status_when_no_events_arrive),
		SCENE(parting_reads_the_status_when_no_event_ever_came),
		SCENE(parting_need_not_interrupt_a_session_that_waits_for_a_tool),
		SCENE(parting_waits_for_what_was_just_said),
		SCENE(parting_does_not_wait_for_ever_for_what_was_just_said),
		cmocka_unit_test(parting_says_how_it_went),
		SCENE(parting_ends_at_its_deadline),
		SCENE(parting_ends_at_its_deadline_while_it_is_refused),
		SCENE(parting_has_a_deadline_that_is_over_already),
		SCENE(parting_gives_up_when_told),
		SCENE(parting_ends_a_session_that_is_just_being_created),
		SCENE(parting_has_nothing_to_do_before_there_is_a_session),
		SCENE(parting_drops_a_session_to_keep_while_it_is_created),
		SCENE(parting_does_not_wait_longer_than_its_deadline_for_a_session),
		SCENE(parting_archives_a_stored_session_that_is_not_open_yet),
		SCENE(parting_knows_that_a_deleted_session_is_gone),
		SCENE(parting_of_a_session_that_could_not_open_is_no_failure),
		SCENE(agent_session_may_be_destroyed_while_it_parts),
		cmocka_unit_test(
			agent_session_may_be_destroyed_in_the_callbacks_of_parting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
