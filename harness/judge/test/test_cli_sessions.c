#include "harness/judge/test/scene.h"

#include <signal.h>
#include <string.h>

#include "lib/mem.h"

/* Sessions of the CLI, as the mock agent API sees them. */
static void open_clis(struct judge_scene *scene, int count)
{
	scene->scenario.load.sessions = count;
	for (int i = 1; i <= count; i++) {
		scene_add_event(scene, EVENT_LEDGER, -500,
			"{\"event\":\"agent.session.opened\",\"session\":\"%d\","
			"\"id\":\"client_%d\",\"api\":\"messages\",\"by\":\"path\","
			"\"cli\":true}",
			i, i);
		scene_add_request(scene, REQUEST_OPEN, i, REQUEST_ANSWERED);
	}
}

/* The stand-in of a session: told to end by EOF at that time (-1: never), and ended. */
static struct lifeline *add_process(
	struct judge_scene *scene, int session, int64_t eof_ms, int64_t ended_ms)
{
	struct lifeline *process = scene_add_server(scene, session, ended_ms);

	mem_free(&process->role);
	process->role = mem_text("mock-cli");
	process->eof_ns = eof_ms < 0 ? 0 : T0 + eof_ms * CLOCK_MS;
	return process;
}

static void reap(struct judge_scene *scene, int session, int64_t ms)
{
	scene_add_event(scene, EVENT_SERVICE, ms,
		"{\"event\":\"cli.reaped\",\"room\":\"%d\",\"bot\":\"x\",\"child\":%d,"
		"\"exit_code\":0}",
		session, 10 + session);
}

static void begin_release(struct judge_scene *scene, int session, int64_t ms)
{
	scene_add_event(scene, EVENT_SERVICE, ms,
		"{\"event\":\"session.disconnect.begin\",\"room\":\"%d\",\"bot\":\"x\"}",
		session);
}

static void close_connection(struct judge_scene *scene, int session, int64_t ms)
{
	scene_add_event(scene, EVENT_LEDGER, ms,
		"{\"event\":\"agent.session.closed\",\"session\":\"%d\","
		"\"id\":\"client_%d\",\"port\":%d}",
		session, session, 40000 + session);
}

/* Killed at the grace, with the processes of all sessions from `first` on. */
static void kill_all(struct judge_scene *scene, int first, int count)
{
	scene_kill_at_grace(scene);
	for (int i = first; i <= count; i++)
		add_process(scene, i, 2029, 2035)->exit_ns = 0;
}

static void a_session_is_released_when_its_process_has_ended(void **state)
{
	struct judge_scene *scene = *state;

	open_clis(scene, 2);
	scene_begin_shutdown(scene, "parallel", 2 * CLOCK_S);
	add_process(scene, 1, 5, 20);
	add_process(scene, 2, 5, 25);
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_int_equal(scene->judgement.disconnected, 2);
	assert_int_equal(scene->judgement.left_open, 0);
}

/* The real CLI has no lifeline. That its connection is gone does not say that it is; and
 * the mock may read of that later than PID 1 ends. */
static void our_service_says_that_it_reaped_the_process(void **state)
{
	struct judge_scene *scene = *state;

	open_clis(scene, 2);
	scene_begin_shutdown(scene, "parallel", 2 * CLOCK_S);
	reap(scene, 1, 20);
	close_connection(scene, 1, 301);
	close_connection(scene, 2, -100);
	scene_expect(scene, VERDICT_DIRTY, NULL);
	assert_int_equal(scene->judgement.disconnected, 1);
	assert_non_null(strstr(scene->judgement.reason, "1 of 2 sessions"));
}

/* What another service prints is no proof. */
static void another_service_may_say_what_it_likes(void **state)
{
	struct judge_scene *scene = *state;

	open_clis(scene, 1);
	scene->evidence.own_service = false;
	reap(scene, 1, 20);
	scene_expect(scene, VERDICT_CLEAN, NULL);
	assert_int_equal(scene->judgement.disconnected, 0);
	assert_int_equal(scene->judgement.left_open, 1);
}

/* At the end of PID 1 their stdin ends, too: that told nobody anything. */
static void dropped_processes_are_named(void **state)
{
	struct judge_scene *scene = *state;

	open_clis(scene, 3);
	scene_begin_shutdown(scene, "none", 2 * CLOCK_S);
	kill_all(scene, 1, 3);
	scene_expect(scene, VERDICT_KILLED, "H1");
	assert_says(scene, "H1", "no disconnect was begun for 3 of 3 sessions");
	assert_says(scene, "H1", "their CLI processes to end by themselves");
	assert_int_equal(scene->judgement.disconnected, 0);
}

static void a_process_that_does_not_end_is_named(void **state)
{
	struct judge_scene *scene = *state;

	open_clis(scene, 2);
	scene_begin_shutdown(scene, "parallel", 4 * CLOCK_S);
	scene->scenario.stop.grace_ns = 4 * CLOCK_S;
	begin_release(scene, 1, 2);
	begin_release(scene, 2, 2);
	add_process(scene, 1, 5, 20);
	scene_kill_at_grace(scene);
	add_process(scene, 2, 5, 4035)->exit_ns = 0;
	scene_expect(scene, VERDICT_KILLED, "H1");
	assert_says(
		scene, "H1", "waited for the CLI processes of 1 of 2 sessions to end");
	assert_says(scene, "H1", "session 2");
}

static void one_after_the_other_is_too_slow(void **state)
{
	struct judge_scene *scene = *state;

	open_clis(scene, 10);
	scene_begin_shutdown(scene, "sequential", 2 * CLOCK_S);
	for (int i = 1; i <= 4; i++) {
		begin_release(scene, i, (i - 1) * 500);
		if (i < 4)
			add_process(scene, i, (i - 1) * 500, i * 500);
	}
	kill_all(scene, 4, 10);
	scene_expect(scene, VERDICT_KILLED, "H2");
	assert_says(scene, "H2", "3 of 10 sessions were released");
}

/* A program on the agent SDK, with the stand-in as its CLI. */
static void run_sdk(struct judge_scene *scene, int count)
{
	scene_run_program(scene, "node", SIGTERM);
	scene->scenario.service.mocks = true;
	strlist_add(&scene->scenario.service.env, "API={agent_url}");
	open_clis(scene, count);
}

static void another_service_that_told_none_is_found_by_the_ledger(void **state)
{
	struct judge_scene *scene = *state;

	run_sdk(scene, 2);
	scene_wait_in(scene, 0, CALL_EPOLL_WAIT);
	kill_all(scene, 1, 2);
	scene_expect(scene, VERDICT_KILLED, "H1");
	assert_says(scene, "H1", "neither EOF nor a signal before SIGKILL");
}

/* As the SDK ends a CLI with a turn in flight: 143 is its normal way. */
static void a_busy_cli_that_ends_with_143_is_no_failure(void **state)
{
	struct judge_scene *scene = *state;
	unsigned cli;

	run_sdk(scene, 1);
	cli = scene_add_process(scene, 0, "claude");
	scene_add_signal(scene, 20, 0, cli, SIGTERM);
	scene_add_handled(scene, 21, cli, SIGTERM);
	scene_add_wait(scene, 22, 0);
	scene_end_process(scene, cli, 120, 143 << 8);
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* The turn that it had is what counts. */
static void the_turn_that_it_had_is_lost(void **state)
{
	struct judge_scene *scene = *state;

	run_sdk(scene, 1);
	scene_add_event(scene, EVENT_LEDGER, -100,
		"{\"event\":\"agent.turn.begin\",\"session\":\"1\",\"id\":\"client_1\","
		"\"turn\":\"t\"}");
	scene_add_event(scene, EVENT_LEDGER, 120,
		"{\"event\":\"agent.turn.end\",\"session\":\"1\",\"id\":\"client_1\","
		"\"turn\":\"t\",\"why\":\"interrupted\"}");
	scene_expect(scene, VERDICT_DIRTY, "H9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_session_is_released_when_its_process_has_ended),
		SCENE(our_service_says_that_it_reaped_the_process),
		SCENE(another_service_may_say_what_it_likes),
		SCENE(dropped_processes_are_named),
		SCENE(a_process_that_does_not_end_is_named),
		SCENE(one_after_the_other_is_too_slow),
		SCENE(another_service_that_told_none_is_found_by_the_ledger),
		SCENE(a_busy_cli_that_ends_with_143_is_no_failure),
		SCENE(the_turn_that_it_had_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
