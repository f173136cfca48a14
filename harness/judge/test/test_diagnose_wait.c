/* Where a program was when the grace expired. */
#include "harness/judge/test/scene.h"

#include <signal.h>
#include <string.h>

/* docker stop -t 0: SIGKILL follows the stop signal at once. */
static void without_a_grace_nothing_else_is_a_cause(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "web", SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "H10");
	scene->scenario.stop.grace_ns = 0;
	scene_expect(scene, VERDICT_KILLED, "X1");
	assert_false(scene_has_diagnosis(scene, "H10"));
}

/* pthread_exit(3) in main(). */
static void one_whose_main_thread_has_ended_is_in_no_call(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "emu", SIGTERM);
	scene_last(scene, 0)->state = 'Z';
	scene_last(scene, 0)->threads = 3;
	scene_last(scene, 0)->syscall = -1;
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_string_equal(scene_text(scene, "H10"),
		"PID 1 (emu) caught SIGTERM (+1.00ms) and went on: it is running on without its "
		"main thread, which has ended, with 3 threads");
}

/* --- H7, H8: a pipe, a connection --- */

static void a_write_that_nobody_reads_is_named(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "app", SIGTERM);
	scene_wait_on(scene, 0, CALL_WRITE, 1, "pipe:[12]");
	scene_before(scene, 0)->syscall = CALL_PAUSE;
	scene_expect(scene, VERDICT_KILLED, "H7");
	assert_string_equal(scene_text(scene, "H7"),
		"PID 1 (app) is blocked in write of pipe:[12]: nobody reads what it writes");
	/* A file has no reader. */
	strcpy(scene_last(scene, 0)->waits_on, "/var/lib/app/state");
	scene_expect(scene, VERDICT_KILLED, "H10");
	strcpy(scene_last(scene, 0)->waits_on, "socket:[12]");
	scene_expect(scene, VERDICT_KILLED, "H7");
	scene_last(scene, 0)->syscall = CALL_READ;
	scene_expect(scene, VERDICT_KILLED, "H10");
}

static void a_connection_that_is_open_is_named_with_its_peer(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "node", SIGTERM);
	scene_wait_on(scene, 0, CALL_EPOLL_WAIT, 5, "anon_inode:[eventpoll]");
	scene_connect(scene, 0, "10.0.0.5:5000");
	scene_last(scene, 0)->unsent = 4096;
	scene_expect(scene, VERDICT_KILLED, "H8");
	assert_string_equal(scene_text(scene, "H8"),
		"PID 1 (node) took SIGTERM and is in epoll_wait of anon_inode:[eventpoll], with "
		"1 connection open (from 10.0.0.5:5000, 4096 bytes unsent)");
	/* It is the client of all of them: it serves nobody. */
	scene_last(scene, 0)->clients = 0;
	scene_last(scene, 0)->unread = 7;
	scene_expect(scene, VERDICT_KILLED, "H16");
	assert_says(scene, "H16", "(to 10.0.0.5:5000, 7 bytes unread)");
	assert_false(scene_has_diagnosis(scene, "H8"));
	assert_false(scene_has_diagnosis(scene, "H10"));
	scene_last(scene, 0)->connections = 0;
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_says(scene, "H10",
		": no TCP connection is open; its handler does not end the loop, or a timer, a "
		"thread or another handle keeps it alive");
	/* Nobody read them. */
	scene->looks[1].has_sockets = false;
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_null(strstr(scene_text(scene, "H10"), "no TCP connection"));
}

/* Connections of a pool say little beside it. */
static void a_child_is_named_before_connections_to_others(void **state)
{
	struct judge_scene *scene = *state;
	unsigned child;

	scene_hang(scene, "node", SIGTERM);
	scene_wait_on(scene, 0, CALL_EPOLL_WAIT, 5, "anon_inode:[eventpoll]");
	scene_connect(scene, 0, "10.0.0.5:5000");
	scene_last(scene, 0)->clients = 0;
	scene_expect(scene, VERDICT_KILLED, "H16");
	child = scene_add_process(scene, 0, "worker");
	scene_add_signal(scene, 2, 0, child, SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_false(scene_has_diagnosis(scene, "H16"));
}

static void a_connection_beside_a_busy_loop_is_not_waited_for(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "node", SIGTERM);
	scene_connect(scene, 0, "10.0.0.5:5000");
	scene_last(scene, 0)->syscall = -1;
	scene_last(scene, 0)->state = 'R';
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_says(scene, "H10", "and went on: it is running, not waiting");
}

/* Its timer is short: one look finds it awake. */
static void a_loop_that_is_met_while_it_runs_is_a_loop(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "node", SIGTERM);
	scene_wait_on(scene, 0, CALL_EPOLL_WAIT, 5, "anon_inode:[eventpoll]");
	scene_last(scene, 0)->syscall = -1;
	scene_last(scene, 0)->state = 'R';
	scene_last(scene, 0)->cpu_ticks = 1;
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_says(scene, "H10", "no TCP connection is open");
	scene_connect(scene, 0, "10.0.0.5:5000");
	scene_expect(scene, VERDICT_KILLED, "H8");
	/* It has run all the time: it came back to no loop. */
	scene_last(scene, 0)->cpu_ticks = 10;
	scene_expect(scene, VERDICT_KILLED, "H10");
	scene_last(scene, 0)->connections = 0;
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_null(strstr(scene_text(scene, "H10"), "no TCP connection"));
}

static void the_last_words_of_a_known_program_are_explained(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "uvicorn", SIGTERM);
	scene_wait_on(scene, 0, CALL_EPOLL_WAIT, 5, "anon_inode:[eventpoll]");
	scene_connect(scene, 0, "10.0.0.5:5000");
	scene_log_line(scene, -50, "Waiting for application shutdown.");
	scene_expect(scene, VERDICT_KILLED, "H8");
	assert_null(strstr(scene_text(scene, "H8"), "last words"));
	scene_log_line(scene, 2, "something else");
	scene_expect(scene, VERDICT_KILLED, "H8");
	assert_null(strstr(scene_text(scene, "H8"), "last words"));
	scene_log_line(
		scene, 5, "Waiting for connections to close. (CTRL+C to force quit)");
	scene_expect(scene, VERDICT_KILLED, "H8");
	assert_says(scene, "H8", "; by its last words ");
}

static void what_it_printed_last_is_told_where_nothing_says_more(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "app", SIGTERM);
	scene_log_line(scene, 5, "fork: retry: Resource temporarily unavailable");
	scene_log_line(scene, 6, " ");
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_says(scene, "H10",
		"; its last line: \"fork: retry: Resource temporarily unavailable\"");
}

/* --- H3: a child --- */

static void a_child_that_was_told_and_stays_is_named(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = scene_hang_behind_init(scene, "app");

	scene_add_handled(scene, 2, app, SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_string_equal(scene_text(scene, "H3"),
		"PID 1 (tini) waits for app (pid 2), which caught SIGTERM (+2.00ms) and went "
		"on: it is in pause");
}

static void a_child_is_told_by_what_it_did_with_its_signal(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = scene_hang_behind_init(scene, "app");

	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_says(
		scene, "H3", "which was sent SIGTERM (+1.00ms) and went on: it is in");
	scene_last(scene, app)->shared_pending = MASK(SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_says(scene, "H3",
		"which was sent SIGTERM (+1.00ms), which is pending: it is in");
	scene->evidence.signals[1].ignored = true;
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_says(scene, "H3", "which was sent SIGTERM, which the kernel discarded");
	scene_last(scene, app)->ignored = MASK(SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_says(scene, "H3", "waits for app (pid 2), which ignores SIGTERM");
	scene->evidence.signals[1].ignored = false;
	scene_last(scene, app)->ignored = 0;
	scene_last(scene, app)->blocked = MASK(SIGTERM);
	scene_last(scene, app)->shared_pending = MASK(SIGTERM);
	scene_wait_in(scene, 0, CALL_WAIT4);
	strcpy(scene_before(scene, 0)->name, "host");
	strcpy(scene_before(scene, 0)->command, "host");
	strcpy(scene_before(scene, 0)->exe, "host");
	*scene_last(scene, 0) = *scene_before(scene, 0);
	scene_add_handled(scene, 1, 0, SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_string_equal(scene_text(scene, "H3"),
		"PID 1 (host) waits for app (pid 2), which has SIGTERM blocked: it is pending, "
		"and nobody reads it");
}

/* A shell with `trap '' TERM` behind an init. */
static void a_signal_that_came_no_further_is_told_of_the_parent(void **state)
{
	struct judge_scene *scene = *state;
	unsigned shell = scene_hang_behind_init(scene, "sh");

	scene_wait_in(scene, shell, CALL_WAIT4);
	scene_set_masks(scene, shell, 0, 0, MASK(SIGTERM));
	scene_wait_in(scene, scene_add_process(scene, shell, "app"), CALL_PAUSE);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_string_equal(scene_text(scene, "H3"),
		"sh (pid 2) ignores SIGTERM, and waits for app (pid 3), which got no signal, "
		"and is in pause");
	scene_set_masks(scene, shell, MASK(SIGUSR1), 0, 0);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_says(
		scene, "H3", "sh (pid 2) did not pass SIGTERM on, and waits for app");
}

/* os.system("backup") in a handler. */
static void a_child_of_after_the_signal_is_said_to_be(void **state)
{
	struct judge_scene *scene = *state;
	unsigned shell, script;

	scene_hang(scene, "app", SIGTERM);
	scene_wait_in(scene, 0, CALL_WAIT4);
	shell = scene_add_process(scene, 0, "sh");
	script = scene_add_process(scene, shell, "backup");
	scene_wait_in(scene, script, CALL_PAUSE);
	scene->evidence.descendants[shell - 1].born_ns = T0 + 4 * CLOCK_MS;
	scene->evidence.descendants[script - 1].born_ns = T0 + 5 * CLOCK_MS;
	scene->looks[0].count = 1;
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_string_equal(scene_text(scene, "H3"),
		"sh (pid 2) waits for backup (pid 3), which began 5.00ms after the stop "
		"signal, and is in pause");
	assert_says(scene, "L1", "backup (pid 3): got no signal");
}

/* s6-svscan waits for s6-supervise, which told the service. */
static void the_last_of_a_line_of_waiting_processes_is_named(void **state)
{
	struct judge_scene *scene = *state;
	unsigned supervise, app;

	scene_hang(scene, "s6-svscan", SIGTERM);
	scene_wait_in(scene, 0, CALL_WAIT4);
	supervise = scene_add_process(scene, 0, "s6-supervise");
	app = scene_add_process(scene, supervise, "app");
	scene_add_signal(scene, 2, 0, supervise, SIGTERM);
	scene_add_signal(scene, 3, (int)supervise, app, SIGTERM);
	scene_add_handled(scene, 4, app, SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_says(scene, "H3",
		"s6-supervise (pid 2) waits for app (pid 3), which caught SIGTERM (+4.00ms)");
}

static void of_several_children_the_one_that_was_told_is_named(void **state)
{
	struct judge_scene *scene = *state;
	unsigned told;

	scene_hang(scene, "master", SIGTERM);
	scene_wait_in(scene, 0, CALL_WAIT4);
	scene_add_process(scene, 0, "logger");
	told = scene_add_process(scene, 0, "worker");
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_says(scene, "H3",
		"waits for logger (pid 2) and 1 more, the first of which got no signal");
	/* A client's connection counts for more than a mere wait. */
	scene_connect(scene, told, "10.0.0.5:5000");
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_says(scene, "H3",
		"waits for worker (pid 3) and 1 more, the first of which got no signal");
	scene_last(scene, told)->connections = 0;
	scene_add_signal(scene, 2, 0, told, SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_says(scene, "H3",
		"waits for worker (pid 3) and 1 more, the first of which was sent SIGTERM");
}

/* Told through a pipe, as celery's pool is: its siblings have ended. */
static void a_child_whose_siblings_ended_is_waited_for(void **state)
{
	struct judge_scene *scene = *state;
	unsigned idle;

	scene_hang(scene, "celery", SIGTERM);
	idle = scene_add_process(scene, 0, "idle");
	scene_add_process(scene, 0, "busy");
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_says(scene, "H10", "; its child idle (pid 2) runs, and got no signal");
	scene_end_process(scene, idle, 50, 0);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_says(scene, "H3", "waits for busy (pid 3), which got no signal");
}

static void a_zombie_is_not_waited_for(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "app", SIGTERM);
	scene_wait_in(scene, 0, CALL_WAIT4);
	scene_add_process(scene, 0, "gone");
	scene_last(scene, 1)->state = 'Z';
	scene_expect(scene, VERDICT_KILLED, "H10");
	/* Its main thread has ended, another one runs. */
	scene_last(scene, 1)->threads = 2;
	scene_expect(scene, VERDICT_KILLED, "H3");
}

static void a_session_from_outside_is_not_waited_for(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "app", SIGTERM);
	scene_wait_in(scene, 0, CALL_WAIT4);
	scene_add_process(scene, 0, "bash");
	scene->evidence.descendants[0].outside = true;
	scene->evidence.descendants[0].parent = 0;
	scene_before(scene, 1)->ppid = scene_last(scene, 1)->ppid = 0;
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_null(strstr(scene_text(scene, "H10"), "child"));
}

/* --- H10: the rest --- */

static void where_it_was_at_the_end_is_told_in_any_case(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "java", SIGTERM);
	scene_wait_in(scene, 0, CALL_FUTEX);
	scene_last(scene, 0)->threads = 21;
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_string_equal(scene_text(scene, "H10"),
		"PID 1 (java) caught SIGTERM (+1.00ms) and went on: it is in futex, with 21 "
		"threads");
	scene_trace_nothing(scene);
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_string_equal(scene_text(scene, "H10"),
		"PID 1 (java) was sent SIGTERM and is in futex, with 21 threads");
}

/* It asks kill(pid, 0) until its child is gone, which it never waits for. */
static void a_zombie_that_it_told_is_named(void **state)
{
	struct judge_scene *scene = *state;
	unsigned child;

	scene_hang(scene, "app", SIGTERM);
	scene_wait_in(scene, 0, CALL_EPOLL_WAIT);
	child = scene_add_process(scene, 0, "web");
	scene_last(scene, child)->state = 'Z';
	scene_last(scene, child)->threads = 1;
	scene_add_signal(scene, 2, 0, child, SIGTERM);
	scene->evidence.descendants[child - 1].ended_ns = T0 + 50 * CLOCK_MS;
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_says(scene, "H10",
		"; web (pid 2), which it told to end, has ended and is a zombie: it did not wait "
		"for it");
}

static void an_untraced_child_is_not_said_to_have_got_no_signal(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "app", SIGTERM);
	scene_add_process(scene, 0, "helper");
	scene_trace_nothing(scene);
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_string_equal(scene_text(scene, "H10"),
		"PID 1 (app) was sent SIGTERM and is in pause");
}

/* What nobody looked at, or was not killed, is not said to wait. */
static void one_that_was_not_seen_at_the_end_waits_for_nothing_that_is_known(
	void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "app", SIGTERM);
	scene->evidence.snapshot_count = 0;
	scene_expect(scene, VERDICT_KILLED, "X1");
	scene->evidence.snapshot_count = 2;
	scene_exit_with(scene, 0);
	scene->evidence.facts.kill_source = STAMP_NONE;
	scene->evidence.facts.kill_ns = 0;
	scene_expect(scene, VERDICT_SLOW, "X0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(without_a_grace_nothing_else_is_a_cause),
		SCENE(one_whose_main_thread_has_ended_is_in_no_call),
		SCENE(a_write_that_nobody_reads_is_named),
		SCENE(a_connection_that_is_open_is_named_with_its_peer),
		SCENE(a_child_is_named_before_connections_to_others),
		SCENE(a_connection_beside_a_busy_loop_is_not_waited_for),
		SCENE(a_loop_that_is_met_while_it_runs_is_a_loop),
		SCENE(the_last_words_of_a_known_program_are_explained),
		SCENE(a_child_that_was_told_and_stays_is_named),
		SCENE(a_child_is_told_by_what_it_did_with_its_signal),
		SCENE(the_last_of_a_line_of_waiting_processes_is_named),
		SCENE(of_several_children_the_one_that_was_told_is_named),
		SCENE(a_child_whose_siblings_ended_is_waited_for),
		SCENE(a_zombie_is_not_waited_for),
		SCENE(a_signal_that_came_no_further_is_told_of_the_parent),
		SCENE(a_child_of_after_the_signal_is_said_to_be),
		SCENE(what_it_printed_last_is_told_where_nothing_says_more),
		SCENE(a_session_from_outside_is_not_waited_for),
		SCENE(where_it_was_at_the_end_is_told_in_any_case),
		SCENE(a_zombie_that_it_told_is_named),
		SCENE(an_untraced_child_is_not_said_to_have_got_no_signal),
		SCENE(one_that_was_not_seen_at_the_end_waits_for_nothing_that_is_known),
	};

	return cmocka_run_group_tests_name("diagnose_wait", tests, NULL, NULL);
}
