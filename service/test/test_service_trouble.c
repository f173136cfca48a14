/*
 * Others fail: the agent API, MCP servers, clients. The service goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "service/test/shot.h"
#include "service/test/world.h"
#include "test/support/own_network.h"

#define ANN "financial_analyst"

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

static int stop(struct world *world)
{
	world_signal(world, SIGTERM);
	return world_exit(world);
}

static void service_talks_without_the_servers_that_do_not_start(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_add_program(world, "missing", "/nonexistent/server", NULL, NULL);
	world_add_program(world, "mute", "true", NULL, NULL);
	world_add_server(world, "dead", "{\"crash\": \"initialize\"}");
	world_add_server(world, "skills", NULL);
	world_start_agent(world, "{\"tools\": 1}");
	world_start(world);
	shot = world_say(world, "1", ANN, "hello");
	assert_int_equal(shot_status(shot), 200);
	assert_non_null(strstr(shot_text(shot, "reply"), "echo answered: hello"));
	assert_int_equal(world_count_with(world, "mcp.failed", "server", "missing"), 1);
	assert_int_equal(world_count_with(world, "mcp.failed", "server", "mute"), 1);
	assert_int_equal(world_count_with(world, "mcp.failed", "server", "dead"), 1);
	world_talk(world, "2", ANN); /* which tries each of them once more */
	assert_int_equal(world_count(world, "mcp.failed"), 6);
	assert_int_equal(stop(world), 0);
}

/* Each would wait for the tries of all the others. */
static void service_tries_a_server_once_for_all_who_come_together(void **state)
{
	struct world *world = *state;
	struct shot *shots[8];

	world_add_program(world, "slow", "sh", "-c", "sleep 0.8; exit 3");
	world_start_agent(world, NULL);
	world_start(world);
	for (size_t i = 0; i < COUNT(shots); i++) {
		char room[] = {(char)('1' + i), '\0'};

		shots[i] = world_say(world, room, ANN, "hello");
	}
	for (size_t i = 0; i < COUNT(shots); i++)
		assert_int_equal(shot_status(shots[i]), 200);
	assert_int_equal(world_count(world, "mcp.failed"), 1);
	assert_int_equal(stop(world), 0);
}

/* A package that is still being fetched, a database that is not up yet. */
static void service_has_the_tools_of_a_server_that_starts_at_the_second_try(
	void **state)
{
	static const char *const starts[] = {"lazy", "session"};
	struct world *world = *state;
	SCOPED(mem_free) char *tried = mem_textf("%s.tried", world_store(world));
	SCOPED(mem_free) char *script =
		mem_textf("mkdir %s && exit 3; exec mock-mcp --name=late", tried);

	world_add_program(world, "late", "sh", "-c", script);
	for (size_t i = 0; i < COUNT(starts); i++) {
		struct shot *shot;

		world_set(world, "MCP_START=%s", starts[i]);
		world_start_agent(world, "{\"tools\": 1}");
		world_start(world);
		world_talk(world, "1", ANN);
		assert_int_equal(world_count(world, "mcp.failed"), i + 1);
		shot = world_say(world, "2", ANN, "hello");
		assert_int_equal(shot_status(shot), 200);
		if (!strstr(shot_text(shot, "reply"), "echo answered: hello"))
			world_fail(world, "%s: %s", starts[i], shot_body(shot));
		assert_int_equal(stop(world), 0);
		assert_int_equal(rmdir(tried), 0);
	}
}

static void service_gives_up_on_a_server_that_does_not_get_ready(void **state)
{
	struct world *world = *state;

	world_set(world, "MCP_START=session");
	world_set(world, "MCP_START_TIMEOUT=100ms");
	world_add_server(world, "slow", "{\"start\": \"1m\"}");
	world_start_agent(world, NULL);
	world_start(world);
	world_talk(world, "1", ANN);
	assert_int_equal(world_count_with(world, "mcp.failed", "server", "slow"), 1);
	assert_int_equal(stop(world), 0);
	assert_int_equal(world_count(world, "mcp.reaped"), 1);
}

static void service_reads_past_the_garbage_of_a_server(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_add_server(world, "noisy", "{\"stdout\": \"garbage\"}");
	world_start_agent(world, "{\"tools\": 1}");
	world_start(world);
	shot = world_say(world, "1", ANN, "hello");
	assert_int_equal(shot_status(shot), 200);
	assert_non_null(strstr(shot_text(shot, "reply"), "echo answered: hello"));
	assert_true(world_count_with(
			    world, "mcp.unexpected_output", "server", "noisy") > 0);
	assert_int_equal(stop(world), 0);
}

static void service_starts_a_server_again_that_died_in_a_call(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_add_server(world, "mortal", "{\"crash\": \"tool\"}");
	world_start_agent(world, "{\"tools\": 1}");
	world_start(world);
	for (unsigned turn = 1; turn <= 2; turn++) {
		shot = world_say(world, "1", ANN, "hello");
		assert_int_equal(shot_status(shot), 200);
		assert_non_null(strstr(shot_text(shot, "reply"), "echo failed: "));
		assert_int_equal(world_count(world, "mcp.started"), turn);
		assert_int_equal(
			world_count_with(world, "mcp.reaped", "signal", "6"), turn);
	}
	assert_int_equal(stop(world), 0);
}

static void service_bounds_a_tool_call(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_set(world, "MCP_CALL_TIMEOUT=100ms");
	world_add_server(world, "stuck", "{\"hang_tools\": true}");
	world_start_agent(world, "{\"tools\": 1}");
	world_start(world);
	shot = world_say(world, "1", ANN, "hello");
	assert_int_equal(shot_status(shot), 200);
	assert_non_null(strstr(shot_text(shot, "reply"), "echo failed: "));
	assert_int_equal(stop(world), 0);
}

static void service_keeps_one_sessions_trouble_from_the_others(void **state)
{
	struct world *world = *state;
	struct shot *one, *two, *three;

	world_start_agent(world,
		"{\"rules\": [{\"session\": 2, \"connect\": "
		"{\"fault\": \"error\", \"status\": 403}}]}");
	world_start(world);
	one = world_say(world, "1", ANN, "hello");
	two = world_say(world, "2", ANN, "hello");
	three = world_say(world, "3", ANN, "hello");
	assert_int_equal(shot_status(one), 200);
	assert_int_equal(shot_status(two), 502);
	assert_string_equal(shot_text(two, "error"),
		"the agent did not answer: the service's log says why");
	assert_non_null(
		strstr(json_text(world_event(world, "session.broken", 1), "why"),
			"POST /v1/sessions: HTTP 403"));
	assert_int_equal(shot_status(three), 200);
	world_event(world, "session.closed", 1);
	/* And the next webhook tries again. */
	assert_int_equal(shot_status(world_say(world, "2", ANN, "hello")), 502);
	world_event(world, "session.closed", 2);
	assert_int_equal(stop(world), 0);
}

static void service_survives_an_agent_that_makes_no_sense(void **state)
{
	static const char *const nonsense[] = {
		"{\"connect\": {\"fault\": \"malform\"}}",
		"{\"connect\": {\"fault\": \"truncate\"}}",
		"{\"connect\": {\"fault\": \"reset\"}}",
		"{\"connect\": {\"fault\": \"half_close\"}}",
		"{\"connect\": {\"fault\": \"error\", \"status\": 404}}",
	};
	struct world *world = *state;

	world_set(world, "REQUEST_TIMEOUT=1s");
	for (size_t i = 0; i < COUNT(nonsense); i++) {
		struct shot *shot;

		world_start_agent(world, nonsense[i]);
		world_start(world);
		shot = world_say(world, "1", ANN, "hello");
		if (shot_status(shot) != 502)
			world_fail(world, "%s: %ld %s", nonsense[i], shot_status(shot),
				shot_body(shot));
		assert_string_not_equal(shot_text(shot, "error"), "");
		assert_non_null(strstr(world_get(world, "/ready"), "ready"));
		assert_int_equal(stop(world), 0);
	}
}

/* Accepts whoever comes, says something that is no HTTP, and hangs up. */
static void *babble(void *arg)
{
	int listener = *(int *)arg, fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		char request[4096];

		(void)!read(fd, request, sizeof request);
		(void)!write(fd, "220 mail.example.com ESMTP\r\n", 28);
		close(fd);
	}
	return NULL;
}

static void service_survives_an_agent_that_is_none(void **state)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	struct world *world = *state;
	SCOPED(mem_free) char *url = NULL;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t thread;

	assert_int_equal(bind(listener, (const struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 64), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(pthread_create(&thread, NULL, babble, &listener), 0);
	url = mem_textf("http://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
	world_set_agent(world, url);
	world_set(world, "REQUEST_TIMEOUT=1s");
	world_start(world);
	assert_int_equal(shot_status(world_say(world, "1", ANN, "hello")), 502);
	assert_int_equal(stop(world), 0);
	shutdown(listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	/* And where nobody listens at all. */
	close(listener);
	world_start(world);
	assert_int_equal(shot_status(world_say(world, "1", ANN, "hello")), 502);
	assert_int_equal(stop(world), 0);
}

static void service_reopens_what_somebody_else_has_ended(void **state)
{
	struct world *world = *state;

	world_add_server(world, "skills", NULL);
	world_start_agent(world, NULL);
	world_start(world);
	world_talk(world, "1", ANN);
	world_delete_agent_session(world, 1);
	world_event(world, "session.broken", 1);
	world_event(world, "session.closed", 1);
	assert_int_equal(world_count(world, "mcp.reaped"), 1);
	world_talk(world, "1", ANN);
	assert_int_equal(world_count(world, "agent.session.opened"), 2);
	assert_int_equal(stop(world), 0);
}

/* What broke is only released, whatever SESSION_END says: it is to be resumed. */
static void service_resumes_a_session_that_broke(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_set(world, "SESSION_END=archive");
	world_set(world, "REQUEST_TIMEOUT=200ms");
	world_start_agent(world, NULL);
	world_start(world);
	world_talk(world, "1", ANN);
	world_signal_agent(world, SIGSTOP);
	shot = world_say(world, "1", ANN, "hello");
	assert_int_equal(shot_status(shot), 502);
	world_event(world, "session.broken", 1);
	world_event(world, "session.closed", 1);
	world_signal_agent(world, SIGCONT);
	world_talk(world, "1", ANN);
	assert_int_equal(world_count_with(world, "session.opened", "path", "warm"), 1);
	assert_int_equal(world_count(world, "agent.disconnect.begin"), 0);
	assert_int_equal(stop(world), 0);
	world_expect_disconnected(world, 1);
}

static void service_ends_a_turn_that_takes_too_long(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_set(world, "TURN_TIMEOUT=100ms");
	world_start_agent(world, "{\"first_byte\": {\"latency\": \"1m\"}}");
	world_start(world);
	shot = world_say(world, "1", ANN, "hello");
	assert_int_equal(shot_status(shot), 504);
	assert_int_equal(world_count(world, "agent.interrupted"), 1);
	assert_int_equal(world_count_with(world, "turn.end", "how", "failed"), 1);
	world_change_agent(world, "{\"first_byte\": {\"latency\": \"0s\"}}");
	world_talk(world, "1", ANN); /* the session is as good as before */
	assert_int_equal(world_count(world, "session.opened"), 1);
	assert_int_equal(stop(world), 0);
}

static void service_gives_out_a_session_whose_turn_does_not_end(void **state)
{
	struct world *world = *state;
	struct shot *shot;

	world_set(world, "TURN_TIMEOUT=100ms");
	world_set(world, "REQUEST_TIMEOUT=300ms");
	world_set(world, "GRACE=2s");
	world_start_agent(world,
		"{\"first_byte\": {\"latency\": \"1m\"}, "
		"\"interrupt\": {\"latency\": \"1m\"}}");
	world_start(world);
	shot = world_say(world, "1", ANN, "hello");
	assert_int_equal(shot_status(shot), 504);
	world_event(world, "session.broken", 1);
	world_event(world, "session.closed", 1);
	(void)stop(world);
}

/* A client that left gets no turn; whose turn runs, that goes on. */
static void service_drops_the_turns_of_clients_that_left(void **state)
{
	struct world *world = *state;
	struct shot *running, *waiting;

	world_start_agent(world, "{\"first_byte\": {\"latency\": \"300ms\"}}");
	world_start(world);
	running = world_say(world, "1", ANN, "one");
	world_event(world, "agent.turn.begin", 1);
	waiting = world_say(world, "1", ANN, "two");
	while (world_metric(world, "service_turns_active") < 2)
		continue;
	shot_leave(waiting);
	while (world_metric(world, "service_turns_active") > 1)
		continue;
	shot_leave(running);
	world_event(world, "turn.end", 1);
	assert_int_equal(stop(world), 0);
	assert_int_equal(world_count(world, "turn.begin"), 1);
	assert_int_equal(world_count_with(world, "turn.end", "how", "answered"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			service_talks_without_the_servers_that_do_not_start, build,
			raze),
		cmocka_unit_test_setup_teardown(
			service_tries_a_server_once_for_all_who_come_together, build,
			raze),
		cmocka_unit_test_setup_teardown(
			service_has_the_tools_of_a_server_that_starts_at_the_second_try,
			build, raze),
		cmocka_unit_test_setup_teardown(
			service_gives_up_on_a_server_that_does_not_get_ready, build,
			raze),
		cmocka_unit_test_setup_teardown(
			service_reads_past_the_garbage_of_a_server, build, raze),
		cmocka_unit_test_setup_teardown(
			service_starts_a_server_again_that_died_in_a_call, build, raze),
		cmocka_unit_test_setup_teardown(
			service_bounds_a_tool_call, build, raze),
		cmocka_unit_test_setup_teardown(
			service_keeps_one_sessions_trouble_from_the_others, build,
			raze),
		cmocka_unit_test_setup_teardown(
			service_survives_an_agent_that_makes_no_sense, build, raze),
		cmocka_unit_test_setup_teardown(
			service_survives_an_agent_that_is_none, build, raze),
		cmocka_unit_test_setup_teardown(
			service_reopens_what_somebody_else_has_ended, build, raze),
		cmocka_unit_test_setup_teardown(
			service_resumes_a_session_that_broke, build, raze),
		cmocka_unit_test_setup_teardown(
			service_ends_a_turn_that_takes_too_long, build, raze),
		cmocka_unit_test_setup_teardown(
			service_gives_out_a_session_whose_turn_does_not_end, build,
			raze),
		cmocka_unit_test_setup_teardown(
			service_drops_the_turns_of_clients_that_left, build, raze),
	};

	own_network();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
