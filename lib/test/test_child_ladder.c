#include "lib/test/child_scene.h"

static void child_ends_at_a_signal_that_the_program_blocks(void **state)
{
	struct child_scene *scene = *state;
	sigset_t term, before;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &term, &before);
	start_shell(scene, "exec sleep 3600");
	child_stop(scene->child, 0, LONG_NS);
	run_to_exit(scene);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	assert_true(WIFSIGNALED(scene->status));
	assert_int_equal(WTERMSIG(scene->status), SIGTERM);
}

static void child_goes_down_the_ladder_in_order(void **state)
{
	static const enum child_step all[] = {CHILD_EOF, CHILD_TERM, CHILD_KILL};
	struct child_scene *scene = *state;
	int64_t asked_ns;

	start_shell(scene,
		"trap '' TERM; echo ready; cat; echo eof; while :; do sleep 1; done");
	run_until_said(scene, "ready");
	assert_int_equal(child_step(scene->child), CHILD_RUNNING);
	asked_ns = clock_now();
	child_stop(scene->child, 60 * CLOCK_MS, 40 * CLOCK_MS);
	assert_int_equal(scene->step_count, 0); /* told from the loop only */
	run_to_exit(scene);
	assert_true(WIFSIGNALED(scene->status));
	assert_int_equal(WTERMSIG(scene->status), SIGKILL);
	assert_int_equal(scene->step_count, COUNT(all));
	assert_memory_equal(scene->steps, all, sizeof all);
	assert_true(scene->step_ns[1] - asked_ns >= 60 * CLOCK_MS);
	assert_true(scene->step_ns[2] - asked_ns >= 100 * CLOCK_MS);
	assert_int_equal(child_step(scene->child), CHILD_KILL);
	assert_string_equal(buf_text(&scene->out), "ready\neof\n");
}

static void child_that_ends_at_eof_gets_no_signal(void **state)
{
	struct child_scene *scene = *state;

	start_shell(scene, "trap 'exit 9' TERM; cat");
	child_stop(scene->child, LONG_NS, LONG_NS);
	run_to_exit(scene);
	assert_int_equal(scene->status, 0);
	assert_int_equal(scene->step_count, 1);
	assert_int_equal(scene->steps[0], CHILD_EOF);
}

/* A stale loop time must not shorten the wait. */
static void child_steps_are_never_early(void **state)
{
	struct child_scene *scene = *state;
	struct timespec busy = {.tv_nsec = 150000000};
	int64_t asked_ns;

	start_shell(scene, "exec sleep 3600");
	uv_update_time(&scene->loop);
	nanosleep(&busy, NULL);
	asked_ns = clock_now();
	child_stop(scene->child, 100 * CLOCK_MS, LONG_NS);
	run_to_exit(scene);
	assert_int_equal(scene->step_count, 2);
	assert_true(scene->step_ns[1] - asked_ns >= 100 * CLOCK_MS);
}

static void child_stopped_again_only_moves_faster(void **state)
{
	struct child_scene *scene = *state;
	int64_t asked_ns;

	start_shell(scene, "trap '' TERM; echo ready; while :; do sleep 1; done");
	run_until_said(scene, "ready");
	asked_ns = clock_now();
	child_stop(scene->child, 50 * CLOCK_MS, LONG_NS);
	child_stop(scene->child, LONG_NS, 0); /* later: changes nothing */
	child_stop(scene->child, 100 * CLOCK_MS, 50 * CLOCK_MS); /* an earlier KILL */
	child_stop(scene->child, INT64_MAX, INT64_MAX);
	run_to_exit(scene);
	assert_int_equal(scene->step_count, 3);
	assert_true(scene->step_ns[1] - asked_ns >= 50 * CLOCK_MS);
	assert_true(scene->step_ns[1] - asked_ns < 50 * CLOCK_MS + 10 * CLOCK_S);
	assert_true(scene->step_ns[2] - asked_ns >= 150 * CLOCK_MS);
	assert_int_equal(WTERMSIG(scene->status), SIGKILL);
}

static void child_without_time_is_killed_at_once(void **state)
{
	struct child_scene *scene = *state;

	start_shell(scene, "trap '' TERM; echo ready; while :; do sleep 1; done");
	run_until_said(scene, "ready");
	child_stop(scene->child, 0, 0);
	run_to_exit(scene);
	assert_int_equal(scene->step_count, 3);
	assert_int_equal(WTERMSIG(scene->status), SIGKILL);
}

static void child_ladder_reaches_the_whole_group(void **state)
{
	struct child_scene *scene = *state;

	start_shell(scene,
		"trap 'wait; echo outer; exit 4' TERM; "
		"(trap 'echo inner; exit' TERM; echo ready; "
		"while :; do sleep 0.1; done) & wait");
	run_until_said(scene, "ready");
	child_stop(scene->child, 0, LONG_NS);
	run_to_exit(scene);
	assert_string_equal(buf_text(&scene->out), "ready\ninner\nouter\n");
	assert_int_equal(WEXITSTATUS(scene->status), 4);
}

/* Nothing but the exit of the leader says that the deaf one has to go. */
static void child_on_the_ladder_leaves_no_process_in_its_group(void **state)
{
	struct child_scene *scene = *state;

	start_shell(scene, "(trap '' TERM; exec sleep 3600) & echo $!; cat; exit 3");
	run_until_said(scene, "\n");
	child_stop(scene->child, LONG_NS, LONG_NS);
	run_to_exit(scene);
	assert_int_equal(WEXITSTATUS(scene->status), 3);
	while (scene->orphans == 0)
		wait_event(scene);
	assert_int_equal(scene->orphans, 1);
	assert_int_equal(kill(atoi(buf_text(&scene->out)), 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void child_that_crashes_leaves_no_process_in_its_group(void **state)
{
	struct child_scene *scene = *state;

	start_shell(scene, "(trap '' TERM; exec sleep 3600) & echo $!; kill -9 $$");
	run_to_exit(scene);
	assert_int_equal(WTERMSIG(scene->status), SIGKILL);
	assert_int_equal(scene->step_count, 0);
	while (scene->orphans == 0)
		wait_event(scene);
	assert_int_equal(kill(atoi(buf_text(&scene->out)), 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void child_that_ends_spares_a_process_that_left_its_group(void **state)
{
	struct child_scene *scene = *state;

	start_shell(scene, "setsid sh -c 'echo $$; exec sleep 3600' & read line");
	run_until_said(scene, "\n");
	assert_true(child_write(scene->child, "\n", 1));
	run_to_exit(scene);
	assert_int_equal(kill(atoi(buf_text(&scene->out)), 0), 0);
}

static void child_blocked_on_a_full_pipe_can_end(void **state)
{
	struct child_scene *scene = *state;

	/* It sees the end of its stdin only when its flood was read. */
	start_shell(scene, "head -c 3000000 /dev/zero; cat; echo done >&2");
	child_stop(scene->child, LONG_NS, LONG_NS);
	run_to_exit(scene);
	assert_int_equal(scene->out.len, 3000000);
	assert_string_equal(buf_text(&scene->err), "done\n");
}

static void child_reads_what_waited_before_its_end(void **state)
{
	struct child_scene *scene = *state;
	SCOPED(mem_free) char *much = mem_zeroed(1 << 20);

	start_shell(scene, "exec wc -c");
	assert_true(child_write(scene->child, much, 1 << 20));
	child_stop(scene->child, LONG_NS, LONG_NS);
	assert_false(child_write(scene->child, "x", 1));
	run_to_exit(scene);
	assert_string_equal(buf_text(&scene->out), "1048576\n");
}

static void child_may_be_destroyed_on_a_step(void **state)
{
	struct child_scene *scene = *state;

	scene->destroy_on_step = true;
	start_shell(scene, "exec sleep 3600");
	child_stop(scene->child, 0, 0);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_null(scene->child);
	assert_int_equal(scene->step_count, 1);
	assert_int_equal(scene->exits, 0);
}

static void child_that_has_ended_cannot_be_stopped(void **state)
{
	struct child_scene *scene = *state;

	start_shell(scene, "exit 0");
	run_to_exit(scene);
	child_stop(scene->child, 0, 0);
	assert_false(child_write(scene->child, "x", 1));
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(scene->step_count, 0);
	assert_int_equal(child_step(scene->child), CHILD_RUNNING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(child_ends_at_a_signal_that_the_program_blocks),
		SCENE(child_goes_down_the_ladder_in_order),
		SCENE(child_that_ends_at_eof_gets_no_signal),
		SCENE(child_steps_are_never_early),
		SCENE(child_stopped_again_only_moves_faster),
		SCENE(child_without_time_is_killed_at_once),
		SCENE(child_ladder_reaches_the_whole_group),
		SCENE(child_on_the_ladder_leaves_no_process_in_its_group),
		SCENE(child_that_crashes_leaves_no_process_in_its_group),
		SCENE(child_that_ends_spares_a_process_that_left_its_group),
		SCENE(child_blocked_on_a_full_pipe_can_end),
		SCENE(child_reads_what_waited_before_its_end),
		SCENE(child_may_be_destroyed_on_a_step),
		SCENE(child_that_has_ended_cannot_be_stopped),
	};

	return cmocka_run_group_tests_name("child on its ladder", tests, NULL, NULL);
}
