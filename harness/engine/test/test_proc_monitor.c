#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/engine/kernel_trace.h"
#include "harness/engine/proc_events.h"
#include "harness/engine/proc_monitor.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define PATIENCE_NS (20 * CLOCK_S)

struct proc_monitor_scene {
	uv_loop_t loop;
	struct engine_capabilities capabilities;
	struct proc_monitors *monitors;
	struct proc_monitor *monitor;
	struct stop_facts facts;
	pid_t pid;
	int go[2]; /* the child begins when it can read from it */
	unsigned ended;
	unsigned signalled; /* told of the stop signal, last at this time */
	int64_t signalled_ns;
};

static int set_up(void **state)
{
	struct proc_monitor_scene *scene = mem_zeroed(sizeof *scene);

	uv_loop_init(&scene->loop);
	scene->monitors = proc_monitors_open(&scene->loop, &scene->capabilities);
	scene->facts.stop_signal = SIGTERM;
	assert_int_equal(pipe(scene->go), 0);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct proc_monitor_scene *scene = *state;

	proc_monitor_close(scene->monitor);
	proc_monitors_close(scene->monitors);
	close(scene->go[0]);
	close(scene->go[1]);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	free(scene);
	return 0;
}

static void on_ended(void *arg)
{
	((struct proc_monitor_scene *)arg)->ended++;
}

static void await_go(const struct proc_monitor_scene *scene)
{
	char byte;

	if (read(scene->go[0], &byte, 1) != 1)
		_exit(99);
}

static void open_on(struct proc_monitor_scene *scene, pid_t pid)
{
	struct err err = {0};

	scene->pid = pid;
	scene->monitor = proc_monitor_open(scene->monitors, pid, on_ended, scene, &err);
	if (!scene->monitor)
		fail_msg("%s", err.text);
	assert_int_equal(write(scene->go[1], "g", 1), 1);
}

static bool has_ended(const void *arg)
{
	return ((const struct proc_monitor_scene *)arg)->ended > 0;
}

static pid_t await_end(struct proc_monitor_scene *scene)
{
	pid_t kill_by = 0;

	assert_int_equal(wait_until(&scene->loop, has_ended, scene,
				 clock_now() + PATIENCE_NS, NULL),
		WAIT_SO);
	assert_int_equal(waitpid(scene->pid, NULL, 0), scene->pid);
	proc_monitor_read(scene->monitor, &scene->facts, &kill_by);
	assert_true(scene->facts.exit_ns > 0);
	assert_int_equal(scene->ended, 1);
	return kill_by;
}

static void proc_monitor_sees_the_end_and_its_status(void **state)
{
	struct proc_monitor_scene *scene = *state;
	int64_t before_ns = clock_now();
	pid_t pid = fork();

	if (pid == 0) {
		await_go(scene);
		_exit(5);
	}
	open_on(scene, pid);
	await_end(scene);
	assert_int_not_equal(scene->facts.exit_source, STAMP_NONE);
	assert_true(scene->facts.exit_ns > before_ns);
	assert_true(scene->facts.exit_ns <= clock_now());
	if (scene->facts.wait_status_known)
		assert_int_equal(WEXITSTATUS(scene->facts.wait_status), 5);
}

static void *run_on(void *arg UNUSED)
{
	const struct timespec pause = {.tv_nsec = 300 * CLOCK_MS};

	nanosleep(&pause, NULL);
	_exit(0);
}

static void proc_monitor_stamps_the_end_of_the_last_thread(void **state)
{
	struct proc_monitor_scene *scene = *state;
	int64_t began_ns;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;

		await_go(scene);
		pthread_create(&thread, NULL, run_on, NULL);
		pthread_exit(NULL);
	}
	began_ns = clock_now();
	open_on(scene, pid);
	await_end(scene);
	assert_true(scene->facts.exit_ns - began_ns >= 300 * CLOCK_MS);
}

/* --- a program that another thread than the first one executes, as runc does --- */

static void *execute(void *arg UNUSED)
{
	execl("/bin/sh", "sh", "-c", "sleep 0.3; exit 7", (char *)NULL);
	_exit(98);
}

/* As PID 1 of a namespace of its own: it is then looked at as one from outside, too. */
static pid_t fork_pid1(void)
{
	return (pid_t)syscall(
		SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
}

static void proc_monitor_sees_a_process_live_on_as_another_program(void **state)
{
	struct proc_monitor_scene *scene = *state;
	int64_t began_ns;
	pid_t pid = fork_pid1();

	if (pid == 0) {
		pthread_t thread;

		await_go(scene);
		pthread_create(&thread, NULL, execute, NULL);
		pause();
	}
	if (pid < 0) {
		print_message("no PID namespace: %s\n", strerror(errno));
		skip();
	}
	began_ns = clock_now();
	open_on(scene, pid);
	await_end(scene);
	assert_true(scene->facts.exit_ns - began_ns >= 300 * CLOCK_MS);
	if (scene->facts.wait_status_known)
		assert_int_equal(WEXITSTATUS(scene->facts.wait_status), 7);
}

static void proc_monitor_knows_when_a_namespace_without_main_thread_ends(void **state)
{
	struct proc_monitor_scene *scene = *state;
	int64_t began_ns;
	pid_t pid = fork_pid1();

	if (pid == 0) {
		pthread_t thread;

		await_go(scene);
		if (fork() == 0)
			for (;;)
				pause();
		pthread_create(&thread, NULL, run_on, NULL);
		pthread_exit(NULL);
	}
	if (pid < 0 || !scene->capabilities.signal_delivery) {
		print_message("no PID namespace, or %s\n", scene->capabilities.note);
		if (pid > 0)
			kill(pid, SIGKILL);
		skip();
	}
	began_ns = clock_now();
	open_on(scene, pid);
	await_end(scene);
	assert_true(scene->facts.dying_ns - began_ns >= 300 * CLOCK_MS);
	assert_true(scene->facts.dying_ns <= scene->facts.exit_ns);
}

static void proc_monitor_distinguishes_the_stop_signal_from_the_kill(void **state)
{
	struct proc_monitor_scene *scene = *state;
	pid_t kill_by, pid = fork();

	if (pid == 0) {
		await_go(scene);
		for (;;)
			pause();
	}
	if (!scene->capabilities.signal_delivery) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		print_message("%s\n", scene->capabilities.note);
		skip();
	}
	scene->facts.stop_signal = SIGCONT;
	open_on(scene, pid);
	/* This one comes before the stop was requested. */
	assert_int_equal(kill(pid, SIGCONT), 0);
	scene->facts.asked_ns = clock_now();
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	kill_by = await_end(scene);
	assert_int_equal(scene->facts.signals_seen, 2);
	assert_true(scene->facts.signal_ns >= scene->facts.asked_ns);
	assert_true(scene->facts.kill_ns >= scene->facts.signal_ns);
	assert_true(scene->facts.exit_ns >= scene->facts.kill_ns);
	assert_int_equal(scene->facts.kill_source, STAMP_KERNEL);
	assert_int_equal(kill_by, getpid());
	assert_string_equal(scene->facts.kill_sender, "test_proc_monit");
}

static void note_signalled(void *arg, int64_t ns)
{
	struct proc_monitor_scene *scene = arg;

	assert_int_equal(scene->ended, 0);
	scene->signalled++;
	scene->signalled_ns = ns;
}

static void proc_monitor_tells_of_the_signal_before_the_end(void **state)
{
	struct proc_monitor_scene *scene = *state;
	int64_t before_ns = clock_now();
	pid_t pid = fork();

	if (pid == 0) {
		await_go(scene);
		raise(SIGUSR1);
		for (;;)
			pause();
	}
	if (!scene->capabilities.signal_delivery)
		skip();
	open_on(scene, pid);
	proc_monitor_on_signal(scene->monitor, SIGTERM, note_signalled, scene);
	kill(pid, SIGTERM);
	await_end(scene);
	assert_int_equal(scene->signalled, 1);
	assert_true(scene->signalled_ns > before_ns);
	assert_true(scene->signalled_ns <= scene->facts.exit_ns);
}

static void proc_monitor_lets_go_of_what_is_past(void **state)
{
	struct proc_monitor_scene *scene = *state;
	const struct proc_signal *signals;
	unsigned count;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGUSR2, SIG_IGN);
		await_go(scene);
		for (;;)
			pause();
	}
	if (!scene->capabilities.signal_delivery)
		skip();
	open_on(scene, pid);
	for (int i = 0; i < 5; i++)
		kill(pid, SIGUSR2);
	assert_true(proc_monitor_signals(scene->monitor, &signals, &count));
	assert_true(count >= 5);
	proc_monitor_trim(scene->monitor, clock_now());
	assert_true(proc_monitor_signals(scene->monitor, &signals, &count));
	assert_int_equal(count, 0);
	kill(pid, SIGTERM);
	await_end(scene);
	assert_true(proc_monitor_signals(scene->monitor, &signals, &count));
	assert_int_equal(count, 1);
}

static void proc_monitor_needs_a_process_that_exists(void **state)
{
	struct proc_monitor_scene *scene = *state;
	struct err err = {0};
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_null(proc_monitor_open(scene->monitors, pid, on_ended, scene, &err));
	assert_non_null(strstr(err.text, "pidfd"));
}

/* --- a kernel that polls nothing more --- */

/* As fs.epoll.max_user_watches does: epoll_ctl(2) gives ENOSPC. */
static void forbid_polling(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_ctl, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSPC),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {COUNT(filter), filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(10);
}

static void on_signal(void *arg UNUSED, const struct kernel_trace_record *record UNUSED)
{
}

static NORETURN void open_without_polling(void)
{
	struct engine_capabilities capabilities = {0};
	struct err events = {0}, trace = {0}, monitor = {0};
	struct proc_monitors *monitors;
	uv_loop_t loop;

	uv_loop_init(&loop);
	forbid_polling();
	if (proc_events_open(&loop, &events) || !events.text[0])
		_exit(11);
	if (kernel_trace_open(&loop, on_signal, NULL, &trace) || !trace.text[0])
		_exit(12);
	monitors = proc_monitors_open(&loop, &capabilities);
	if (proc_monitor_open(monitors, getpid(), on_ended, NULL, &monitor) ||
		!strstr(monitor.text, "no space left"))
		_exit(13);
	_exit(capabilities.note[0] ? 0 : 14);
}

static void proc_monitor_says_so_where_nothing_can_be_polled(void **state UNUSED)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0)
		open_without_polling();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(proc_monitor_sees_the_end_and_its_status),
		SCENE(proc_monitor_stamps_the_end_of_the_last_thread),
		SCENE(proc_monitor_sees_a_process_live_on_as_another_program),
		SCENE(proc_monitor_knows_when_a_namespace_without_main_thread_ends),
		SCENE(proc_monitor_distinguishes_the_stop_signal_from_the_kill),
		SCENE(proc_monitor_needs_a_process_that_exists),
		SCENE(proc_monitor_tells_of_the_signal_before_the_end),
		SCENE(proc_monitor_lets_go_of_what_is_past),
		cmocka_unit_test(proc_monitor_says_so_where_nothing_can_be_polled),
	};
#undef SCENE

	return cmocka_run_group_tests_name("proc_monitor", tests, NULL, NULL);
}
