#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "service/test/shot.h"
#include "service/test/world.h"

#define ANN "financial_analyst"

/* Archiving is what can be seen from outside. */
static int build(void **state)
{
	struct world *world = world_create();

	world_set(world, "SESSION_END=archive");
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

static void expect_complete(struct world *world, unsigned sessions, unsigned failed,
	unsigned killed, int exit_code)
{
	const cJSON *complete = world_event(world, "shutdown.complete", 1);

	assert_string_equal(json_text(complete, "message"), "Shutdown complete");
	assert_int_equal(json_int(complete, "sessions", -1), sessions);
	assert_int_equal(json_int(complete, "failed", -1), failed);
	assert_int_equal(json_int(complete, "killed", -1), killed);
	assert_int_equal(json_int(complete, "exit_code", -1), exit_code);
}

static int64_t took_ns(struct world *world)
{
	return json_int(world_event(world, "shutdown.complete", 1), "took_ns", -1);
}

static void service_stops_at_once_when_it_has_nothing_to_do(void **state)
{
	static const char *const phases[] = {"drain", "disconnect", "flush"};
	struct world *world = *state;
	const cJSON *begin;

	world_set(world, "GRACE=5m");
	world_set(world, "LINGER=20s");
	world_start_agent(world, NULL);
	world_start(world);
	assert_int_equal(stop(world), 0);
	begin = world_event(world, "shutdown.begin", 1);
	assert_string_equal(json_text(begin, "message"), "Shutting down");
	assert_int_equal(json_int(begin, "signal", 0), SIGTERM);
	assert_int_equal(json_int(begin, "grace_ns", 0), 300 * CLOCK_S);
	assert_int_equal(json_int(begin, "budget_ns", 0), 299 * CLOCK_S);
	for (unsigned i = 0; i < COUNT(phases); i++)
		assert_string_equal(
			json_text(world_event(world, "shutdown.phase", i + 1), "phase"),
			phases[i]);
	expect_complete(world, 0, 0, 0, 0);
	assert_true(took_ns(world) < 5 * CLOCK_S); /* nobody lingers where nobody is */
}

static void service_hears_sigint_as_well(void **state)
{
	struct world *world = *state;

	world_start_agent(world, NULL);
	world_start(world);
	open_sessions(world, 1);
	world_signal(world, SIGINT);
	assert_int_equal(world_exit(world), 0);
	assert_int_equal(
		json_int(world_event(world, "shutdown.begin", 1), "signal", 0), SIGINT);
}

static void service_lets_go_of_all_sessions_at_once(void **state)
{
	struct world *world = *state;
	const cJSON *closed;

	world_set(world, "MCP_START=session");
	world_add_server(world, "skills", NULL);
	world_add_server(world, "financial", NULL);
	world_start_agent(world, "{\"disconnect\": {\"latency\": \"300ms\"}}");
	world_start(world);
	open_sessions(world, 3);
	assert_int_equal(stop(world), 0);
	expect_complete(world, 3, 0, 0, 0);
	assert_true(took_ns(world) >= 300 * CLOCK_MS);
	assert_true(world_event_ns(world, "session.disconnect.begin", 3) <
		world_event_ns(world, "session.disconnected", 1));
	world_event(world, "agent.disconnect.done", 3);
	assert_int_equal(world_count_with(world, "session.disconnected", "message",
				 "Disconnected agent client"),
		3);
	assert_int_equal(
		world_count_with(world, "session.disconnected", "how", "archive"), 3);
	closed = world_event(world, "session.closed", 3);
	assert_int_equal(
		strncmp(json_text(closed, "message"), "Closed session for room ", 24),
		0);
	assert_non_null(strstr(json_text(closed, "message"), ", bot '" ANN "'"));
	assert_int_equal(world_count_with(world, "mcp.reaped", "exit_code", "0"), 6);
	assert_int_equal(world_count_with(world, "mcp.step", "step", "eof"), 6);
	assert_int_equal(world_count(world, "mcp.eof"), 6);
	assert_int_equal(world_count(world, "mcp.signal"), 0);
	assert_int_equal(world_count(world, "process.exit"), 6);
}

static void service_releases_or_deletes_when_told_so(void **state)
{
	struct world *world = *state;

	world_start_agent(world, NULL);
	world_set(world, "SESSION_END=delete");
	world_start(world);
	open_sessions(world, 2);
	assert_int_equal(stop(world), 0);
	world_expect_disconnected(world, 2);
	assert_int_equal(
		world_count_with(world, "agent.disconnect.done", "how", "delete"), 2);
	world_forget_events(world);
	world_set(world, "SESSION_END=keep");
	world_start(world);
	open_sessions(world, 2);
	assert_int_equal(stop(world), 0);
	world_event(world, "agent.stream.closed", 2);
	assert_int_equal(world_count(world, "agent.disconnect.begin"), 0);
	assert_int_equal(
		world_count_with(world, "session.disconnected", "how", "keep"), 2);
}

static void service_lets_work_in_hand_finish(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_start_agent(world, "{\"first_byte\": {\"latency\": \"300ms\"}}");
	world_start(world);
	shot = world_say(world, "1", ANN, "hello");
	world_event(world, "agent.turn.begin", 1);
	assert_int_equal(stop(world), 0);
	assert_int_equal(shot_status(shot), 200);
	assert_string_equal(shot_text(shot, "reply"), "You said: hello");
	assert_true(world_event_ns(world, "shutdown.begin", 1) <
		world_event_ns(world, "turn.end", 1));
	assert_true(world_event_ns(world, "turn.end", 1) <
		world_event_ns(world, "session.disconnect.begin", 1));
	assert_int_equal(world_count(world, "agent.disconnect.refused"), 0);
}

static void service_lets_work_finish_whose_session_is_still_opening(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_start_agent(world, "{\"connect\": {\"latency\": \"300ms\"}}");
	world_start(world);
	shot = world_say(world, "1", ANN, "hello");
	while (world_metric(world, "service_sessions_active") < 1)
		continue;
	assert_int_equal(stop(world), 0);
	assert_int_equal(shot_status(shot), 200);
	world_expect_disconnected(world, 1);
}

static void service_interrupts_work_when_its_budget_ends(void **state)
{
	struct world *world = *state;
	struct shot *running, *waiting;

	world_set(world, "TURN_BUDGET=100ms");
	world_start_agent(world,
		"{\"rules\": [{\"session\": 1, "
		"\"first_byte\": {\"latency\": \"1m\"}}]}");
	world_start(world);
	world_talk(world, "2", ANN);
	running = world_say(world, "1", ANN, "hello");
	world_event(world, "agent.turn.begin", 2);
	waiting = world_say(world, "1", ANN, "again");
	while (world_metric(world, "service_turns_active") < 2)
		continue;
	assert_int_equal(stop(world), 0);
	assert_int_equal(shot_status(running), 503);
	assert_int_equal(strncmp(shot_text(running, "error"), "interrupted", 11), 0);
	assert_int_equal(shot_status(waiting), 503);
	assert_int_equal(strncmp(shot_text(waiting, "error"), "interrupted", 11), 0);
	assert_int_equal(world_count_with(world, "turn.end", "how", "interrupted"), 1);
	assert_int_equal(world_count(world, "agent.interrupted"), 1);
	world_expect_disconnected(world, 2);
	assert_true(world_event_ns(world, "turn.end", 2) -
			world_event_ns(world, "shutdown.begin", 1) >=
		100 * CLOCK_MS);
	/* Who was idle did not wait for that. */
	assert_true(world_event_ns(world, "session.disconnected", 1) <
		world_event_ns(world, "turn.end", 2));
}

static void service_interrupts_a_tool_that_hangs(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_set(world, "TURN_BUDGET=50ms");
	world_add_server(world, "skills", "{\"hang_tools\": true}");
	world_start_agent(world, "{\"tools\": 1}");
	world_start(world);
	shot = world_say(world, "1", ANN, "hello");
	world_event(world, "mcp.tool.begin", 1);
	assert_int_equal(stop(world), 0);
	assert_int_equal(shot_status(shot), 503);
	world_expect_disconnected(world, 1);
	expect_complete(world, 1, 0, 0, 0);
}

/* Saved means: the next process finds the session, and that its turn was cut short. */
static void service_saves_what_it_interrupted(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_set(world, "SESSION_END=keep");
	world_set(world, "STORE=%s", world_store(world));
	world_set(world, "TURN_BUDGET=0s");
	world_start_agent(world, "{\"first_byte\": {\"latency\": \"1m\"}}");
	world_start(world);
	shot = world_say(world, "1", ANN, "hello");
	world_event(world, "agent.turn.begin", 1);
	assert_int_equal(stop(world), 0);
	assert_int_equal(shot_status(shot), 503);
	world_change_agent(world, "{\"first_byte\": {\"latency\": \"0s\"}}");
	world_start(world);
	assert_non_null(strstr(world_get(world, "/cache/stats"),
		"\"stored\":{\"sessions\":1,\"interrupted\":1}"));
	world_talk(world, "1", ANN);
	assert_int_equal(world_count_with(world, "session.opened", "path", "warm"), 1);
	assert_non_null(strstr(world_get(world, "/cache/stats"),
		"\"stored\":{\"sessions\":1,\"interrupted\":0}"));
	assert_int_equal(stop(world), 0);
}

static void service_does_not_wait_for_idle_connections(void **state)
{
	struct world *world = *state;

	world_set(world, "LINGER=50ms");
	world_start_agent(world, NULL);
	world_start(world);
	world_get(world, "/health"); /* the connection stays open */
	assert_int_equal(stop(world), 0);
	assert_true(took_ns(world) >= 50 * CLOCK_MS);
	assert_true(took_ns(world) < 5 * CLOCK_S);
}

/* Every request is answered in full, or was never accepted. */
static void service_loses_no_request_that_races_the_signal(void **state)
{
	struct world *world = *state;
	unsigned answered = 0;

	/* A client that connected and is slow to say what it wants: on a busy machine
	 * that may well be this one. */
	world_set(world, "GRACE=1m");
	world_set(world, "LINGER=5s");
	world_start_agent(world, "{\"first_byte\": {\"latency\": \"5ms\"}}");
	for (int round = 0; round < 5; round++) {
		struct shot *shots[48];

		world_forget_events(world);
		world_start(world);
		world_talk(world, "1", ANN);
		for (size_t i = 0; i < COUNT(shots); i++) {
			SCOPED(mem_free) char *room = mem_textf("%zu", i % 8 + 1);

			shots[i] = world_say(world, room, ANN, "hello");
			if (i == COUNT(shots) / 2)
				world_signal(world, SIGTERM);
			if (i % 8 == 7)
				world_idle(world, round);
		}
		for (size_t i = 0; i < COUNT(shots); i++) {
			long status = shot_status(shots[i]);

			if (shot_end(shots[i]) != FETCH_REFUSED && status != 200 &&
				status != 503)
				world_fail(world, "request %zu: end %d, status %ld", i,
					(int)shot_end(shots[i]), status);
			answered += status == 200;
		}
		assert_int_equal(world_exit(world), 0);
	}
	assert_true(answered > 0);
}

static void service_goes_on_taking_work_while_the_balancer_learns(void **state)
{
	struct world *world = *state;
	struct shot *ready;

	world_set(world, "DRAIN_DELAY=700ms");
	world_start_agent(world, NULL);
	world_start(world);
	world_signal(world, SIGTERM);
	world_event(world, "shutdown.begin", 1);
	ready = world_send(world, &(struct request){.path = "/ready"});
	assert_int_equal(shot_status(ready), 503);
	assert_non_null(strstr(world_get(world, "/health"), "alive"));
	world_talk(world, "1", ANN);
	assert_int_equal(world_exit(world), 0);
	assert_true(took_ns(world) >= 700 * CLOCK_MS);
	world_expect_disconnected(world, 1);
}

#define CROWD 300

/* More than are ordered to stop in one turn of the loop. */
static void service_disconnects_a_crowd(void **state)
{
	struct world *world = *state;

	world_start_agent(world, NULL);
	world_start(world);
	open_sessions(world, CROWD);
	world_signal(world, SIGTERM);
	assert_int_equal(world_exit(world), 0);
	world_expect_disconnected(world, CROWD);
}

#define JITTER_SESSIONS 8

/* That all of eight draw less than a twelfth of the time does not happen. */
static void service_spreads_releases_over_its_jitter(void **state)
{
	struct world *world = *state;

	world_set(world, "DRAIN_JITTER=600ms");
	world_set(world, "LINGER=0s");
	world_start_agent(world, NULL);
	world_start(world);
	open_sessions(world, JITTER_SESSIONS);
	world_signal(world, SIGTERM);
	assert_int_equal(world_exit(world), 0);
	assert_true(took_ns(world) >= 50 * CLOCK_MS);
	world_expect_disconnected(world, JITTER_SESSIONS);
}

static void service_forced_gives_up_what_waits_for_its_jitter(void **state)
{
	struct world *world = *state;

	world_set(world, "GRACE=10m");
	world_set(world, "DRAIN_JITTER=4m");
	world_start_agent(world, NULL);
	world_start(world);
	open_sessions(world, 2);
	world_signal(world, SIGTERM);
	world_event(world, "shutdown.begin", 1);
	world_signal(world, SIGTERM);
	assert_int_equal(world_exit(world), 1);
	assert_int_equal(world_count(world, "session.disconnect.failed"), 2);
}

static void service_turns_away_what_comes_on_warm_connections(void **state)
{
	struct world *world = *state;
	struct shot *busy, *late;

	world_start_agent(world, "{\"first_byte\": {\"latency\": \"300ms\"}}");
	world_start(world);
	world_get(world, "/health");
	busy = world_say(world, "1", ANN, "hello"); /* takes the warm connection */
	world_event(world, "agent.turn.begin", 1);
	world_get(world, "/health"); /* so here is another one */
	world_signal(world, SIGTERM);
	world_event(world, "shutdown.begin", 1);
	late = world_say(world, "2", ANN, "hello");
	assert_int_equal(shot_status(late), 503);
	assert_non_null(strstr(shot_text(late, "error"), "stopping"));
	assert_int_equal(shot_status(busy), 200);
	assert_int_equal(world_exit(world), 0);
}

/* Nobody will resume it any more, so it is not only released. */
static void service_archives_a_session_that_breaks_on_the_way_down(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_set(world, "GRACE=10s");
	world_set(world, "TURN_TIMEOUT=200ms");
	world_set(world, "REQUEST_TIMEOUT=300ms");
	world_start_agent(world,
		"{\"first_byte\": {\"latency\": \"1m\"}, "
		"\"interrupt\": {\"latency\": \"900ms\"}}");
	world_start(world);
	shot = world_say(world, "1", ANN, "hello");
	world_event(world, "agent.turn.begin", 1);
	assert_int_equal(stop(world), 0);
	assert_int_equal(shot_status(shot), 504);
	assert_true(world_event_ns(world, "session.broken", 1) >
		world_event_ns(world, "shutdown.begin", 1));
	assert_int_equal(
		world_count_with(world, "session.disconnected", "how", "archive"), 1);
	world_event(world, "agent.disconnect.done", 1);
}

static void service_stops_in_time_though_somebody_else_holds_the_store(void **state)
{
	struct world *world = *state;
	sqlite3 *other;

	world_set(world, "GRACE=2s");
	world_set(world, "STORE=%s", world_store(world));
	world_start_agent(world, NULL);
	world_start(world);
	open_sessions(world, 10);
	assert_int_equal(sqlite3_open(world_store(world), &other), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(stop(world), 0);
	sqlite3_close(other);
	expect_complete(world, 10, 0, 0, 0);
	assert_true(took_ns(world) < 1 * CLOCK_S);
	assert_true(world_count(world, "store.failed") > 0);
}

static void service_disconnects_nobody_who_was_never_connected(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_set(world, "SESSION_END=keep");
	world_set(world, "TURN_BUDGET=0s");
	world_start_agent(world, "{\"connect\": {\"latency\": \"1m\"}}");
	world_start(world);
	shot = world_say(world, "1", ANN, "hello");
	while (world_metric(world, "service_turns_active") < 1)
		continue;
	/* The turn may have come in this turn of the loop; the session connects in the
	 * next, which is over when a further request is answered. */
	world_metric(world, "service_turns_active");
	assert_int_equal(stop(world), 0);
	assert_int_equal(shot_status(shot), 503);
	assert_int_equal(world_count(world, "session.closed"), 1);
	assert_int_equal(world_count(world, "session.disconnected"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			service_stops_at_once_when_it_has_nothing_to_do, build, raze),
		cmocka_unit_test_setup_teardown(
			service_hears_sigint_as_well, build, raze),
		cmocka_unit_test_setup_teardown(
			service_lets_go_of_all_sessions_at_once, build, raze),
		cmocka_unit_test_setup_teardown(
			service_releases_or_deletes_when_told_so, build, raze),
		cmocka_unit_test_setup_teardown(
			service_lets_work_in_hand_finish, build, raze),
		cmocka_unit_test_setup_teardown(
			service_lets_work_finish_whose_session_is_still_opening, build,
			raze),
		cmocka_unit_test_setup_teardown(
			service_interrupts_work_when_its_budget_ends, build, raze),
		cmocka_unit_test_setup_teardown(
			service_interrupts_a_tool_that_hangs, build, raze),
		cmocka_unit_test_setup_teardown(
			service_saves_what_it_interrupted, build, raze),
		cmocka_unit_test_setup_teardown(
			service_does_not_wait_for_idle_connections, build, raze),
		cmocka_unit_test_setup_teardown(
			service_loses_no_request_that_races_the_signal, build, raze),
		cmocka_unit_test_setup_teardown(
			service_goes_on_taking_work_while_the_balancer_learns, build,
			raze),
		cmocka_unit_test_setup_teardown(
			service_turns_away_what_comes_on_warm_connections, build, raze),
		cmocka_unit_test_setup_teardown(
			service_disconnects_a_crowd, build, raze),
		cmocka_unit_test_setup_teardown(
			service_spreads_releases_over_its_jitter, build, raze),
		cmocka_unit_test_setup_teardown(
			service_forced_gives_up_what_waits_for_its_jitter, build, raze),
		cmocka_unit_test_setup_teardown(
			service_archives_a_session_that_breaks_on_the_way_down, build,
			raze),
		cmocka_unit_test_setup_teardown(
			service_stops_in_time_though_somebody_else_holds_the_store,
			build, raze),
		cmocka_unit_test_setup_teardown(
			service_disconnects_nobody_who_was_never_connected, build,
			raze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
