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

static unsigned endings(const struct agent_scene *scene)
{
	return api_count(&scene->api, "/archive;") + api_count(&scene->api, "DELETE ");
}

static void release_archives_an_idle_session(void **state)
{
	struct agent_scene *scene = *state;

	scene_open(scene);
	scene_release(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "opened sesn_1;released ok;");
	assert_string_equal(scene->api.sessions[0].status, "terminated");
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 0);
	while (scene->api.sessions[0].stream)
		uv_run(&scene->loop, UV_RUN_NOWAIT);
}

/* The stream of a session is closed while the API ends it, and not afterwards. */
static void release_closes_the_stream_while_it_ends_the_session(void **state)
{
	struct agent_scene *scene = *state;

	scene_open(scene);
	scene_barrier(scene);
	scene_inject(scene, "/archive", API_FAULT_HANG, 1);
	scene_release(scene, AGENT_SESSION_ARCHIVE, 0);
	while (scene->api.sessions[0].stream)
		uv_run(&scene->loop, UV_RUN_NOWAIT);
	assert_int_equal(endings(scene), 1);
	assert_int_equal(scene->released, 0);
	agent_session_give_up(scene->session, "enough");
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "opened sesn_1;released enough;");
}

static void release_deletes_an_idle_session(void **state)
{
	struct agent_scene *scene = *state;

	scene_open(scene);
	scene_release(scene, AGENT_SESSION_DELETE, 0);
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "opened sesn_1;released ok;");
	assert_true(scene->api.sessions[0].deleted);
}

static void release_keeps_an_idle_session_without_a_request(void **state)
{
	struct agent_scene *scene = *state;

	scene_open(scene);
	buf_clear(&scene->api.journal);
	scene_release(scene, AGENT_SESSION_KEEP, LATE_NS);
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "opened sesn_1;released ok;");
	scene_barrier(scene);
	assert_string_equal(buf_text(&scene->api.journal), "");
	assert_null(scene->api.sessions[0].stream);
}

/* A turn runs until it is interrupted. */
static struct fake_session *begin_turn(struct agent_scene *scene)
{
	struct fake_session *session = scene_open(scene);

	scene->api.quiet = true;
	scene_send(scene, "go");
	scene_await_request(scene, "user.message;", 1);
	api_add_event(&scene->api, session, "session.status_running", "");
	scene_barrier(scene);
	return session;
}

static void release_interrupts_and_waits_for_idle(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_turn(scene);

	scene_release(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await_request(scene, "user.interrupt;", 1);
	scene_barrier(scene);
	assert_int_equal(endings(scene), 0);
	api_add_idle(&scene->api, session, "end_turn");
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "opened sesn_1;turned -interrupted;released ok;");
	assert_int_equal(endings(scene), 1);
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
}

static void release_keeps_a_session_once_it_is_idle(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_turn(scene);

	scene_release(scene, AGENT_SESSION_KEEP, LATE_NS);
	scene_await_request(scene, "user.interrupt;", 1);
	assert_int_equal(scene->released, 0);
	api_add_idle(&scene->api, session, "end_turn");
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "opened sesn_1;turned -interrupted;released ok;");
	assert_int_equal(endings(scene), 0);
}

static void release_asks_again_while_the_stored_status_lags(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_turn(scene);
	int64_t began_ns = clock_now();

	scene->api.quiet = false;
	session->lag = 3;
	scene_release(scene, AGENT_SESSION_DELETE, LATE_NS);
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "opened sesn_1;turned -interrupted;released ok;");
	assert_int_equal(endings(scene), 4);
	assert_true(clock_now() - began_ns >= (50 + 100 + 200) * CLOCK_MS);
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
}

static void release_interrupts_a_session_that_runs_against_expectation(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_turn(scene);

	/* without the stream it is unknown whether the session runs */
	scene_inject(scene, "/events/stream", API_FAULT_STATUS, 100);
	scene->api.fault_status = 403;
	web_reset(session->stream);
	scene_await(scene, &scene->broke, 1);
	scene->api.quiet = false;
	scene_release(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->released, 1);
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 1);
	assert_int_equal(endings(scene), 2);
	assert_string_equal(session->status, "terminated");
}

static void release_reads_the_status_when_no_events_arrive(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_turn(scene);

	scene_release(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await_request(scene, "user.interrupt;", 1);
	web_reset(session->stream);
	scene_await_request(scene, "GET /v1/sessions/sesn_1;", 2);
	assert_int_equal(endings(scene), 0);
	session->status = "idle";
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "opened sesn_1;turned -interrupted;released ok;");
	assert_int_equal(
		api_count(&scene->api, "/events/stream;"), 1); /* no reconnection */
}

static void release_reads_the_status_when_no_event_ever_came(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = scene_open(scene);

	scene->api.quiet = scene->api.silent_streams = true;
	scene_send(scene, "go");
	scene_await_request(scene, "user.message;", 1);
	session->status = "running";
	scene_barrier(scene);
	scene_release(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await_request(scene, "GET /v1/sessions/sesn_1;", 2);
	session->status = "idle";
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "opened sesn_1;turned -interrupted;released ok;");
}

static void release_does_not_interrupt_a_session_that_waits_for_a_tool(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_turn(scene);

	api_add_event(&scene->api, session, "agent.custom_tool_use",
		",\"name\":\"add\",\"input\":{}");
	api_add_event(&scene->api, session, "session.status_idle",
		",\"stop_reason\":{\"type\":\"requires_action\","
		"\"event_ids\":[\"sevt_3\"]}");
	scene_await(scene, &scene->wanted, 1);
	scene_release(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->released, 1);
	assert_log(
		scene, "opened sesn_1;wants add {};turned -interrupted;released ok;");
	assert_int_equal(api_count(&scene->api, "user.interrupt;"), 0);
}

static void release_waits_until_the_message_is_accepted(void **state)
{
	struct agent_scene *scene = *state;

	scene_open(scene);
	scene->api.quiet = true;
	scene_send(scene, "go");
	scene_release(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await_request(scene, "user.interrupt;", 1);
	assert_true(strstr(buf_text(&scene->api.journal), "user.message;") <
		strstr(buf_text(&scene->api.journal), "user.interrupt;"));
	api_add_idle(&scene->api, &scene->api.sessions[0], "end_turn");
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "opened sesn_1;turned -interrupted;released ok;");
}

static void release_waits_only_briefly_for_the_message(void **state)
{
	struct agent_scene *scene = *state;
	int64_t began_ns;

	scene_open(scene);
	scene->api.quiet = true;
	scene_inject(scene, "POST /v1/sessions/sesn_1/events", API_FAULT_HANG, 1);
	scene_send(scene, "go");
	scene_await_request(scene, "POST /v1/sessions/sesn_1/events;", 1);
	began_ns = clock_now();
	scene_release(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "opened sesn_1;turned -interrupted;released ok;");
	assert_string_equal(scene->api.sessions[0].status, "terminated");
	assert_true(clock_now() - began_ns < LATE_NS / 4);
}

static const struct end {
	enum agent_session_end ending;
	enum api_fault fault;
	unsigned status, times;
	const char *body;
	const char *end; /* of the log */
	const char *why;
} ends[] = {
	{AGENT_SESSION_ARCHIVE, API_FAULT_STATUS, 404, 9, NULL, "released ok;",
		"an unknown session is released already"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_STATUS, 503, 1, NULL, "released ok;",
		"a 503 is retried"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_STATUS, 500, 9, NULL,
		"as you like, ******************** (tried 3 times);",
		"three times at most"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_STATUS, 403, 9, NULL,
		"HTTP 403 some_error: as you like, ********************;",
		"a 403 is not temporary"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_STATUS, 400, 9, NULL,
		"HTTP 400 some_error: as you like, ********************;",
		"a 400 that is no refusal as running"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_RESET, 0, 1, NULL, "released ok;",
		"a reset is retried"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_EFFECTIVE_RESET, 0, 1, NULL, "released ok;",
		"the retry finds it archived"},
	{AGENT_SESSION_DELETE, API_FAULT_EFFECTIVE_RESET, 0, 1, NULL, "released ok;",
		"or deleted"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_BODY, 0, 9, "<html>",
		"HTTP 200, and the answer is not JSON;", "this is no agent API"},
	{AGENT_SESSION_ARCHIVE, API_FAULT_HANG, 0, 9, NULL, "released deadline;",
		"no answer"},
};

static void release_reports_how_it_ended(void **state)
{
	for (size_t i = 0; i < COUNT(ends); i++) {
		const struct end *end = &ends[i];
		bool archive = end->ending == AGENT_SESSION_ARCHIVE;
		struct agent_scene *scene;
		const char *log;

		scene_set_up(state);
		scene = *state;
		scene_open(scene);
		scene_inject(scene, archive ? "/archive" : "DELETE ", end->fault,
			end->times);
		scene->api.fault_status = end->status;
		scene->api.fault_body = end->body;
		scene_release(scene, end->ending,
			end->fault == API_FAULT_HANG ? SOON_NS : LATE_NS);
		scene_await(scene, &scene->released, 1);
		log = buf_text(&scene->log);
		if (strlen(log) < strlen(end->end) ||
			strcmp(log + strlen(log) - strlen(end->end), end->end) != 0)
			fail_msg("%s: %s", end->why, log);
		scene_tear_down(state);
	}
}

static void release_ends_at_its_deadline(void **state)
{
	struct agent_scene *scene = *state;
	int64_t began_ns;

	begin_turn(scene);
	began_ns = clock_now();
	scene_release(scene, AGENT_SESSION_ARCHIVE, SOON_NS); /* no idle event comes */
	scene_await(scene, &scene->released, 1);
	assert_true(clock_now() - began_ns >= SOON_NS);
	assert_log(scene, "opened sesn_1;turned -deadline;released deadline;");
}

static void release_ends_at_its_deadline_while_it_is_refused(void **state)
{
	struct agent_scene *scene = *state;

	scene_open(scene);
	scene->api.always_running = true;
	scene_release(scene, AGENT_SESSION_DELETE, SOON_NS);
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "opened sesn_1;released deadline;");
	assert_true(endings(scene) >= 2);
}

static void release_has_a_deadline_that_is_over_already(void **state)
{
	struct agent_scene *scene = *state;

	scene_open(scene);
	scene_release(scene, AGENT_SESSION_ARCHIVE, -CLOCK_S);
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "opened sesn_1;released deadline;");
}

static void release_ends_when_it_is_given_up(void **state)
{
	struct agent_scene *scene = *state;

	begin_turn(scene);
	scene_release(scene, AGENT_SESSION_ARCHIVE, 0);
	scene_await_request(scene, "user.interrupt;", 1);
	agent_session_give_up(scene->session, "second signal");
	agent_session_give_up(scene->session, "third signal");
	assert_int_equal(scene->released, 0);
	scene_await(scene, &scene->released, 1);
	assert_log(
		scene, "opened sesn_1;turned -second signal;released second signal;");
}

static void release_ends_a_session_that_is_just_being_created(void **state)
{
	struct agent_scene *scene = *state;

	scene_begin_open(scene, NULL);
	scene_await_request(scene, "POST /v1/agents;", 1);
	while (api_count(&scene->api, "POST /v1/sessions;") == 0)
		uv_run(&scene->loop, UV_RUN_ONCE);
	scene_release(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->released, 1);
	assert_non_null(strstr(buf_text(&scene->log), "released ok;"));
	assert_string_equal(scene->api.sessions[0].status, "terminated");
}

static void release_has_nothing_to_do_before_there_is_a_session(void **state)
{
	struct agent_scene *scene = *state;

	scene_begin_open(scene, NULL);
	scene_release(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->released, 1);
	scene_barrier(scene);
	assert_log(scene, "released ok;");
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 0);
}

static void release_drops_a_session_to_keep_while_it_is_created(void **state)
{
	struct agent_scene *scene = *state;

	scene_inject(scene, "POST /v1/sessions", API_FAULT_HANG, 1);
	scene_begin_open(scene, NULL);
	scene_await_request(scene, "POST /v1/sessions;", 1);
	scene_release(scene, AGENT_SESSION_KEEP, LATE_NS);
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "released ok;");
}

static void release_does_not_wait_longer_than_its_deadline_for_a_session(void **state)
{
	struct agent_scene *scene = *state;

	scene_inject(scene, "POST /v1/sessions", API_FAULT_HANG, 1);
	scene_begin_open(scene, NULL);
	scene_await_request(scene, "POST /v1/sessions;", 1);
	scene_release(scene, AGENT_SESSION_DELETE, SOON_NS);
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "released deadline;");
}

static void release_archives_a_stored_session_that_is_not_open_yet(void **state)
{
	struct agent_scene *scene = *state;

	scene_open(scene);
	agent_session_destroy(scene->session);
	scene->opened = 0;
	scene_inject(scene, "GET /v1/sessions/sesn_1", API_FAULT_HANG, 1);
	scene_begin_open(scene, "sesn_1");
	scene_await_request(scene, "GET /v1/sessions/sesn_1;", 1);
	scene_release(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "opened sesn_1;released ok;");
	assert_string_equal(scene->api.sessions[0].status, "terminated");
}

static void release_is_done_when_the_session_is_deleted(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_turn(scene);

	scene_release(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await_request(scene, "user.interrupt;", 1);
	api_add_event(&scene->api, session, "session.deleted", "");
	scene_await(scene, &scene->released, 1);
	assert_log(scene, "opened sesn_1;turned -interrupted;released ok;");
	assert_int_equal(endings(scene), 0);
}

static void release_of_a_session_that_could_not_open_is_no_failure(void **state)
{
	struct agent_scene *scene = *state;

	scene_inject(scene, "POST /v1/sessions", API_FAULT_STATUS, 1);
	scene->api.fault_status = 400;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	scene_release(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await(scene, &scene->released, 1);
	assert_non_null(strstr(buf_text(&scene->log), ";released ok;"));
}

static void agent_session_may_be_destroyed_during_its_release(void **state)
{
	struct agent_scene *scene = *state;

	begin_turn(scene);
	scene_release(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
	scene_await_request(scene, "user.interrupt;", 1);
	agent_session_destroy(scene->session);
	scene->session = NULL;
	scene_barrier(scene);
	assert_log(scene, "opened sesn_1;");
}

static void agent_session_may_be_destroyed_in_the_callbacks_of_its_release(void **state)
{
	for (int in_turned = 0; in_turned < 2; in_turned++) {
		struct agent_scene *scene;

		scene_set_up(state);
		scene = *state;
		if (in_turned)
			begin_turn(scene);
		else
			scene_open(scene);
		scene->api.quiet = false;
		scene_release(scene, AGENT_SESSION_ARCHIVE, LATE_NS);
		scene->destroy_next = true;
		while (scene->session)
			uv_run(&scene->loop, UV_RUN_DEFAULT);
		scene_barrier(scene);
		assert_int_equal(scene->released, in_turned ? 0 : 1);
		scene_tear_down(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(release_archives_an_idle_session),
		SCENE(release_closes_the_stream_while_it_ends_the_session),
		SCENE(release_deletes_an_idle_session),
		SCENE(release_keeps_an_idle_session_without_a_request),
		SCENE(release_interrupts_and_waits_for_idle),
		SCENE(release_keeps_a_session_once_it_is_idle),
		SCENE(release_asks_again_while_the_stored_status_lags),
		SCENE(release_interrupts_a_session_that_runs_against_expectation),
		SCENE(release_reads_the_status_when_no_events_arrive),
		SCENE(release_reads_the_status_when_no_event_ever_came),
		SCENE(release_does_not_interrupt_a_session_that_waits_for_a_tool),
		SCENE(release_waits_until_the_message_is_accepted),
		SCENE(release_waits_only_briefly_for_the_message),
		cmocka_unit_test(release_reports_how_it_ended),
		SCENE(release_ends_at_its_deadline),
		SCENE(release_ends_at_its_deadline_while_it_is_refused),
		SCENE(release_has_a_deadline_that_is_over_already),
		SCENE(release_ends_when_it_is_given_up),
		SCENE(release_ends_a_session_that_is_just_being_created),
		SCENE(release_has_nothing_to_do_before_there_is_a_session),
		SCENE(release_drops_a_session_to_keep_while_it_is_created),
		SCENE(release_does_not_wait_longer_than_its_deadline_for_a_session),
		SCENE(release_archives_a_stored_session_that_is_not_open_yet),
		SCENE(release_is_done_when_the_session_is_deleted),
		SCENE(release_of_a_session_that_could_not_open_is_no_failure),
		SCENE(agent_session_may_be_destroyed_during_its_release),
		cmocka_unit_test(
			agent_session_may_be_destroyed_in_the_callbacks_of_its_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
