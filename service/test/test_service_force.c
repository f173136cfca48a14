/*
 * The ways down that are not smooth: what is in the way, and the stories of old.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "service/test/shot.h"
#include "service/test/world.h"

#define ANN "financial_analyst"

static int build(void **state)
{
	struct world *world = world_create();

	world_set(world, "SESSION_END=archive");
	world_set(world, "MCP_START=session");
	*state = world;
	return 0;
}

static int raze(void **state)
{
	world_destroy(*state);
	return 0;
}

static int stop(struct world *world)
{
	world_signal(world, SIGTERM);
	return world_exit(world);
}

static void open_sessions(struct world *world, unsigned count)
{
	for (unsigned room = 1; room <= count; room++) {
		SCOPED(mem_free) char *text = mem_textf("%u", room);

		world_talk(world, text, ANN);
	}
}

static void expect_complete(struct world *world, unsigned failed, unsigned killed)
{
	const cJSON *complete = world_event(world, "shutdown.complete", 1);

	assert_int_equal(json_int(complete, "failed", -1), failed);
	assert_int_equal(json_int(complete, "killed", -1), killed);
	assert_int_equal(json_int(complete, "exit_code", -1), failed > 0);
}

static void service_kills_deaf_servers_and_is_content(void **state)
{
	struct world *world = *state;

	world_set(world, "MCP_EOF=1s");
	world_set(world, "MCP_TERM=200ms");
	world_add_server(
		world, "deaf", "{\"on_eof\": \"ignore\", \"on_term\": \"ignore\"}");
	world_add_server(world, "skills", NULL);
	world_start_agent(world, NULL);
	world_start(world);
	open_sessions(world, 2);
	assert_int_equal(stop(world), 0);
	expect_complete(world, 0, 2);
	assert_int_equal(world_count_with(world, "mcp.step", "step", "eof"), 4);
	assert_int_equal(world_count_with(world, "mcp.step", "step", "term"), 2);
	assert_int_equal(world_count_with(world, "mcp.step", "step", "kill"), 2);
	assert_int_equal(world_count_with(world, "mcp.reaped", "signal", "9"), 2);
	assert_int_equal(world_count_with(world, "mcp.signal", "signal", "15"), 2);
	assert_int_equal(world_count(world, "session.closed"), 2);
	/* In order, and not before its time: a step is the step before it and more. */
	assert_true(world_event_ns(world, "mcp.signal", 1) -
			world_event_ns(world, "mcp.eof", 1) >=
		900 * CLOCK_MS);
	assert_int_equal(world_count(world, "shutdown.forced"), 0);
}

static void service_shortens_the_ladder_to_its_budget(void **state)
{
	struct world *world = *state;

	world_set(world, "GRACE=1s");
	world_set(world, "MCP_EOF=1m");
	world_set(world, "MCP_TERM=1m");
	world_add_server(
		world, "deaf", "{\"on_eof\": \"ignore\", \"on_term\": \"ignore\"}");
	world_start_agent(world, NULL);
	world_start(world);
	open_sessions(world, 2);
	assert_int_equal(stop(world), 0);
	expect_complete(world, 0, 2);
	assert_int_equal(world_count(world, "shutdown.forced"), 0);
}

static void service_gives_up_who_does_not_let_go_in_time(void **state)
{
	struct world *world = *state;
	int64_t waited_ns;

	world_set(world, "GRACE=1s");
	world_add_server(world, "skills", NULL);
	world_start_agent(world,
		"{\"rules\": [{\"session\": 2, "
		"\"disconnect\": {\"fault\": \"hang\"}}]}");
	world_start(world);
	open_sessions(world, 3);
	assert_int_equal(stop(world), 1);
	expect_complete(world, 1, 0);
	assert_int_equal(world_count(world, "session.disconnected"), 2);
	assert_int_equal(
		world_count_with(world, "session.disconnect.failed", "room", "2"), 1);
	assert_int_equal(world_count(world, "session.closed"), 3);
	assert_int_equal(world_count_with(world, "mcp.reaped", "exit_code", "0"), 3);
	waited_ns = world_event_ns(world, "session.disconnect.failed", 1) -
		world_event_ns(world, "shutdown.begin", 1);
	assert_true(waited_ns >= 880 * CLOCK_MS);
}

static void service_goes_on_after_a_refusal(void **state)
{
	struct world *world = *state;

	world_set(world, "GRACE=2s");
	world_start_agent(world,
		"{\"rules\": [{\"session\": 1, \"disconnect\": "
		"{\"fault\": \"error\", \"status\": 403}}]}");
	world_start(world);
	open_sessions(world, 3);
	assert_int_equal(stop(world), 1);
	expect_complete(world, 1, 0);
	assert_int_equal(world_count(world, "session.disconnected"), 2);
	assert_int_equal(
		world_count_with(world, "session.disconnect.failed", "room", "1"), 1);
	assert_int_equal(world_count(world, "session.closed"), 3);
}

static void service_stops_now_at_the_second_signal(void **state)
{
	struct world *world = *state;

	world_set(world, "GRACE=5m");
	world_set(world, "MCP_EOF=1m");
	world_add_server(
		world, "deaf", "{\"on_eof\": \"ignore\", \"on_term\": \"ignore\"}");
	world_start_agent(world, "{\"disconnect\": {\"fault\": \"hang\"}}");
	world_start(world);
	open_sessions(world, 2);
	world_signal(world, SIGTERM);
	world_event(world, "agent.disconnect.begin", 2);
	world_signal(world, SIGTERM);
	assert_int_equal(world_exit(world), 1);
	assert_int_equal(
		world_count_with(world, "shutdown.forced", "why", "second signal"), 1);
	expect_complete(world, 2, 2);
	assert_int_equal(world_count_with(world, "session.disconnect.failed", "why",
				 "second signal"),
		2);
	assert_int_equal(world_count_with(world, "mcp.reaped", "signal", "9"), 2);
}

static void service_is_content_when_the_second_signal_leaves_nothing_undone(
	void **state)
{
	struct world *world = *state;

	world_set(world, "GRACE=5m");
	world_set(world, "MCP_EOF=1m");
	world_add_server(
		world, "deaf", "{\"on_eof\": \"ignore\", \"on_term\": \"ignore\"}");
	world_start_agent(world, NULL);
	world_start(world);
	open_sessions(world, 1);
	world_signal(world, SIGTERM);
	world_event(world, "session.disconnected", 1);
	world_signal(world, SIGINT);
	assert_int_equal(world_exit(world), 0);
	assert_int_equal(world_count(world, "shutdown.forced"), 1);
	expect_complete(world, 0, 1);
}

static void service_answers_who_waits_also_when_it_is_forced(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_set(world, "GRACE=5m");
	world_start_agent(world, "{\"first_byte\": {\"latency\": \"1m\"}}");
	world_start(world);
	shot = world_say(world, "1", ANN, "hello");
	world_event(world, "agent.turn.begin", 1);
	world_signal(world, SIGTERM);
	world_event(world, "shutdown.begin", 1);
	world_signal(world, SIGTERM);
	assert_int_equal(world_exit(world), 1);
	assert_int_equal(shot_status(shot), 503);
}

static void service_lets_go_one_after_the_other_when_it_is_sequential(void **state)
{
	struct world *world = *state;

	world_set(world, "DISCONNECT=sequential");
	world_set(world, "GRACE=300ms"); /* which nobody looks at */
	world_add_server(world, "skills", "{\"on_eof\": {\"exit_after\": \"50ms\"}}");
	world_start_agent(world,
		"{\"disconnect\": {\"latency\": \"200ms\"}, \"rules\": [{\"session\": "
		"2, \"disconnect\": {\"fault\": \"error\", \"status\": 403}}]}");
	world_start(world);
	open_sessions(world, 3);
	assert_int_equal(stop(world), 1);
	expect_complete(world, 1, 0);
	assert_int_equal(world_count(world, "session.disconnected"), 2);
	for (unsigned i = 1; i < 3; i++)
		assert_true(world_event_ns(world, "session.closed", i) <
			world_event_ns(world, "session.disconnect.begin", i + 1));
	assert_true(world_event_ns(world, "shutdown.complete", 1) -
			world_event_ns(world, "shutdown.begin", 1) >=
		400 * CLOCK_MS);
	assert_int_equal(world_count(world, "shutdown.forced"), 0);
}

static void service_interrupts_sequentially_as_well(void **state)
{
	struct world *world = *state;
	struct shot *one, *two;

	world_set(world, "DISCONNECT=sequential");
	world_set(world, "TURN_BUDGET=50ms");
	world_start_agent(world, "{\"first_byte\": {\"latency\": \"1m\"}}");
	world_start(world);
	one = world_say(world, "1", ANN, "hello");
	two = world_say(world, "2", ANN, "hello");
	world_event(world, "agent.turn.begin", 2);
	assert_int_equal(stop(world), 0);
	assert_int_equal(shot_status(one), 503);
	assert_int_equal(shot_status(two), 503);
	assert_int_equal(world_count(world, "session.disconnected"), 2);
}

static void service_waits_for_ever_when_it_disconnects_nobody(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_set(world, "DISCONNECT=none");
	world_set(world, "GRACE=100ms");
	world_add_server(
		world, "deaf", "{\"on_eof\": \"ignore\", \"on_term\": \"ignore\"}");
	world_start_agent(world, "{\"first_byte\": {\"latency\": \"300ms\"}}");
	world_start(world);
	open_sessions(world, 2);
	shot = world_say(world, "1", ANN, "hello");
	world_event(world, "agent.turn.begin", 3);
	world_signal(world, SIGTERM);
	assert_int_equal(shot_status(shot), 200); /* long after GRACE */
	assert_int_equal(world_count(world, "session.disconnect.begin"), 0);
	assert_int_equal(world_count(world, "mcp.eof"), 0);
	assert_int_equal(world_count(world, "shutdown.complete"), 0);
	world_signal(world, SIGTERM);
	assert_int_equal(world_exit(world), 1);
	expect_complete(world, 2, 2);
	assert_int_equal(world_count(world, "agent.disconnect.begin"), 0);
}

static void service_ends_with_the_streams_and_servers_that_it_waits_for(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_set(world, "DISCONNECT=none");
	world_add_server(world, "skills", NULL);
	world_start_agent(world, "{\"first_byte\": {\"latency\": \"200ms\"}}");
	world_start(world);
	shot = world_say(world, "1", ANN, "hello");
	world_event(world, "agent.turn.begin", 1);
	world_signal(world, SIGTERM);
	assert_int_equal(shot_status(shot), 200);
	world_delete_agent_session(world, 1);
	assert_int_equal(
		kill((pid_t)json_int(world_event(world, "mcp.started", 1), "child", 0),
			SIGTERM),
		0);
	assert_int_equal(world_exit(world), 0);
	expect_complete(world, 0, 0);
	assert_int_equal(world_count(world, "session.closed"), 1);
	assert_int_equal(world_count(world, "mcp.step"), 0);
}

static void service_stops_at_once_without_sessions_whatever_the_way(void **state)
{
	static const char *const ways[] = {"sequential", "none"};
	struct world *world = *state;

	world_start_agent(world, NULL);
	for (size_t i = 0; i < COUNT(ways); i++) {
		world_set(world, "DISCONNECT=%s", ways[i]);
		world_start(world);
		assert_int_equal(stop(world), 0);
	}
}

static void service_leaves_no_descendant_behind(void **state)
{
	struct world *world = *state;

	world_add_server(world, "parent",
		"{\"children\": {\"count\": 2, \"session\": \"daemon\", "
		"\"ignore_term\": true}}");
	world_start_agent(world, NULL);
	world_start(world);
	open_sessions(world, 2);
	world_event(world, "mcp.child", 4);
	assert_int_equal(stop(world), 0);
	expect_complete(world, 0, 0);
	assert_true(world_count_with(world, "orphan.reaped", "signal", "9") >= 4);
	/* The last line, whatever came before it. */
	assert_true(world_event_ns(world, "shutdown.complete", 1) >
		world_event_ns(world, "orphan.reaped", 4));
}

static void service_takes_a_server_down_that_is_still_starting(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_set(world, "TURN_BUDGET=0s");
	world_add_server(world, "slow", "{\"start\": \"1m\"}");
	world_start_agent(world, NULL);
	world_start(world);
	shot = world_say(world, "1", ANN, "hello");
	world_event(world, "process.start", 2);
	assert_int_equal(stop(world), 0);
	assert_int_equal(shot_status(shot), 503);
	assert_int_equal(world_count(world, "mcp.reaped"), 1);
	assert_int_equal(world_count(world, "session.closed"), 1);
	/* There was no agent session yet, so nothing was disconnected. */
	assert_int_equal(world_count(world, "session.disconnect.begin"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			service_kills_deaf_servers_and_is_content, build, raze),
		cmocka_unit_test_setup_teardown(
			service_shortens_the_ladder_to_its_budget, build, raze),
		cmocka_unit_test_setup_teardown(
			service_gives_up_who_does_not_let_go_in_time, build, raze),
		cmocka_unit_test_setup_teardown(
			service_goes_on_after_a_refusal, build, raze),
		cmocka_unit_test_setup_teardown(
			service_stops_now_at_the_second_signal, build, raze),
		cmocka_unit_test_setup_teardown(
			service_is_content_when_the_second_signal_leaves_nothing_undone,
			build, raze),
		cmocka_unit_test_setup_teardown(
			service_answers_who_waits_also_when_it_is_forced, build, raze),
		cmocka_unit_test_setup_teardown(
			service_lets_go_one_after_the_other_when_it_is_sequential,
			build, raze),
		cmocka_unit_test_setup_teardown(
			service_interrupts_sequentially_as_well, build, raze),
		cmocka_unit_test_setup_teardown(
			service_waits_for_ever_when_it_disconnects_nobody, build, raze),
		cmocka_unit_test_setup_teardown(
			service_ends_with_the_streams_and_servers_that_it_waits_for,
			build, raze),
		cmocka_unit_test_setup_teardown(
			service_stops_at_once_without_sessions_whatever_the_way, build,
			raze),
		cmocka_unit_test_setup_teardown(
			service_leaves_no_descendant_behind, build, raze),
		cmocka_unit_test_setup_teardown(
			service_takes_a_server_down_that_is_still_starting, build,
			raze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
