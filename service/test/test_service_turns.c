#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "service/test/shot.h"
#include "service/test/world.h"

#define ANN "financial_analyst"
#define BOB "personal_assistant"
#define CY  "operations_assistant"

static int build(void **state)
{
	*state = world_create();
	return 0;
}

static int raze(void **state)
{
	world_destroy(*state);
	return 0;
}

static void stop(struct world *world)
{
	world_signal(world, SIGTERM);
	assert_int_equal(world_exit(world), 0);
}

static void service_answers_three_bots_with_tools_of_their_servers(void **state)
{
	static const char *const bots[] = {ANN, BOB, CY};
	struct world *world = *state;
	struct shot *shots[COUNT(bots)];

	world_add_server(world, "skills", NULL);
	world_add_server(world, "financial", NULL);
	world_start_agent(world, "{\"tools\": 5}");
	world_start(world);
	for (size_t i = 0; i < COUNT(bots); i++)
		shots[i] = world_say(world, "1", bots[i], "hello");
	for (size_t i = 0; i < COUNT(bots); i++) {
		assert_int_equal(shot_status(shots[i]), 200);
		assert_string_equal(shot_text(shots[i], "bot"), bots[i]);
		assert_int_equal(json_int(shot_json(shots[i]), "room", 0), 1);
		/* The fifth tool is the other server's first. */
		assert_non_null(strstr(shot_text(shots[i], "reply"),
			"You said: hello\necho answered: hello"));
		assert_non_null(strstr(shot_text(shots[i], "reply"),
			"financial__echo answered: hello"));
	}
	assert_int_equal(world_count(world, "agent.session.opened"), 3);
	assert_int_equal(world_count(world, "mcp.initialized"), 6);
	assert_int_equal(world_count(world, "mcp.tool.begin"), 15);
	stop(world);
	assert_int_equal(world_count_with(world, "turn.end", "how", "answered"), 3);
}

static void service_keeps_a_session_hot_between_webhooks(void **state)
{
	struct world *world = *state;
	const char *stats;

	world_start_agent(world, NULL);
	world_start(world);
	world_talk(world, "7", ANN);
	world_talk(world, "7", ANN);
	world_talk(world, "\"7\"", ANN); /* the same room, written otherwise */
	world_talk(world, "8", ANN);
	assert_int_equal(world_count(world, "agent.session.opened"), 2);
	assert_int_equal(world_count_with(world, "session.opened", "path", "cold"), 2);
	stats = world_get(world, "/cache/stats");
	assert_non_null(strstr(stats, "\"active\":2"));
	assert_non_null(strstr(stats, "\"paths\":{\"cold\":2,\"warm\":0,\"hot\":2}"));
	assert_non_null(strstr(stats,
		"{\"room\":\"7\",\"bot\":\"" ANN "\",\"state\":\"hot\",\"turns\":0"));
	assert_true(world_metric(world, "service_sessions_active") == 2);
	assert_true(world_metric(world, "service_sessions_total{path=\"hot\"}") == 2);
	assert_true(world_metric(world, "service_turns_total{how=\"answered\"}") == 4);
	stop(world);
}

static void service_resumes_its_sessions_after_a_restart(void **state)
{
	struct world *world = *state;

	world_add_server(world, "skills", NULL);
	world_set(world, "STORE=%s", world_store(world));
	world_start_agent(world, "{\"tools\": 1}");
	world_start(world);
	world_talk(world, "1", ANN);
	stop(world);
	assert_int_equal(world_count(world, "mcp.started"), 1);

	world_start(world);
	assert_true(world_metric(world, "service_last_shutdown_seconds") > 0);
	assert_true(world_metric(world, "service_last_shutdown_sessions") == 1);
	assert_true(world_metric(world, "service_last_shutdown_clean") == 1);
	assert_true(world_metric(world,
			    "service_last_shutdown_mcp_steps{step=\"eof\"}") == 1);
	world_talk(world, "1", ANN);
	world_talk(world, "2", ANN);
	assert_int_equal(world_count_with(world, "session.opened", "path", "warm"), 1);
	assert_int_equal(world_count_with(world, "session.opened", "path", "cold"), 2);
	assert_int_equal(world_count(world, "agent.session.opened"), 2);

	world_signal(world, SIGKILL);
	assert_int_equal(world_exit(world), 128 + SIGKILL);
	world_start(world); /* the stop before that one is no news any more */
	assert_true(world_metric(world, "service_last_shutdown_clean") == 0);
	assert_true(world_metric(world, "service_last_shutdown_seconds") == -1);
	stop(world);
}

/* What was archived cannot be resumed. */
static void service_starts_cold_after_it_archived(void **state)
{
	struct world *world = *state;

	world_set(world, "STORE=%s", world_store(world));
	world_set(world, "SESSION_END=archive");
	world_start_agent(world, NULL);
	world_start(world);
	world_talk(world, "1", ANN);
	stop(world);
	world_expect_disconnected(world, 1);
	world_start(world);
	world_talk(world, "1", ANN);
	assert_int_equal(world_count_with(world, "session.opened", "path", "cold"), 2);
	stop(world);
}

static void service_starts_cold_where_the_agent_has_forgotten(void **state)
{
	struct world *world = *state;

	world_set(world, "STORE=%s", world_store(world));
	world_start_agent(world, NULL);
	world_start(world);
	world_talk(world, "1", ANN);
	stop(world);
	world_start_agent(world, NULL); /* another one, that knows nobody */
	world_start(world);
	world_talk(world, "1", ANN);
	assert_int_equal(world_count_with(world, "session.opened", "path", "cold"), 2);
	stop(world);
}

/* Lists of tools are kept, so only the first session ever starts a server to ask it. */
static void service_starts_servers_at_their_first_call_when_it_is_lazy(void **state)
{
	struct world *world = *state;

	world_set(world, "STORE=%s", world_store(world));
	world_add_server(world, "skills", NULL);
	world_add_server(world, "financial", NULL);
	world_start_agent(world, NULL);
	world_start(world);
	world_talk(world, "1", ANN);
	world_talk(world, "2", ANN);
	world_talk(world, "3", ANN);
	assert_int_equal(world_count(world, "mcp.started"), 2);
	assert_int_equal(world_count_with(world, "mcp.started", "room", "1"), 2);
	world_change_agent(world, "{\"tools\": 1}");
	world_talk(world, "2", ANN);
	assert_int_equal(world_count_with(world, "mcp.started", "room", "2"), 1);
	stop(world);

	world_forget_events(world);
	world_start(world);
	world_change_agent(world, "{\"tools\": 0}");
	world_talk(world, "1", ANN);
	assert_int_equal(world_count(world, "mcp.started"), 0);
	stop(world);
}

static void service_starts_servers_with_the_session_when_told_so(void **state)
{
	struct world *world = *state;

	world_set(world, "MCP_START=session");
	world_add_server(world, "skills", "{\"start\": \"100ms\"}");
	world_add_server(world, "financial", NULL);
	world_start_agent(world, NULL);
	world_start(world);
	world_talk(world, "1", ANN);
	assert_int_equal(world_count(world, "mcp.started"), 2);
	world_talk(world, "2", ANN);
	assert_int_equal(world_count(world, "mcp.started"), 4);
	assert_true(world_event_ns(world, "mcp.started", 4) <
		world_event_ns(world, "turn.begin", 2));
	stop(world);
}

static void service_takes_the_turns_of_a_session_in_order(void **state)
{
	static const char *const words[] = {"one", "two", "three", "four"};
	struct world *world = *state;
	struct shot *shots[COUNT(words)];

	world_start_agent(world, "{\"first_byte\": {\"latency\": \"30ms\"}}");
	world_start(world);
	for (size_t i = 0; i < COUNT(words); i++) {
		shots[i] = world_say(world, "1", ANN, words[i]);
		/* Each has arrived before the next one leaves. */
		while (world_metric(world, "service_turns_active") < 1 + (double)i &&
			!shot_over(shots[0]))
			continue;
	}
	for (size_t i = 0; i < COUNT(words); i++) {
		assert_int_equal(shot_status(shots[i]), 200);
		assert_non_null(strstr(shot_text(shots[i], "reply"), words[i]));
	}
	for (unsigned i = 1; i < COUNT(words); i++)
		assert_true(world_event_ns(world, "turn.end", i) <
			world_event_ns(world, "turn.begin", i + 1));
	assert_int_equal(world_count(world, "agent.session.opened"), 1);
	stop(world);
}

static void service_lets_only_so_many_turns_wait(void **state)
{
	struct world *world = *state;
	struct shot *first, *second, *third;

	world_set(world, "QUEUE_LIMIT=1");
	world_set(world, "TURN_BUDGET=0s");
	world_start_agent(world, "{\"first_byte\": {\"latency\": \"1m\"}}");
	world_start(world);
	first = world_say(world, "1", ANN, "a");
	world_event(world, "turn.begin", 1);
	second = world_say(world, "1", ANN, "b");
	while (world_metric(world, "service_turns_active") < 2)
		continue;
	third = world_say(world, "1", ANN, "c");
	assert_int_equal(shot_status(third), 429);
	assert_non_null(strstr(shot_text(third, "error"), "too many messages wait"));
	stop(world);
	assert_int_equal(shot_status(first), 503);
	assert_int_equal(shot_status(second), 503);
}

static void service_makes_room_by_closing_who_was_idle_longest(void **state)
{
	struct world *world = *state;
	const char *stats;

	world_set(world, "SESSION_LIMIT=2");
	world_start_agent(world, NULL);
	world_start(world);
	world_talk(world, "1", ANN);
	world_talk(world, "2", ANN);
	world_talk(world, "1", ANN); /* so 2 is the one */
	world_talk(world, "3", ANN);
	world_event(world, "session.closed", 1);
	assert_int_equal(world_count_with(world, "session.closed", "room", "2"), 1);
	stats = world_get(world, "/cache/stats");
	assert_non_null(strstr(stats, "\"active\":2"));
	assert_null(strstr(stats, "\"room\":\"2\""));
	assert_true(world_metric(world, "service_sessions_evicted_total") == 1);
	world_talk(world, "2", ANN); /* it comes back, resumed */
	assert_int_equal(world_count_with(world, "session.opened", "path", "warm"), 1);
	stop(world);
}

static void service_makes_room_for_who_comes_back_while_it_is_closed(void **state)
{
	struct world *world = *state;
	struct shot *third, *first;

	world_set(world, "SESSION_LIMIT=2");
	world_set(world, "SESSION_END=archive");
	world_start_agent(world, "{\"disconnect\": {\"latency\": \"300ms\"}}");
	world_start(world);
	world_talk(world, "1", ANN);
	world_talk(world, "2", ANN);
	third = world_say(world, "3", ANN, "hello"); /* 1 has to go */
	world_event(world, "agent.disconnect.begin", 1);
	first = world_say(world, "1", ANN, "hello"); /* so that 2 has to */
	assert_int_equal(shot_status(third), 200);
	assert_int_equal(shot_status(first), 200);
	world_event(world, "session.closed", 2);
	assert_int_equal(world_count_with(world, "session.closed", "room", "2"), 1);
	assert_non_null(strstr(world_get(world, "/cache/stats"), "\"active\":2"));
	stop(world);
}

static void service_is_full_when_no_session_is_idle(void **state)
{
	struct world *world = *state;
	struct shot *first, *second;

	world_set(world, "SESSION_LIMIT=1");
	world_set(world, "TURN_BUDGET=0s");
	world_start_agent(world, "{\"first_byte\": {\"latency\": \"1m\"}}");
	world_start(world);
	first = world_say(world, "1", ANN, "a");
	world_event(world, "turn.begin", 1);
	second = world_say(world, "2", ANN, "b");
	assert_int_equal(shot_status(second), 503);
	assert_non_null(strstr(shot_text(second, "error"), "in use or still closing"));
	stop(world);
	assert_int_equal(shot_status(first), 503);
}

static void service_closes_who_is_idle_for_too_long(void **state)
{
	struct world *world = *state;

	world_set(world, "IDLE_TIMEOUT=80ms");
	world_add_server(world, "skills", NULL);
	world_start_agent(world, "{\"tools\": 1}");
	world_start(world);
	world_talk(world, "1", ANN);
	world_talk(world, "2", ANN);
	world_event(world, "session.closed", 2);
	assert_true(world_event_ns(world, "session.disconnect.begin", 1) -
			world_event_ns(world, "turn.end", 1) >=
		80 * CLOCK_MS);
	assert_non_null(strstr(world_get(world, "/cache/stats"), "\"active\":0"));
	assert_true(world_metric(world, "service_sessions_idled_total") == 2);
	assert_int_equal(
		world_count(world, "mcp.reaped"), world_count(world, "mcp.started"));
	world_talk(world, "1", ANN);
	assert_int_equal(world_count_with(world, "session.opened", "path", "warm"), 1);
	stop(world);
}

static void service_gives_its_servers_a_room_and_no_secrets(void **state)
{
	struct world *world = *state;

	world_set(world, "AGENT_KEY=s3cret-key");
	world_set(world, "WEBHOOK_TOKEN=s3cret-token");
	world_set(world, "COLOUR=red");
	/* Whatever it prints is told as noise, and that it is no server as a failure.
	 */
	world_add_program(world, "env", "sh", "-c",
		"echo \"room=$SESSION_ROOM bot=$SESSION_BOT colour=$COLOUR\"; env >&2");
	world_start_agent(world, NULL);
	world_start(world);
	assert_int_equal(
		shot_status(world_send(world,
			&(struct request){
				.method = "POST",
				.path = "/webhook/" ANN,
				.type = "application/json",
				.authorization = "bearer s3cret-token",
				.body = "{\"creator\":{\"id\":1,\"name\":\"\"},"
					"\"room\":{\"id\":\"a b\",\"name\":\"\"},"
					"\"content\":\"x\"}",
			})),
		200);
	assert_int_equal(world_count_with(world, "mcp.unexpected_output", "line",
				 "room=a b bot=" ANN " colour=red"),
		1);
	stop(world);
	world_expect_silence_about(world, "s3cret");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			service_answers_three_bots_with_tools_of_their_servers, build,
			raze),
		cmocka_unit_test_setup_teardown(
			service_keeps_a_session_hot_between_webhooks, build, raze),
		cmocka_unit_test_setup_teardown(
			service_resumes_its_sessions_after_a_restart, build, raze),
		cmocka_unit_test_setup_teardown(
			service_starts_cold_after_it_archived, build, raze),
		cmocka_unit_test_setup_teardown(
			service_starts_cold_where_the_agent_has_forgotten, build, raze),
		cmocka_unit_test_setup_teardown(
			service_starts_servers_at_their_first_call_when_it_is_lazy,
			build, raze),
		cmocka_unit_test_setup_teardown(
			service_starts_servers_with_the_session_when_told_so, build,
			raze),
		cmocka_unit_test_setup_teardown(
			service_takes_the_turns_of_a_session_in_order, build, raze),
		cmocka_unit_test_setup_teardown(
			service_lets_only_so_many_turns_wait, build, raze),
		cmocka_unit_test_setup_teardown(
			service_makes_room_by_closing_who_was_idle_longest, build,
			raze),
		cmocka_unit_test_setup_teardown(
			service_makes_room_for_who_comes_back_while_it_is_closed, build,
			raze),
		cmocka_unit_test_setup_teardown(
			service_is_full_when_no_session_is_idle, build, raze),
		cmocka_unit_test_setup_teardown(
			service_closes_who_is_idle_for_too_long, build, raze),
		cmocka_unit_test_setup_teardown(
			service_gives_its_servers_a_room_and_no_secrets, build, raze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
