#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/engine/kernel_trace.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define RECORDS_MAX 16
#define PATIENCE_NS (20 * CLOCK_S)

struct kernel_trace_scene {
	uv_loop_t loop;
	struct kernel_trace *trace;
	pid_t target;
	struct kernel_trace_record records[RECORDS_MAX]; /* sent to the target */
	unsigned count;
	struct kernel_trace_record handled; /* the target's last */
	unsigned waits;                     /* by this process */
	unsigned dying;
	int64_t dying_ns;
};

static void on_traced(void *arg, const struct kernel_trace_record *record)
{
	struct kernel_trace_scene *scene = arg;

	if (record->what == KERNEL_TRACE_DYING && record->pid == scene->target) {
		scene->dying++;
		scene->dying_ns = record->ns;
	} else if (record->what == KERNEL_TRACE_HANDLED &&
		record->pid == scene->target) {
		scene->handled = *record;
	} else if (record->what == KERNEL_TRACE_WAITS && record->pid == getpid()) {
		scene->waits++;
	} else if (record->what == KERNEL_TRACE_SENT &&
		record->target == scene->target) {
		assert_true(scene->count < RECORDS_MAX);
		scene->records[scene->count++] = *record;
	}
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
	struct kernel_trace_scene *scene = mem_zeroed(sizeof *scene);
	struct err err;

	uv_loop_init(&scene->loop);
	scene->target = start_target();
	scene->trace = kernel_trace_open(&scene->loop, on_traced, scene, &err);
	if (!scene->trace)
		print_message("no trace here: %s\n", err.text);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct kernel_trace_scene *scene = *state;

	kill(scene->target, SIGKILL);
	waitpid(scene->target, NULL, 0);
	kernel_trace_close(scene->trace);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	free(scene);
	return 0;
}

static struct kernel_trace_scene *scene_of(void **state)
{
	struct kernel_trace_scene *scene = *state;

	if (!scene->trace)
		skip();
	return scene;
}

static void kernel_trace_stamps_a_signal_and_names_its_sender(void **state)
{
	struct kernel_trace_scene *scene = scene_of(state);
	int64_t before_ns = clock_now();

	assert_int_equal(kill(scene->target, SIGUSR1), 0);
	kernel_trace_read(scene->trace);
	assert_int_equal(scene->count, 1);
	assert_int_equal(scene->records[0].signal, SIGUSR1);
	assert_int_equal(scene->records[0].pid, getpid());
	assert_false(scene->records[0].ignored);
	assert_false(scene->records[0].from_kernel);
	assert_true(scene->records[0].ns >= before_ns);
	assert_true(scene->records[0].ns <= clock_now());
}

static void kernel_trace_tells_that_a_signal_was_thrown_away(void **state)
{
	struct kernel_trace_scene *scene = scene_of(state);

	assert_int_equal(kill(scene->target, SIGUSR2), 0);
	kernel_trace_read(scene->trace);
	assert_int_equal(scene->count, 1);
	assert_int_equal(scene->records[0].signal, SIGUSR2);
	assert_true(scene->records[0].ignored);
}

/* A broken pipe's signal has no sender but the kernel, which sends it to the thread. */
static void kernel_trace_tells_the_kernels_own_signals(void **state)
{
	struct kernel_trace_scene *scene = scene_of(state);
	pid_t first = scene->target, pid;
	int go[2];

	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		const struct rlimit second = {1, 3};
		char byte;

		if (read(go[0], &byte, 1) != 1 || setrlimit(RLIMIT_CPU, &second) != 0)
			_exit(1);
		for (volatile bool busy = true; busy;)
			continue;
	}
	scene->target = pid;
	assert_int_equal(write(go[1], "g", 1), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	kernel_trace_read(scene->trace);
	assert_int_equal(scene->count, 1);
	assert_int_equal(scene->records[0].signal, SIGXCPU);
	assert_true(scene->records[0].from_kernel);
	scene->target = first;
	close(go[0]);
	close(go[1]);
}

/* A fault's signal comes from the process itself, which did not send it. */
static void kernel_trace_tells_a_fault_from_a_signal_that_is_raised(void **state)
{
	struct kernel_trace_scene *scene = scene_of(state);
	pid_t first = scene->target;

	for (int raised = 0; raised < 2; raised++) {
		int go[2];
		pid_t pid;

		assert_int_equal(pipe(go), 0);
		pid = fork();
		if (pid == 0) {
			const struct rlimit no_core = {0, 0};
			char byte;

			signal(SIGSEGV, SIG_DFL); /* a sanitizer has its own */
			if (read(go[0], &byte, 1) != 1 ||
				setrlimit(RLIMIT_CORE, &no_core) != 0)
				_exit(1);
			if (raised)
				kill(getpid(), SIGSEGV);
			_exit(*(volatile char *)mmap(NULL, 1, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		}
		scene->target = pid;
		scene->count = 0;
		assert_int_equal(write(go[1], "g", 1), 1);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		kernel_trace_read(scene->trace);
		assert_int_equal(scene->count, 1);
		assert_int_equal(scene->records[0].signal, SIGSEGV);
		assert_int_equal(scene->records[0].from_kernel, !raised);
		close(go[0]);
		close(go[1]);
	}
	scene->target = first;
}

static void on_usr1(int number UNUSED)
{
}

static void kernel_trace_tells_whether_a_handler_took_it(void **state)
{
	struct kernel_trace_scene *scene = scene_of(state);
	pid_t first = scene->target, pid;
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		const struct sigaction action = {
			.sa_handler = on_usr1, .sa_flags = SA_RESTART};

		sigaction(SIGUSR1, &action, NULL);
		if (write(ready[1], "r", 1) == 1) {
			for (;;)
				pause();
		}
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	scene->target = pid;
	assert_int_equal(kill(pid, SIGUSR1), 0);
	while (!scene->handled.ns)
		kernel_trace_read(scene->trace);
	assert_int_equal(scene->handled.signal, SIGUSR1);
	assert_true(scene->handled.restarts);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	kernel_trace_read(scene->trace);
	assert_int_equal(scene->handled.signal, SIGUSR1);
	assert_true(scene->waits > 0);
	scene->target = first;
	close(ready[0]);
	close(ready[1]);
}

static void kernel_trace_passes_over_sigchld(void **state)
{
	struct kernel_trace_scene *scene = scene_of(state);

	assert_int_equal(kill(scene->target, SIGCHLD), 0);
	kernel_trace_read(scene->trace);
	assert_int_equal(scene->count, 0);
}

static void kernel_trace_keeps_each_record_once_and_in_order(void **state)
{
	struct kernel_trace_scene *scene = scene_of(state);

	assert_int_equal(kill(scene->target, SIGUSR2), 0);
	kernel_trace_read(scene->trace);
	assert_int_equal(kill(scene->target, SIGUSR1), 0);
	assert_int_equal(kill(scene->target, SIGKILL), 0);
	kernel_trace_read(scene->trace);
	kernel_trace_read(scene->trace);
	assert_int_equal(scene->count, 3);
	assert_int_equal(scene->records[0].signal, SIGUSR2);
}

static bool is_dying(const void *arg)
{
	return ((const struct kernel_trace_scene *)arg)->dying > 0;
}

static void turn_once(struct kernel_trace_scene *scene)
{
	assert_int_equal(
		wait_until(&scene->loop, is_dying, scene, clock_now() + CLOCK_MS, NULL),
		WAIT_DEADLINE);
}

static void kernel_trace_stamps_the_beginning_of_the_end(void **state)
{
	struct kernel_trace_scene *scene = scene_of(state);
	siginfo_t end;

	turn_once(scene);
	assert_int_equal(kill(scene->target, SIGKILL), 0);
	assert_int_equal(
		waitid(P_PID, (id_t)scene->target, &end, WEXITED | WNOWAIT), 0);
	kernel_trace_read(scene->trace);
	assert_int_equal(scene->dying, 1);
	assert_int_equal(scene->count, 1);
	assert_true(scene->dying_ns >= scene->records[0].ns);
}

static bool has_one(const void *arg)
{
	return ((const struct kernel_trace_scene *)arg)->count == 1;
}

static void kernel_trace_wakes_the_loop(void **state)
{
	struct kernel_trace_scene *scene = scene_of(state);

	turn_once(scene);
	assert_int_equal(kill(scene->target, SIGUSR1), 0);
	assert_int_equal(wait_until(&scene->loop, has_one, scene,
				 clock_now() + PATIENCE_NS, NULL),
		WAIT_SO);
}

static void kernel_trace_does_not_keep_the_loop_running(void **state)
{
	struct kernel_trace_scene *scene = scene_of(state);

	assert_int_equal(uv_run(&scene->loop, UV_RUN_DEFAULT), 0);
}

/* Each record is some 90 bytes: this goes round the ring, with reads in between. */
static void kernel_trace_goes_round_its_ring(void **state)
{
	struct kernel_trace_scene *scene = scene_of(state);

	for (int i = 0; i < 2000; i++) {
		assert_int_equal(kill(scene->target, SIGUSR2), 0);
		kernel_trace_read(scene->trace);
		assert_int_equal(scene->count, 1);
		assert_int_equal(scene->records[0].signal, SIGUSR2);
		scene->count = 0;
	}
}

int main(void)
{
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(kernel_trace_stamps_a_signal_and_names_its_sender),
		SCENE(kernel_trace_tells_that_a_signal_was_thrown_away),
		SCENE(kernel_trace_tells_the_kernels_own_signals),
		SCENE(kernel_trace_tells_a_fault_from_a_signal_that_is_raised),
		SCENE(kernel_trace_tells_whether_a_handler_took_it),
		SCENE(kernel_trace_passes_over_sigchld),
		SCENE(kernel_trace_keeps_each_record_once_and_in_order),
		SCENE(kernel_trace_stamps_the_beginning_of_the_end),
		SCENE(kernel_trace_wakes_the_loop),
		SCENE(kernel_trace_does_not_keep_the_loop_running),
		SCENE(kernel_trace_goes_round_its_ring),
	};
#undef SCENE

	return cmocka_run_group_tests_name("kernel_trace", tests, NULL, NULL);
}
