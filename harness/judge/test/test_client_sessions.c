#include "harness/judge/test/scene.h"

#include <signal.h>
#include <string.h>

#include "lib/mem.h"

/* A program of somebody else whose rooms ask the Messages API. */
static void run_rooms(struct judge_scene *scene, const char *by, int count)
{
	scene_run_program(scene, "node", SIGTERM);
	scene->scenario.service.mocks = true;
	strlist_add(&scene->scenario.service.env, "API={agent_url}");
	scene->scenario.load.sessions = count;
	for (int i = 1; i <= count; i++) {
		scene_add_event(scene, EVENT_LEDGER, -500,
			"{\"event\":\"agent.session.opened\",\"session\":\"%d\","
			"\"id\":\"client_%d\",\"api\":\"messages\",\"by\":\"%s\"}",
			i, i, by);
		scene_add_request(scene, REQUEST_OPEN, i, REQUEST_ANSWERED);
	}
}

static void close_session(struct judge_scene *scene, int session, int64_t ms)
{
	scene_add_event(scene, EVENT_LEDGER, ms,
		"{\"event\":\"agent.session.closed\",\"session\":\"%d\","
		"\"id\":\"client_%d\",\"port\":%d}",
		session, session, 40000 + session);
}

static void begin_turn(
	struct judge_scene *scene, int session, const char *turn, int64_t ms)
{
	scene_add_event(scene, EVENT_LEDGER, ms,
		"{\"event\":\"agent.turn.begin\",\"session\":\"%d\",\"id\":\"client_%d\","
		"\"turn\":\"%s\"}",
		session, session, turn);
}

static void end_turn(struct judge_scene *scene, int session, const char *turn,
	int64_t ms, const char *why)
{
	scene_add_event(scene, EVENT_LEDGER, ms,
		"{\"event\":\"agent.turn.end\",\"session\":\"%d\",\"id\":\"client_%d\","
		"\"turn\":\"%s\",\"why\":\"%s\"}",
		session, session, turn, why);
}

/* The last webhook's answer has the model's words, or it has not. */
static void answer(
	struct judge_scene *scene, enum request_kind kind, int64_t ms, bool has_reply)
{
	struct load_request *request;

	scene_add_request(scene, kind, 1, REQUEST_ANSWERED);
	request = &scene->evidence.requests[scene->evidence.request_count - 1];
	request->ended_ns = T0 + ms * CLOCK_MS;
	request->has_reply = has_reply;
}

/* Of room 1, whose turn in flight ends 250 ms after the signal. */
static void run_answers(
	struct judge_scene *scene, bool opening, int64_t answered_ms, bool has_reply)
{
	run_rooms(scene, "path", 0);
	scene->scenario.load.sessions = 1;
	scene_add_event(scene, EVENT_LEDGER, -500,
		"{\"event\":\"agent.session.opened\",\"session\":\"1\","
		"\"id\":\"client_1\",\"api\":\"messages\",\"by\":\"path\"}");
	begin_turn(scene, 1, "a", -500);
	end_turn(scene, 1, "a", -450, "end_turn");
	answer(scene, REQUEST_OPEN, -400, opening);
	begin_turn(scene, 1, "b", -100);
	answer(scene, REQUEST_TURN, answered_ms, has_reply);
	end_turn(scene, 1, "b", 250, "end_turn");
}

static void a_webhook_answered_before_the_model_is_a_turn_lost(void **state)
{
	struct judge_scene *scene = *state;

	run_answers(scene, true, 5, false);
	scene_expect(scene, VERDICT_DIRTY, "H9");
	assert_says(scene, "H9",
		"1 webhook was answered without what the model said: answered +5.00ms, its "
		"turn ended +250ms");
}

/* The ledger may tell the turn's end a moment after the client had all of it. */
static void an_answer_with_the_models_words_is_never_early(void **state)
{
	struct judge_scene *scene = *state;

	run_answers(scene, true, 249, true);
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* Its opening turn had ended before that was acknowledged, too. */
static void a_webhook_that_is_only_acknowledged_is_not_early(void **state)
{
	struct judge_scene *scene = *state;

	run_answers(scene, false, 5, false);
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void an_answer_before_the_signal_or_after_the_turn_is_not_early(void **state)
{
	struct judge_scene *scene = *state;

	run_answers(scene, true, -50, false);
	scene_expect(scene, VERDICT_CLEAN, "X0");
	scene->evidence.requests[1].ended_ns = T0 + 260 * CLOCK_MS;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* They ended at 299 ms, when PID 1 began to exit. */
static void connections_that_pid1_leaves_open_are_no_fault(void **state)
{
	struct judge_scene *scene = *state;

	run_rooms(scene, "path", 3);
	close_session(scene, 1, 20);
	close_session(scene, 2, 299);
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_int_equal(scene->judgement.sessions, 3);
	assert_int_equal(scene->judgement.disconnected, 1);
	assert_int_equal(scene->judgement.left_open, 2);
	assert_says(
		scene, "X0", "1 of 3 sessions disconnected; 2, which no request ends");
}

static void a_session_that_came_back_is_there_again(void **state)
{
	struct judge_scene *scene = *state;

	run_rooms(scene, "path", 1);
	close_session(scene, 1, -100);
	scene_add_event(scene, EVENT_LEDGER, -50,
		"{\"event\":\"agent.session.resumed\",\"session\":\"1\","
		"\"id\":\"client_1\"}");
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_int_equal(scene->judgement.disconnected, 0);
}

/* A child of PID 1 had them: that PID 1 runs on proves nothing. */
static void what_the_end_of_a_child_closed_was_not_disconnected(void **state)
{
	struct judge_scene *scene = *state;
	struct evidence *evidence = &scene->evidence;

	run_rooms(scene, "path", 2);
	close_session(scene, 1, 20);
	close_session(scene, 2, 20);
	evidence->client_closes = mem_zeroed(2 * sizeof *evidence->client_closes);
	evidence->client_close_count = 2;
	evidence->client_closes[0] = (struct client_close){
		.port = 40001, .close = {.closed = true, .by_exit = true}};
	evidence->client_closes[1] =
		(struct client_close){.port = 40002, .close = {.closed = true}};
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_int_equal(scene->judgement.disconnected, 1);
	assert_int_equal(scene->judgement.left_open, 1);
}

/* Several rooms on one connection of a pool. */
static void sessions_of_connections_are_not_counted_against_rooms(void **state)
{
	struct judge_scene *scene = *state;

	run_rooms(scene, "connection", 1);
	scene_add_request(scene, REQUEST_OPEN, 2, REQUEST_ANSWERED);
	scene_add_request(scene, REQUEST_OPEN, 3, REQUEST_ANSWERED);
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void rooms_without_any_session_prove_nothing(void **state)
{
	struct judge_scene *scene = *state;

	run_rooms(scene, "path", 0);
	scene_add_request(scene, REQUEST_OPEN, 1, REQUEST_ANSWERED);
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
	assert_says(scene, "Z0", "the agent API saw 0");
}

static void sessions_past_the_bound_prove_nothing(void **state)
{
	struct judge_scene *scene = *state;

	run_rooms(scene, "path", 1);
	scene_add_event(scene, EVENT_LEDGER, -400,
		"{\"event\":\"agent.sessions.full\",\"most\":10000}");
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
}

/* Turns */

static void a_turn_that_was_aborted_and_answered_is_told(void **state)
{
	struct judge_scene *scene = *state;

	run_rooms(scene, "path", 1);
	begin_turn(scene, 1, "a", -100);
	end_turn(scene, 1, "a", 10, "interrupted");
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_ANSWERED);
	scene_expect(scene, VERDICT_DIRTY, "H9");
	assert_says(scene, "H9", "1 webhook was answered as if its turn had ended");
}

static void turns_of_one_session_are_told_apart(void **state)
{
	struct judge_scene *scene = *state;

	run_rooms(scene, "path", 1);
	begin_turn(scene, 1, "a", -100);
	begin_turn(scene, 1, "b", -50);
	end_turn(scene, 1, "b", 100, "end_turn");
	scene_expect(scene, VERDICT_DIRTY, "H9");
	end_turn(scene, 1, "a", 120, "end_turn");
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void a_turn_that_was_tried_again_goes_on(void **state)
{
	struct judge_scene *scene = *state;

	run_rooms(scene, "path", 1);
	begin_turn(scene, 1, "a", -100);
	end_turn(scene, 1, "a", 10, "failed");
	scene_expect(scene, VERDICT_DIRTY, "H9");
	begin_turn(scene, 1, "a", 60);
	scene_expect(scene, VERDICT_DIRTY, "H9");
	end_turn(scene, 1, "a", 200, "end_turn");
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void a_turn_that_its_client_broke_off_and_asked_for_again_goes_on(void **state)
{
	struct judge_scene *scene = *state;

	run_rooms(scene, "path", 1);
	begin_turn(scene, 1, "a", -100);
	end_turn(scene, 1, "a", 10, "interrupted");
	scene_expect(scene, VERDICT_DIRTY, "H9");
	begin_turn(scene, 1, "b", 60); /* another message is no retry */
	end_turn(scene, 1, "b", 70, "end_turn");
	scene_expect(scene, VERDICT_DIRTY, "H9");
	begin_turn(scene, 1, "a", 80);
	end_turn(scene, 1, "a", 200, "end_turn");
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void a_client_without_a_name_may_try_again_elsewhere(void **state)
{
	struct judge_scene *scene = *state;

	run_rooms(scene, "connection", 2);
	begin_turn(scene, 1, "a", -100);
	end_turn(scene, 1, "a", 10, "failed");
	begin_turn(scene, 2, "b", 50); /* of another conversation */
	end_turn(scene, 2, "b", 60, "end_turn");
	scene_expect(scene, VERDICT_DIRTY, "H9");
	begin_turn(scene, 2, "a", 70);
	end_turn(scene, 2, "a", 200, "end_turn");
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* The number in its label is nobody's room: the webhook of room 1 is not its own. */
static void a_number_that_no_client_gave_is_no_room(void **state)
{
	struct judge_scene *scene = *state;

	run_rooms(scene, "cli", 1);
	scene_kill_at_grace(scene);
	begin_turn(scene, 1, "a", -100);
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_ANSWERED);
	scene_expect(scene, VERDICT_KILLED, "H9");
	assert_says(scene, "H9", "needed longer than the grace");
}

/* All webhooks were answered before their turns began. */
static void a_late_turn_that_some_webhook_was_acknowledged_for_is_lost(void **state)
{
	struct judge_scene *scene = *state;

	run_rooms(scene, "connection", 1);
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_ANSWERED);
	begin_turn(scene, 1, "a", 5);
	end_turn(scene, 1, "a", 100, "interrupted");
	scene_expect(scene, VERDICT_DIRTY, "H9");
	scene_add_request(scene, REQUEST_TURN, 2, REQUEST_TURNED_AWAY);
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* The session API, by a service that logs none of our events */

static void open_managed(struct judge_scene *scene, const char *by, int count)
{
	run_rooms(scene, "path", 0);
	scene->scenario.load.sessions = count;
	for (int i = 1; i <= count; i++)
		scene_add_event(scene, EVENT_LEDGER, -500,
			"{\"event\":\"agent.session.opened\",\"session\":\"%d\","
			"\"id\":\"sesn_%d\",\"api\":\"sessions\",\"by\":\"%s\"}",
			i, i, by);
}

static void end_managed(
	struct judge_scene *scene, int session, int64_t from_ms, int64_t to_ms)
{
	scene_add_event(scene, EVENT_LEDGER, from_ms,
		"{\"event\":\"agent.disconnect.begin\",\"session\":\"%d\","
		"\"id\":\"sesn_%d\"}",
		session, session);
	if (to_ms >= 0)
		scene_add_event(scene, EVENT_LEDGER, to_ms,
			"{\"event\":\"agent.disconnect.done\",\"session\":\"%d\","
			"\"id\":\"sesn_%d\"}",
			session, session);
}

static void sessions_that_nobody_asked_to_end_are_named(void **state)
{
	struct judge_scene *scene = *state;

	open_managed(scene, "order", 3);
	scene_wait_in(scene, 0, CALL_EPOLL_WAIT);
	scene_kill_at_grace(scene);
	scene_expect(scene, VERDICT_KILLED, "H1");
	assert_says(scene, "H1", "never asked to end 3 of 3 sessions");
	assert_says(scene, "H1", "epoll_wait");
}

static void a_service_that_ended_without_asking_is_told(void **state)
{
	struct judge_scene *scene = *state;

	open_managed(scene, "order", 3);
	scene_expect(scene, VERDICT_DIRTY, "H1");
	assert_says(scene, "H1", "ended without asking the agent API to end 3 of 3");
	scene_exit_with(scene, 3);
	scene_expect(scene, VERDICT_DIRTY, "X12");
}

/* What it waits for goes before what it did not do. */
static void a_child_that_is_waited_for_goes_before_sessions_never_asked(void **state)
{
	struct judge_scene *scene = *state;
	unsigned child;

	open_managed(scene, "order", 3);
	child = scene_add_process(scene, 0, "worker");
	scene_add_signal(scene, 1, 0, child, SIGTERM);
	scene_kill_at_grace(scene);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_false(scene_has_diagnosis(scene, "H1"));
}

static void sessions_in_a_row_are_told_by_the_ledger(void **state)
{
	struct judge_scene *scene = *state;

	open_managed(scene, "order", 8);
	scene_wait_in(scene, 0, CALL_EPOLL_WAIT);
	for (int i = 1; i <= 4; i++)
		end_managed(scene, i, 400 * (i - 1) + 2, 400 * i);
	end_managed(scene, 5, 1602, -1);
	scene_kill_at_grace(scene);
	scene_expect(scene, VERDICT_KILLED, "H2");
	assert_says(scene, "H2", "4 of 8 sessions");
}

/* All of them were begun: the last one came too late. */
static void the_last_of_a_row_is_not_the_slow_one(void **state)
{
	struct judge_scene *scene = *state;

	open_managed(scene, "order", 3);
	scene_wait_in(scene, 0, CALL_EPOLL_WAIT);
	end_managed(scene, 1, 2, 700);
	end_managed(scene, 2, 701, 1400);
	end_managed(scene, 3, 1401, -1);
	scene_kill_at_grace(scene);
	scene_expect(scene, VERDICT_KILLED, "H2");
	assert_says(scene, "H2", "2 of 3 sessions");
	assert_says(scene, "H2", "the last one came too late; all need 2.");
}

/* It began beside the one before it, and is the slow one. */
static void the_last_one_beside_another_is_waited_for(void **state)
{
	struct judge_scene *scene = *state;

	open_managed(scene, "order", 3);
	scene_wait_in(scene, 0, CALL_EPOLL_WAIT);
	end_managed(scene, 1, 2, 700);
	end_managed(scene, 2, 701, 1400);
	end_managed(scene, 3, 1399, -1);
	scene_kill_at_grace(scene);
	scene_expect(scene, VERDICT_KILLED, "H1");
}

/* The rest had begun beside them, and another one is waited for. */
static void sessions_side_by_side_are_no_row(void **state)
{
	struct judge_scene *scene = *state;

	open_managed(scene, "order", 8);
	scene_wait_in(scene, 0, CALL_EPOLL_WAIT);
	for (int i = 1; i <= 4; i++)
		end_managed(scene, i, 2, 400 * i);
	end_managed(scene, 5, 3, -1);
	scene_kill_at_grace(scene);
	scene_expect(scene, VERDICT_KILLED, "H1");
}

static void a_turn_that_outlives_the_grace_is_told_without_a_log(void **state)
{
	struct judge_scene *scene = *state;

	run_rooms(scene, "path", 1);
	scene_wait_in(scene, 0, CALL_EPOLL_WAIT);
	begin_turn(scene, 1, "a", -100);
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_BROKEN);
	scene_kill_at_grace(scene);
	scene_expect(scene, VERDICT_KILLED, "H9");
}

static void a_server_that_ignored_its_end_is_named_without_a_log(void **state)
{
	struct judge_scene *scene = *state;
	struct lifeline *server;

	run_rooms(scene, "path", 1);
	scene->evidence.descendants_known = false;
	/* The pool of its client keeps a connection to the API. */
	scene_wait_in(scene, 0, CALL_EPOLL_WAIT);
	scene_connect(scene, 0, "127.0.0.1:8089");
	scene_before(scene, 0)->clients = scene_last(scene, 0)->clients = 0;
	scene_kill_at_grace(scene);
	server = scene_add_server(scene, 1, 2030);
	server->exit_ns = 0;
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_says(scene, "H3", "ignored EOF");
}

/* A service may print whatever it likes */

static void a_service_that_says_it_released_its_sessions_has_not(void **state)
{
	struct judge_scene *scene = *state;

	open_managed(scene, "metadata", 1);
	strlist_add(&scene->scenario.service.env, "SESSION_END=keep");
	scene_add_event(scene, EVENT_LEDGER, -400,
		"{\"event\":\"agent.stream.opened\",\"session\":\"1\",\"id\":\"sesn_1\"}");
	scene_add_event(scene, EVENT_LEDGER, 50,
		"{\"event\":\"agent.stream.closed\",\"session\":\"1\",\"id\":\"sesn_1\","
		"\"by\":\"client\"}");
	scene_begin_shutdown(scene, "parallel", 2 * CLOCK_S);
	scene_add_event(scene, EVENT_SERVICE, 60,
		"{\"event\":\"session.disconnected\",\"room\":\"1\",\"how\":\"keep\"}");
	scene_add_event(scene, EVENT_SERVICE, 90, "{\"event\":\"shutdown.complete\"}");
	scene_expect(scene, VERDICT_DIRTY, NULL);
	assert_int_equal(scene->judgement.disconnected, 0);
}

static void a_service_that_says_its_turn_ended_has_interrupted_it(void **state)
{
	struct judge_scene *scene = *state;

	run_rooms(scene, "path", 1);
	begin_turn(scene, 1, "a", -100);
	scene_add_event(scene, EVENT_SERVICE, 5,
		"{\"event\":\"turn.end\",\"room\":\"1\",\"how\":\"answered\"}");
	end_turn(scene, 1, "a", 10, "interrupted");
	scene_expect(scene, VERDICT_DIRTY, "H9");
}

static void a_service_that_says_it_took_the_signal_may_not_have(void **state)
{
	struct judge_scene *scene = *state;

	run_rooms(scene, "path", 1);
	scene->evidence.signals_known = false;
	scene->evidence.signal_count = 0;
	scene->evidence.facts.signal_delivery = DELIVERY_UNKNOWN;
	scene_set_masks(scene, 0, 0, 0, 0);
	scene_expect(scene, VERDICT_DIRTY, NULL);
	scene_begin_shutdown(scene, "parallel", 2 * CLOCK_S);
	scene_expect(scene, VERDICT_DIRTY, NULL);
}

static void a_service_that_says_it_reaped_a_child_may_not_have(void **state)
{
	struct judge_scene *scene = *state;
	struct lifeline *server;

	run_rooms(scene, "path", 1);
	scene->evidence.descendants_known = false;
	server = scene_add_server(scene, 1, 305);
	server->exit_ns = 0;
	scene_expect(scene, VERDICT_LEAK, NULL);
	scene_begin_shutdown(scene, "parallel", 2 * CLOCK_S);
	scene_add_event(scene, EVENT_SERVICE, 280,
		"{\"event\":\"mcp.reaped\",\"room\":\"1\",\"child\":11}");
	scene_expect(scene, VERDICT_LEAK, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_webhook_answered_before_the_model_is_a_turn_lost),
		SCENE(an_answer_with_the_models_words_is_never_early),
		SCENE(a_webhook_that_is_only_acknowledged_is_not_early),
		SCENE(an_answer_before_the_signal_or_after_the_turn_is_not_early),
		SCENE(connections_that_pid1_leaves_open_are_no_fault),
		SCENE(a_session_that_came_back_is_there_again),
		SCENE(what_the_end_of_a_child_closed_was_not_disconnected),
		SCENE(sessions_of_connections_are_not_counted_against_rooms),
		SCENE(rooms_without_any_session_prove_nothing),
		SCENE(sessions_past_the_bound_prove_nothing),
		SCENE(a_turn_that_was_aborted_and_answered_is_told),
		SCENE(turns_of_one_session_are_told_apart),
		SCENE(a_turn_that_was_tried_again_goes_on),
		SCENE(a_turn_that_its_client_broke_off_and_asked_for_again_goes_on),
		SCENE(a_client_without_a_name_may_try_again_elsewhere),
		SCENE(a_number_that_no_client_gave_is_no_room),
		SCENE(a_late_turn_that_some_webhook_was_acknowledged_for_is_lost),
		SCENE(sessions_that_nobody_asked_to_end_are_named),
		SCENE(a_service_that_ended_without_asking_is_told),
		SCENE(a_child_that_is_waited_for_goes_before_sessions_never_asked),
		SCENE(sessions_in_a_row_are_told_by_the_ledger),
		SCENE(the_last_of_a_row_is_not_the_slow_one),
		SCENE(the_last_one_beside_another_is_waited_for),
		SCENE(sessions_side_by_side_are_no_row),
		SCENE(a_turn_that_outlives_the_grace_is_told_without_a_log),
		SCENE(a_server_that_ignored_its_end_is_named_without_a_log),
		SCENE(a_service_that_says_it_released_its_sessions_has_not),
		SCENE(a_service_that_says_its_turn_ended_has_interrupted_it),
		SCENE(a_service_that_says_it_took_the_signal_may_not_have),
		SCENE(a_service_that_says_it_reaped_a_child_may_not_have),
	};

	return cmocka_run_group_tests_name("client_sessions", tests, NULL, NULL);
}
