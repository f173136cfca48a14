#include "harness/picture/chain.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/test/scene.h"
#include "lib/mem.h"

struct picture {
	struct view view;
	struct stop_steps steps;
	struct chain chain;
};

static void open_picture(struct picture *picture, const struct judge_scene *scene)
{
	view_open(&picture->view, &scene->scenario, &scene->evidence);
	stop_steps_find(&picture->steps, &picture->view);
	chain_find(&picture->chain, &picture->view, &picture->steps);
}

static void close_picture(struct picture *picture)
{
	chain_done(&picture->chain);
	stop_steps_done(&picture->steps);
	view_close(&picture->view);
}

/* "from-to name: what" a line, in milliseconds, and what held it up. */
static char *text_of(const struct judge_scene *scene)
{
	SCOPED(close_picture) struct picture picture;
	const struct chain_item *longest;
	struct buf text = {0};

	open_picture(&picture, scene);
	for (unsigned i = 0; i < picture.chain.count; i++) {
		const struct chain_item *item = &picture.chain.list[i];

		buf_addf(&text, "%lld-%lld %s: %s\n",
			(long long)(item->from_ns / CLOCK_MS),
			(long long)(item->to_ns / CLOCK_MS), item->name, item->what);
	}
	longest = &picture.chain.held_up_by;
	if (longest->count)
		buf_addf(&text, "%s: %s, %lld, %u\n", longest->name, longest->what,
			(long long)((longest->to_ns - longest->from_ns) / CLOCK_MS),
			longest->count);
	return buf_take(&text);
}

static void assert_chain(const struct judge_scene *scene, const char *wanted)
{
	SCOPED(mem_free) char *text = text_of(scene);

	assert_string_equal(text ? text : "", wanted);
}

/* --- a service that logs its phases --- */

static void play_phase(struct judge_scene *scene, int64_t ms, const char *phase)
{
	scene_add_event(scene, EVENT_SERVICE, ms,
		"{\"event\":\"shutdown.phase\",\"phase\":\"%s\"}", phase);
}

/* The service is through with a session. */
static void play_release(struct judge_scene *scene, int session, int64_t ms)
{
	scene_add_event(scene, EVENT_SERVICE, ms,
		"{\"event\":\"session.disconnected\",\"room\":\"%d\"}", session);
	scene_add_event(scene, EVENT_SERVICE, ms,
		"{\"event\":\"session.closed\",\"room\":\"%d\"}", session);
}

static void play_service(struct judge_scene *scene, int sessions, const char *how)
{
	scene_open_sessions(scene, sessions);
	scene_begin_shutdown(scene, how, 2 * CLOCK_S);
	play_phase(scene, 1, "drain");
	play_phase(scene, 10, "disconnect");
}

static void the_session_that_was_released_last_held_up_a_parallel_stop(void **state)
{
	struct judge_scene *scene = *state;

	play_service(scene, 2, "parallel");
	scene_disconnect(scene, 1, 10, 100);
	scene_disconnect(scene, 2, 10, 280);
	play_release(scene, 1, 101);
	play_release(scene, 2, 281);
	play_phase(scene, 281, "flush");
	scene_add_event(scene, EVENT_SERVICE, 290, "{\"event\":\"shutdown.complete\"}");
	assert_chain(scene,
		"0-1 PID 1: until it read the signal\n"
		"1-10 the service: drain\n"
		"10-281 session 2: disconnect\n"
		"281-290 the service: flush\n"
		"290-300 PID 1: until its end\n"
		"session 2: disconnect, 271, 1\n");
}

static void sessions_follow_one_another_where_the_service_says_so(void **state)
{
	struct judge_scene *scene = *state;

	play_service(scene, 2, "sequential");
	scene_disconnect(scene, 1, 10, 99);
	play_release(scene, 1, 100);
	scene_disconnect(scene, 2, 101, 279);
	play_release(scene, 2, 280);
	play_phase(scene, 280, "flush");
	assert_chain(scene,
		"0-1 PID 1: until it read the signal\n"
		"1-10 the service: drain\n"
		"10-101 session 1: disconnect\n"
		"101-280 session 2: disconnect\n"
		"280-300 the service: flush\n"
		"session 1: disconnect, 270, 2\n");
}

/* The second one began late, and nobody says why. */
static void a_link_that_is_not_proven_is_not_drawn(void **state)
{
	struct judge_scene *scene = *state;

	play_service(scene, 2, "parallel");
	scene_disconnect(scene, 1, 10, 99);
	play_release(scene, 1, 100);
	scene_disconnect(scene, 2, 101, 279);
	play_release(scene, 2, 280);
	play_phase(scene, 280, "flush");
	assert_chain(scene,
		"0-1 PID 1: until it read the signal\n"
		"1-10 the service: drain\n"
		"10-101 the service: disconnect\n"
		"101-280 session 2: disconnect\n"
		"280-300 the service: flush\n"
		"session 2: disconnect, 179, 1\n");
}

static void a_server_that_ends_later_than_its_session_holds_it_up(void **state)
{
	struct judge_scene *scene = *state;
	struct proc_record *record;

	play_service(scene, 1, "parallel");
	scene_disconnect(scene, 1, 10, 49);
	scene_add_event(scene, EVENT_SERVICE, 50,
		"{\"event\":\"session.disconnected\",\"room\":\"1\"}");
	scene_add_server(scene, 1, 250)->eof_ns = T0 + 20 * CLOCK_MS;
	record = scene_add_descendant(scene, 101, 250);
	record->ns_pid = 11;
	record->born_ns = T0 - 2 * CLOCK_S;
	scene_add_event(scene, EVENT_SERVICE, 120,
		"{\"event\":\"mcp.step\",\"room\":\"1\",\"child\":11,\"step\":\"term\"}");
	scene_add_event(scene, EVENT_SERVICE, 251,
		"{\"event\":\"mcp.reaped\",\"room\":\"1\",\"child\":11}");
	scene_add_event(scene, EVENT_SERVICE, 252,
		"{\"event\":\"session.closed\",\"room\":\"1\"}");
	play_phase(scene, 252, "flush");
	assert_chain(scene,
		"0-1 PID 1: until it read the signal\n"
		"1-10 the service: drain\n"
		"10-20 session 1: disconnect\n"
		"20-120 skills of session 1 (pid 11): was there after its stdin ended\n"
		"120-252 skills of session 1 (pid 11): was there after SIGTERM\n"
		"252-300 the service: flush\n"
		"skills of session 1 (pid 11): was there after SIGTERM, 132, 1\n");
}

/* Nothing says what it did between its release and the end of its server's stdin. */
static void a_server_may_be_asked_long_after_the_release(void **state)
{
	struct judge_scene *scene = *state;
	struct proc_record *record;

	play_service(scene, 1, "parallel");
	scene_disconnect(scene, 1, 10, 49);
	scene_add_event(scene, EVENT_SERVICE, 50,
		"{\"event\":\"session.disconnected\",\"room\":\"1\"}");
	scene_add_server(scene, 1, 250)->eof_ns = T0 + 200 * CLOCK_MS;
	record = scene_add_descendant(scene, 101, 250);
	record->ns_pid = 11;
	record->born_ns = T0 - 2 * CLOCK_S;
	scene_add_event(scene, EVENT_SERVICE, 251,
		"{\"event\":\"mcp.reaped\",\"room\":\"1\",\"child\":11}");
	scene_add_event(scene, EVENT_SERVICE, 252,
		"{\"event\":\"session.closed\",\"room\":\"1\"}");
	play_phase(scene, 252, "flush");
	assert_chain(scene,
		"0-1 PID 1: until it read the signal\n"
		"1-10 the service: drain\n"
		"10-50 session 1: disconnect\n"
		"50-200 session 1: released, not yet closed\n"
		"200-252 skills of session 1 (pid 11): was there after its stdin ended\n"
		"252-300 the service: flush\n"
		"session 1: released, not yet closed, 150, 1\n");
}

static void a_session_may_be_closed_long_after_its_release(void **state)
{
	struct judge_scene *scene = *state;

	play_service(scene, 1, "parallel");
	scene_disconnect(scene, 1, 10, 99);
	scene_add_event(scene, EVENT_SERVICE, 100,
		"{\"event\":\"session.disconnected\",\"room\":\"1\"}");
	scene_add_event(scene, EVENT_SERVICE, 280,
		"{\"event\":\"session.closed\",\"room\":\"1\"}");
	play_phase(scene, 280, "flush");
	assert_chain(scene,
		"0-1 PID 1: until it read the signal\n"
		"1-10 the service: drain\n"
		"10-100 session 1: disconnect\n"
		"100-280 session 1: released, not yet closed\n"
		"280-300 the service: flush\n"
		"session 1: released, not yet closed, 180, 1\n");
}

static void a_turn_in_flight_comes_before_its_sessions_disconnect(void **state)
{
	struct judge_scene *scene = *state;

	play_service(scene, 1, "parallel");
	scene_run_turn(scene, 1, -50, 200, "end_turn");
	scene_disconnect(scene, 1, 201, 280);
	play_release(scene, 1, 281);
	play_phase(scene, 281, "flush");
	assert_chain(scene,
		"0-201 session 1: a turn in flight\n"
		"201-281 session 1: disconnect\n"
		"281-300 the service: flush\n"
		"session 1: a turn in flight, 201, 1\n");
}

static void a_kill_comes_after_what_was_not_acknowledged(void **state)
{
	struct judge_scene *scene = *state;

	play_service(scene, 3, "sequential");
	scene_disconnect(scene, 1, 10, 400);
	play_release(scene, 1, 401);
	scene_disconnect(scene, 2, 402, -1);
	scene_kill_at_grace(scene);
	assert_chain(scene,
		"0-1 PID 1: until it read the signal\n"
		"1-10 the service: drain\n"
		"10-402 session 1: disconnect\n"
		"402-2028 session 2: disconnect, not acknowledged\n"
		"2028-2030 PID 1: from SIGKILL to its end\n"
		"session 2: disconnect, not acknowledged, 1626, 1\n");
}

static void sessions_that_nobody_disconnects_are_said_to_be_open(void **state)
{
	struct judge_scene *scene = *state;

	scene_open_sessions(scene, 3);
	scene_begin_shutdown(scene, "none", 2 * CLOCK_S);
	play_phase(scene, 2, "drain");
	scene_kill_at_grace(scene);
	assert_chain(scene,
		"0-1 PID 1: until it read the signal\n"
		"1-2028 session 1 and 2 others: open at the agent API, no disconnect was "
		"begun\n"
		"2028-2030 PID 1: from SIGKILL to its end\n"
		"session 1 and 2 others: open at the agent API, no disconnect was begun, "
		"2027, 1\n");
}

static void a_long_row_of_one_kind_is_joined(void **state)
{
	struct judge_scene *scene = *state;
	struct picture picture;

	scene->evidence.facts.exit_ns = T0 + 1100 * CLOCK_MS;
	play_service(scene, 100, "sequential");
	for (int i = 1; i <= 100; i++) {
		scene_disconnect(scene, i, i * 10, i * 10 + 9);
		play_release(scene, i, i * 10 + 10);
	}
	play_phase(scene, 1010, "flush");
	open_picture(&picture, scene);
	assert_in_range(picture.chain.count, 1, CHAIN_MAX + 4);
	assert_int_equal(picture.chain.held_up_by.count, 100);
	close_picture(&picture);
}

/* --- a program that logs none --- */

static void what_pid1_was_seen_to_wait_for_held_it_up(void **state)
{
	struct judge_scene *scene = *state;
	unsigned child;

	scene_run_program(scene, "supervisor", SIGTERM);
	child = scene_add_process(scene, 0, "worker");
	scene_wait_in(scene, 0, CALL_WAIT4);
	scene_add_handled(scene, 1, 0, SIGTERM);
	scene_add_signal(scene, 5, 0, child, SIGTERM);
	scene_add_handled(scene, 6, child, SIGTERM);
	scene_end_process(scene, child, 290, 0);
	assert_chain(scene,
		"0-1 PID 1 (supervisor): until its handler began\n"
		"1-5 PID 1 (supervisor): until its child was signalled\n"
		"5-6 worker (pid 2): until its handler began\n"
		"6-290 worker (pid 2): ran on after its handler for SIGTERM began\n"
		"290-300 PID 1 (supervisor): ran on after its child had ended\n"
		"worker (pid 2): ran on after its handler for SIGTERM began, 284, 1\n");
}

static void a_child_that_nobody_waited_for_held_up_nothing(void **state)
{
	struct judge_scene *scene = *state;
	unsigned child;

	scene_run_program(scene, "supervisor", SIGTERM);
	child = scene_add_process(scene, 0, "worker");
	scene_add_handled(scene, 1, 0, SIGTERM);
	scene_end_process(scene, child, 290, 0);
	assert_chain(scene,
		"0-1 PID 1 (supervisor): until its handler began\n"
		"1-300 PID 1 (supervisor): ran on after its handler for SIGTERM began, in "
		"pause\n"
		"PID 1 (supervisor): ran on after its handler for SIGTERM began, in pause, "
		"299, 1\n");
}

static void a_shell_that_is_killed_waited_for_a_child_that_got_no_signal(void **state)
{
	struct judge_scene *scene = *state;
	unsigned child;

	scene_run_program(scene, "sh", SIGTERM);
	child = scene_add_process(scene, 0, "service");
	scene_wait_in(scene, 0, CALL_WAIT4);
	scene_wait_in(scene, child, CALL_EPOLL_WAIT);
	scene->evidence.facts.signal_delivery = DELIVERY_IGNORED;
	scene_kill_at_grace(scene);
	assert_chain(scene,
		"0-2028 service (pid 2): got no signal, and ran on, in epoll_wait\n"
		"2028-2030 PID 1 (sh): from SIGKILL to its end\n"
		"service (pid 2): got no signal, and ran on, in epoll_wait, 2028, 1\n");
}

/* Others have ended before; the one with the client has not. */
static void a_master_that_is_killed_waited_for_the_worker_that_is_left(void **state)
{
	struct judge_scene *scene = *state;
	unsigned idle, busy;

	scene_run_program(scene, "master", SIGTERM);
	idle = scene_add_process(scene, 0, "worker");
	busy = scene_add_process(scene, 0, "worker");
	scene_wait_in(scene, 0, CALL_EPOLL_WAIT);
	scene_wait_in(scene, busy, CALL_READ);
	scene_add_handled(scene, 1, 0, SIGTERM);
	scene_add_signal(scene, 2, 0, idle, SIGTERM);
	scene_add_wait(scene, 50, 0);
	scene_end_process(scene, idle, 20, 0);
	scene_add_signal(scene, 3, 0, busy, SIGTERM);
	scene_kill_at_grace(scene);
	assert_chain(scene,
		"0-1 PID 1 (master): until its handler began\n"
		"1-3 PID 1 (master): until its child was signalled\n"
		"3-2028 worker (pid 3): was sent SIGTERM, and ran on, in read\n"
		"2028-2030 PID 1 (master): from SIGKILL to its end\n"
		"worker (pid 3): was sent SIGTERM, and ran on, in read, 2025, 1\n");
}

/* What the kernel ends with PID 1 did not hold it up. */
static void a_child_that_died_of_the_end_held_up_nothing(void **state)
{
	struct judge_scene *scene = *state;
	unsigned child;

	scene_run_program(scene, "sh", SIGTERM);
	child = scene_add_process(scene, 0, "worker");
	scene_wait_in(scene, 0, CALL_WAIT4);
	scene_add_handled(scene, 1, 0, SIGTERM);
	scene_end_process(scene, child, 300, SIGKILL);
	scene->evidence.facts.dying_ns = T0 + 298 * CLOCK_MS;
	assert_chain(scene,
		"0-1 PID 1 (sh): until its handler began\n"
		"1-300 PID 1 (sh): ran on after its handler for SIGTERM began, in wait4\n"
		"PID 1 (sh): ran on after its handler for SIGTERM began, in wait4, 299, "
		"1\n");
}

static void without_an_end_there_is_no_chain(void **state)
{
	struct judge_scene *scene = *state;

	scene->evidence.facts.exit_ns = 0;
	assert_chain(scene, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(the_session_that_was_released_last_held_up_a_parallel_stop),
		SCENE(sessions_follow_one_another_where_the_service_says_so),
		SCENE(a_link_that_is_not_proven_is_not_drawn),
		SCENE(a_server_that_ends_later_than_its_session_holds_it_up),
		SCENE(a_server_may_be_asked_long_after_the_release),
		SCENE(a_session_may_be_closed_long_after_its_release),
		SCENE(a_turn_in_flight_comes_before_its_sessions_disconnect),
		SCENE(a_kill_comes_after_what_was_not_acknowledged),
		SCENE(sessions_that_nobody_disconnects_are_said_to_be_open),
		SCENE(a_long_row_of_one_kind_is_joined),
		SCENE(what_pid1_was_seen_to_wait_for_held_it_up),
		SCENE(a_child_that_nobody_waited_for_held_up_nothing),
		SCENE(a_shell_that_is_killed_waited_for_a_child_that_got_no_signal),
		SCENE(a_master_that_is_killed_waited_for_the_worker_that_is_left),
		SCENE(a_child_that_died_of_the_end_held_up_nothing),
		SCENE(without_an_end_there_is_no_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
