#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/engine/signal_trace.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define RECORDS_MAX 16
#define PATIENCE_NS (20 * CLOCK_S)

struct signal_trace_scene {
	uv_loop_t loop;
	struct signal_trace *trace;
	pid_t target;
	struct signal_trace_record records[RECORDS_MAX]; /* of signals */
	unsigned count;
	unsigned dying;
	int64_t dying_ns;
};

static void on_sent(void *arg, const struct signal_trace_record *record)
{
	struct signal_trace_scene *scene = arg;

	if (record->what == SIGNAL_TRACE_DYING) {
		scene->dying++;
		scene->dying_ns = record->ns;
		return;
	}
	assert_true(scene->count < RECORDS_MAX);
	scene->records[scene->count++] = *record;
}

/* The target ignores SIGUSR2 and blocks SIGUSR1 when this returns. */
static pid_t start_target(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		sigset_t blocked;

		sigemptyset(&blocked);
		sigaddset(&blocked, SIGUSR1);
		sigprocmask(SIG_BLOCK, &blocked, NULL);
		signal(SIGUSR2, SIG_IGN);
		if (write(ready[1], "r", 1) == 1) {
			for (;;)
				pause();
		}
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static int set_up(void **state)
{
	struct signal_trace_scene *scene = mem_zeroed(sizeof *scene);
	struct err err;

	uv_loop_init(&scene->loop);
	scene->target = start_target();
	scene->trace =
		signal_trace_open(&scene->loop, scene->target, on_sent, scene, &err);
	if (!scene->trace)
		print_message("no taps here: %s\n", err.text);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct signal_trace_scene *scene = *state;

	kill(scene->target, SIGKILL);
	waitpid(scene->target, NULL, 0);
	signal_trace_close(scene->trace);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	free(scene);
	return 0;
}

static struct signal_trace_scene *scene_of(void **state)
{
	struct signal_trace_scene *scene = *state;

	if (!scene->trace)
		skip();
	return scene;
}

static void signal_trace_stamps_a_signal_and_names_its_sender(void **state)
{
	struct signal_trace_scene *scene = scene_of(state);
	int64_t before_ns = clock_now();

	assert_int_equal(kill(scene->target, SIGUSR1), 0);
	signal_trace_read(scene->trace);
	assert_int_equal(scene->count, 1);
	assert_int_equal(scene->records[0].signal, SIGUSR1);
	assert_int_equal(scene->records[0].sender, getpid());
	assert_false(scene->records[0].ignored);
	assert_false(scene->records[0].from_kernel);
	assert_true(scene->records[0].ns >= before_ns);
	assert_true(scene->records[0].ns <= clock_now());
}

static void signal_trace_tells_that_a_signal_was_thrown_away(void **state)
{
	struct signal_trace_scene *scene = scene_of(state);

	assert_int_equal(kill(scene->target, SIGUSR2), 0);
	signal_trace_read(scene->trace);
	assert_int_equal(scene->count, 1);
	assert_int_equal(scene->records[0].signal, SIGUSR2);
	assert_true(scene->records[0].ignored);
}

/* A timer's signal has no sender. The process runs meanwhile, since signals from an idle
 * processor are not traced. */
static void signal_trace_tells_the_kernels_own_signals(void **state)
{
	struct signal_trace_scene *scene = scene_of(state);
	int64_t until_ns = clock_now() + PATIENCE_NS;
	struct err err;
	struct signal_trace *trace;
	char byte = 'g';
	int go[2];
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		const struct itimerval soon = {.it_value.tv_usec = 5000};

		if (read(go[0], &byte, 1) != 1 ||
			setitimer(ITIMER_PROF, &soon, NULL) != 0)
			_exit(1);
		for (volatile bool busy = true; busy;)
			continue;
	}
	trace = signal_trace_open(&scene->loop, pid, on_sent, scene, &err);
	assert_non_null(trace);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	while (scene->count == 0 && clock_now() < until_ns)
		signal_trace_read(trace);
	assert_int_equal(scene->count, 1);
	assert_int_equal(scene->records[0].signal, SIGPROF);
	assert_true(scene->records[0].from_kernel);
	signal_trace_close(trace);
	close(go[0]);
	close(go[1]);
}

static void signal_trace_passes_over_other_processes_and_sigchld(void **state)
{
	struct signal_trace_scene *scene = scene_of(state);
	pid_t other = start_target();

	assert_int_equal(kill(other, SIGUSR1), 0);
	assert_int_equal(kill(scene->target, SIGCHLD), 0);
	signal_trace_read(scene->trace);
	assert_int_equal(scene->count, 0);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

static void signal_trace_keeps_each_record_once_and_in_order(void **state)
{
	struct signal_trace_scene *scene = scene_of(state);

	assert_int_equal(kill(scene->target, SIGUSR2), 0);
	signal_trace_read(scene->trace);
	assert_int_equal(kill(scene->target, SIGUSR1), 0);
	assert_int_equal(kill(scene->target, SIGKILL), 0);
	signal_trace_read(scene->trace);
	signal_trace_read(scene->trace);
	assert_int_equal(scene->count, 3);
	assert_int_equal(scene->records[0].signal, SIGUSR2);
}

static bool is_dying(const void *arg)
{
	return ((const struct signal_trace_scene *)arg)->dying > 0;
}

static void turn_once(struct signal_trace_scene *scene)
{
	assert_int_equal(
		wait_until(&scene->loop, is_dying, scene, clock_now() + CLOCK_MS, NULL),
		WAIT_DEADLINE);
}

static void signal_trace_stamps_the_beginning_of_the_end(void **state)
{
	struct signal_trace_scene *scene = scene_of(state);

	turn_once(scene);
	assert_int_equal(kill(scene->target, SIGKILL), 0);
	assert_int_equal(wait_until(&scene->loop, is_dying, scene,
				 clock_now() + PATIENCE_NS, NULL),
		WAIT_SO);
	signal_trace_read(scene->trace);
	assert_int_equal(scene->dying, 1);
	assert_int_equal(scene->count, 1);
	assert_true(scene->dying_ns >= scene->records[0].ns);
}

static bool has_one(const void *arg)
{
	return ((const struct signal_trace_scene *)arg)->count == 1;
}

static void signal_trace_wakes_the_loop(void **state)
{
	struct signal_trace_scene *scene = scene_of(state);

	turn_once(scene);
	assert_int_equal(kill(scene->target, SIGUSR1), 0);
	assert_int_equal(wait_until(&scene->loop, has_one, scene,
				 clock_now() + PATIENCE_NS, NULL),
		WAIT_SO);
}

static void signal_trace_does_not_keep_the_loop_running(void **state)
{
	struct signal_trace_scene *scene = scene_of(state);

	assert_int_equal(uv_run(&scene->loop, UV_RUN_DEFAULT), 0);
}

/* Each record is some 90 bytes: this goes round the ring, with reads in between. */
static void signal_trace_goes_round_its_ring(void **state)
{
	struct signal_trace_scene *scene = scene_of(state);

	for (int i = 0; i < 2000; i++) {
		assert_int_equal(kill(scene->target, SIGUSR2), 0);
		signal_trace_read(scene->trace);
		assert_int_equal(scene->count, 1);
		assert_int_equal(scene->records[0].signal, SIGUSR2);
		scene->count = 0;
	}
}

int main(void)
{
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(signal_trace_stamps_a_signal_and_names_its_sender),
		SCENE(signal_trace_tells_that_a_signal_was_thrown_away),
		SCENE(signal_trace_tells_the_kernels_own_signals),
		SCENE(signal_trace_passes_over_other_processes_and_sigchld),
		SCENE(signal_trace_keeps_each_record_once_and_in_order),
		SCENE(signal_trace_stamps_the_beginning_of_the_end),
		SCENE(signal_trace_wakes_the_loop),
		SCENE(signal_trace_does_not_keep_the_loop_running),
		SCENE(signal_trace_goes_round_its_ring),
	};
#undef SCENE

	return cmocka_run_group_tests_name("tap", tests, NULL, NULL);
}
