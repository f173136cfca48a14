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

#define STREAM "GET /v1/sessions/sesn_1/events/stream"
#define LIST   "GET /v1/sessions/sesn_1/events;"

/* A turn runs, on an open stream. */
static struct fake_session *begin_turn(struct agent_scene *scene)
{
	struct fake_session *session = scene_open(scene);

	scene->api.quiet = true;
	scene_send(scene, "go");
	scene_await_request(scene, "user.message;", 1);
	api_add_event(&scene->api, session, "session.status_running", "");
	api_add_text(&scene->api, session, "a");
	scene_await_request(scene, LIST, 1); /* events before it was open */
	scene_barrier(scene);
	return session;
}

static void finish_turn(struct agent_scene *scene, struct fake_session *session)
{
	for (int i = 0; i < 9; i++) { /* more than a page */
		SCOPED(mem_free) char *digit = mem_textf("%d", i);

		api_add_text(&scene->api, session, digit);
	}
	api_add_idle(&scene->api, session, "end_turn");
}

static void stream_reads_missing_events_from_the_list(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_turn(scene);

	web_reset(session->stream);
	finish_turn(scene, session);
	scene_await(scene, &scene->turned, 1);
	assert_log(scene, "opened sesn_1;turned +a012345678;");
	scene_await_request(scene, STREAM, 2);
}

static void stream_reconnects_after_a_break(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_turn(scene);

	web_stream_end(session->stream);
	scene_await_request(scene, STREAM, 2);
	finish_turn(scene, session);
	scene_await(scene, &scene->turned, 1);
	assert_log(scene, "opened sesn_1;turned +a012345678;");
	scene_send(scene, "next");
	scene_await_request(scene, "user.message;", 2);
	api_add_event(&scene->api, session, "session.status_running", "");
	api_add_text(&scene->api, session, "b");
	api_add_idle(&scene->api, session, "end_turn");
	scene_await(scene, &scene->turned, 2);
	assert_log(scene, "opened sesn_1;turned +a012345678;turned +b;");
}

static void stream_waits_longer_after_each_failure(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_turn(scene);
	int64_t began_ns = clock_now();

	scene_inject(scene, STREAM, API_FAULT_STATUS, 2);
	web_reset(session->stream);
	scene_await_request(scene, STREAM, 4);
	assert_true(clock_now() - began_ns >= (375 + 750 + 1500) * CLOCK_MS);
	scene_barrier(scene);
	finish_turn(scene, session);
	scene_await(scene, &scene->turned, 1);
	assert_log(scene, "opened sesn_1;turned +a012345678;");
}

static const struct garbage {
	const char *frame;
	const char *why;
} garbages[] = {
	{"event: agent.message\ndata: {oops\n\n", "an event that is not JSON"},
	{"event: agent.message\ndata: 7\n\n", "JSON, but no object"},
	{"<html>\n\n", "no event stream"},
	{"event: error\ndata: {\"error\":{\"message\":\"overloaded\"}}\n\n",
		"an error instead of events"},
	{"event: agent.mess", "a cut event, and then the next"},
	{"oops", "a piece that spoils the next event's name"},
};

static void stream_survives_garbage(void **state)
{
	for (size_t i = 0; i < COUNT(garbages); i++) {
		struct agent_scene *scene;
		struct fake_session *session;

		scene_set_up(state);
		scene = *state;
		session = begin_turn(scene);
		web_stream_add(
			session->stream, garbages[i].frame, strlen(garbages[i].frame));
		finish_turn(scene, session);
		scene_await(scene, &scene->turned, 1);
		if (strcmp(buf_text(&scene->log),
			    "opened sesn_1;turned +a012345678;") != 0)
			fail_msg("%s: %s", garbages[i].why, buf_text(&scene->log));
		scene_tear_down(state);
	}
}

static void stream_is_cut_when_an_event_is_too_large(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_turn(scene);
	size_t len = (size_t)2 << 20;
	char *large = mem_zeroed(len);

	memset(large, 'x', len);
	web_stream_add(session->stream, "event: agent.message\ndata: ", 27);
	web_stream_add(session->stream, large, len);
	free(large);
	scene_await_request(scene, STREAM, 2);
	finish_turn(scene, session);
	scene_await(scene, &scene->turned, 1);
	assert_log(scene, "opened sesn_1;turned +a012345678;");
}

static void stream_reports_each_event_once(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_turn(scene);
	const char *again = "event: agent.message\ndata: {\"id\":\"sevt_3\",\"type\":"
			    "\"agent.message\",\"content\":[{\"text\":\"a\"}]}\n\n";

	web_stream_add(session->stream, again, strlen(again));
	finish_turn(scene, session);
	scene_await(scene, &scene->turned, 1);
	assert_log(scene, "opened sesn_1;turned +a012345678;");
}

static void stream_that_does_not_open_is_replaced_by_the_list(void **state)
{
	struct agent_scene *scene = *state;

	scene_inject(scene, STREAM, API_FAULT_HANG, 1);
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	scene_send(scene, "go");
	scene_await(scene, &scene->turned, 1);
	assert_log(scene, "opened sesn_1;turned +You said: go;");
}

/* A message may reach the API before the request for the stream. */
static void stream_misses_nothing_that_came_before_it_was_open(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session;

	scene->api.quiet = scene->api.hold_streams = true;
	session = scene_open(scene);
	scene_send(scene, "go");
	scene_await_request(scene, "user.message;", 1);
	api_add_event(&scene->api, session, "session.status_running", "");
	api_add_text(&scene->api, session, "a");
	api_open_stream(session);
	api_add_text(&scene->api, session, "b");
	api_add_idle(&scene->api, session, "end_turn");
	scene_await(scene, &scene->turned, 1);
	assert_log(scene, "opened sesn_1;turned +ab;");
}

/* In the API's list "running" comes before the message that caused it. */
static void stream_reports_no_old_event_after_a_new_one(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session;
	const char *old = "event: session.status_running\ndata: {\"id\":\"sevt_1\","
			  "\"type\":\"session.status_running\"}\n\n";

	scene->api.quiet = scene->api.hold_streams = true;
	session = scene_open(scene);
	api_add_event(&scene->api, session, "session.status_running", "");
	scene_send(scene, "go");
	scene_await_request(scene, "user.message;", 1);
	api_add_text(&scene->api, session, "a");
	api_add_idle(&scene->api, session, "end_turn");
	scene_await(scene, &scene->turned, 1);
	assert_log(scene, "opened sesn_1;turned +a;");
	api_open_stream(session);
	web_stream_add(session->stream, old, strlen(old));
	scene_barrier(scene);
	scene_release(scene, AGENT_SESSION_KEEP, CLOCK_S);
	scene_await(scene, &scene->released, 1);
	assert_int_equal(api_count(&scene->api, "GET /v1/sessions/sesn_1;"), 0);
}

static void agent_session_breaks_when_its_stream_is_refused(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = scene_open(scene);

	scene_inject(scene, STREAM, API_FAULT_STATUS, 1);
	scene->api.fault_status = 404;
	web_stream_end(session->stream);
	scene_await(scene, &scene->broke, 1);
	assert_non_null(strstr(buf_text(&scene->log), "broke event stream: HTTP 404"));
}

static void agent_session_breaks_after_its_turn_when_the_session_is_deleted(
	void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_turn(scene);
	struct err err;

	api_add_event(&scene->api, session, "session.deleted", "");
	scene_await(scene, &scene->broke, 1);
	assert_log(scene,
		"opened sesn_1;turned -the session was deleted;"
		"broke the session was deleted;");
	assert_false(agent_session_send(scene->session, "hello?", &err));
	while (session->stream) /* until the connection is closed */
		uv_run(&scene->loop, UV_RUN_NOWAIT);
	scene_barrier(scene);
	assert_int_equal(api_count(&scene->api, STREAM), 1);
}

static void agent_session_breaks_when_the_session_is_terminated(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = scene_open(scene);

	api_add_event(&scene->api, session, "session.status_terminated", "");
	scene_await(scene, &scene->broke, 1);
	assert_log(scene, "opened sesn_1;broke the session was terminated;");
}

static void agent_session_may_be_destroyed_while_it_reconnects(void **state)
{
	struct agent_scene *scene = *state;
	struct fake_session *session = begin_turn(scene);

	web_reset(session->stream);
	scene_await_request(scene, LIST, 2); /* between two connections */
	agent_session_destroy(scene->session);
	scene->session = NULL;
	scene_barrier(scene);
	assert_int_equal(api_count(&scene->api, STREAM), 1);
	assert_log(scene, "opened sesn_1;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(stream_reads_missing_events_from_the_list),
		SCENE(stream_reconnects_after_a_break),
		SCENE(stream_waits_longer_after_each_failure),
		cmocka_unit_test(stream_survives_garbage),
		SCENE(stream_is_cut_when_an_event_is_too_large),
		SCENE(stream_reports_each_event_once),
		SCENE(stream_that_does_not_open_is_replaced_by_the_list),
		SCENE(stream_misses_nothing_that_came_before_it_was_open),
		SCENE(stream_reports_no_old_event_after_a_new_one),
		SCENE(agent_session_breaks_when_its_stream_is_refused),
		SCENE(agent_session_breaks_after_its_turn_when_the_session_is_deleted),
		SCENE(agent_session_breaks_when_the_session_is_terminated),
		SCENE(agent_session_may_be_destroyed_while_it_reconnects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
