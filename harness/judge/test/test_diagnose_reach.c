/* What a program did with a stop signal that reached it. */
#include "harness/judge/test/scene.h"

#include <linux/futex.h>
#include <signal.h>
#include <string.h>

/* --- W11: raised in vain --- */

static void a_signal_that_pid1_raises_for_itself_is_discarded(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "node", SIGTERM);
	scene_add_signal(scene, 2, 0, 0, SIGTERM)->ignored = true;
	scene_last(scene, 0)->caught = 0;
	scene_expect(scene, VERDICT_KILLED, "W11");
	assert_string_equal(scene_text(scene, "W11"),
		"PID 1 (node) caught SIGTERM, restored the default and raised it again "
		"(+2.00ms): PID 1 never gets a signal from inside that it does not handle, so "
		"it went on");
}

/* timeout sends SIGCONT to its group behind SIGTERM; `kill 0` beside SIG_IGN is meant for
 * the others. */
static void a_signal_that_would_not_end_pid1_is_not_raised_in_vain(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "timeout", SIGTERM);
	scene_add_signal(scene, 2, 0, 0, SIGCONT)->ignored = true;
	scene_expect(scene, VERDICT_KILLED, "H10");
	scene->evidence.signals[2].signal = SIGTERM;
	scene_expect(scene, VERDICT_KILLED, "W11");
	scene_set_masks(scene, 0, 0, 0, MASK(SIGTERM));
	scene_expect(scene, VERDICT_KILLED, "H10");
}

/* node in spawnSync(). */
static void a_signal_raised_in_vain_leaves_a_child_untold(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "node", SIGTERM);
	scene_add_signal(scene, 2, 0, 0, SIGTERM)->ignored = true;
	scene_add_process(scene, 0, "app");
	scene_expect(scene, VERDICT_KILLED, "W11");
	assert_says(scene, "W11", "; its child app (pid 2) runs, and got no signal");
}

/* It is blocked in its own handler: queued there, and discarded behind it. */
static void a_signal_that_was_queued_in_its_handler_is_discarded_behind_it(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "node", SIGTERM);
	scene_add_signal(scene, 2, 0, 0, SIGTERM);
	scene_last(scene, 0)->caught = 0;
	scene_expect(scene, VERDICT_KILLED, "W11");
	/* A handler that never ran was not there yet, as in a program that is starting. */
	scene_last(scene, 0)->caught = MASK(SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "W11");
	assert_says(scene, "W11", "; the handler that it has now came later");
	/* It still has the handler: it gets what it raises. */
	scene_add_handled(scene, 3, 0, SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_false(scene_has_diagnosis(scene, "W11"));
}

static void a_signal_of_another_number_is_told_as_that(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "app", SIGTERM);
	scene_add_signal(scene, 2, 0, 0, SIGKILL)->ignored = true;
	scene_expect(scene, VERDICT_KILLED, "W11");
	assert_says(scene, "W11", "PID 1 (app) sent itself SIGKILL (+2.00ms)");
}

static void only_pid1_of_a_namespace_raises_in_vain(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "node", SIGTERM);
	scene_add_signal(scene, 2, 0, 0, SIGTERM)->ignored = true;
	scene_last(scene, 0)->ns_pid = 412;
	scene_expect(scene, VERDICT_KILLED, "H10");
}

static void a_signal_from_a_child_is_not_raised_by_pid1(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "node", SIGTERM);
	scene_add_process(scene, 0, "kill");
	scene_add_signal(scene, 2, 1, 0, SIGTERM)->ignored = true;
	scene_last(scene, 0)->caught = 0;
	scene_expect(scene, VERDICT_KILLED, "H10");
}

/* --- W7, W8: stopped, blocked --- */

static void one_that_is_stopped_takes_no_signal(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "app", SIGTERM);
	scene_kill_at_grace(scene);
	scene_last(scene, 0)->state = 'T';
	scene_expect(scene, VERDICT_KILLED, "W7");
	assert_says(
		scene, "W7", "PID 1 (app) is stopped (SIGSTOP), so it could not take");
	scene_last(scene, 0)->state = 'S';
	strcpy(scene_last(scene, 0)->wchan, "do_freezer_trap");
	scene_expect(scene, VERDICT_KILLED, "W7");
	assert_says(scene, "W7", "PID 1 (app) is stopped (frozen)");
	strcpy(scene_last(scene, 0)->wchan, "do_select");
	scene_expect(scene, VERDICT_KILLED, "H10");
}

static void a_child_that_is_stopped_takes_no_signal(void **state)
{
	struct judge_scene *scene = *state;
	unsigned child;

	scene_run_program(scene, "app", SIGTERM);
	scene_kill_at_grace(scene);
	child = scene_add_process(scene, 0, "web");
	scene_wait_in(scene, 0, CALL_WAIT4);
	scene_add_signal(scene, 1, 0, child, SIGINT);
	scene_last(scene, child)->state = 'T';
	scene_expect(scene, VERDICT_KILLED, "W7");
	assert_says(scene, "W7",
		"web (pid 2) is stopped (SIGSTOP), so it could not take SIGINT");
	assert_says(scene, "H3",
		"waits for web (pid 2), which is stopped (SIGSTOP), so it could not take");
}

static void a_blocked_signal_that_nobody_reads_is_named(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "app", SIGTERM);
	scene_kill_at_grace(scene);
	scene_set_masks(scene, 0, 0, MASK(SIGTERM), 0);
	scene_last(scene, 0)->shared_pending = MASK(SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "W8");
	assert_string_equal(scene_text(scene, "W8"),
		"PID 1 (app) has SIGTERM blocked: it is pending, and nobody reads it");
	/* It was read: signalfd(2). */
	scene_last(scene, 0)->shared_pending = MASK(SIGCHLD);
	scene_expect(scene, VERDICT_KILLED, "H10");
	/* To its main thread alone. */
	scene_last(scene, 0)->pending = MASK(SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "W8");
	/* A moment ago it came. */
	scene_last(scene, 0)->blocked = 0;
	scene_expect(scene, VERDICT_KILLED, "H10");
}

/* --- W4: a shell's trap --- */

static unsigned defer_trap(struct judge_scene *scene)
{
	scene_hang(scene, "bash", SIGTERM);
	scene_wait_in(scene, 0, CALL_WAIT4);
	return scene_add_process(scene, 0, "sleep");
}

static void a_trap_waits_for_the_foreground_command(void **state)
{
	struct judge_scene *scene = *state;

	defer_trap(scene);
	scene_expect(scene, VERDICT_KILLED, "W4");
	assert_string_equal(scene_text(scene, "W4"),
		"PID 1 (bash) caught SIGTERM, and a shell runs its trap only when its foreground "
		"command has ended: sleep (pid 2) got no signal");
}

/* A shell catches that one by itself. */
static void of_sigint_no_trap_is_claimed(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "dash", SIGINT);
	scene_wait_in(scene, 0, CALL_WAIT4);
	scene_add_process(scene, 0, "server");
	scene_expect(scene, VERDICT_KILLED, "W4");
	assert_non_null(strstr(scene_text(scene, "W4"),
		"caught SIGINT, and a shell acts on that only when its foreground"));
}

static void a_trap_that_ran_is_not_deferred(void **state)
{
	struct judge_scene *scene = *state;
	unsigned sleep = defer_trap(scene);

	/* It has started a process since. */
	scene_add_process(scene, 0, "cat");
	scene->evidence.descendants[1].born_ns = T0 + 3 * CLOCK_MS;
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_false(scene_has_diagnosis(scene, "W4"));
	scene->evidence.descendants[1].born_ns = 0;
	scene_expect(scene, VERDICT_KILLED, "W4");
	/* It has told its child. */
	scene_add_signal(scene, 2, 0, sleep, SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_false(scene_has_diagnosis(scene, "W4"));
}

/* program | tee & trap 'kill $!; wait' TERM: $! is tee. */
static void a_trap_that_told_the_end_of_a_pipeline_ran(void **state)
{
	struct judge_scene *scene = *state;
	unsigned tee;

	scene_hang(scene, "bash", SIGTERM);
	scene_wait_in(scene, 0, CALL_WAIT4);
	scene_add_process(scene, 0, "web");
	tee = scene_add_process(scene, 0, "tee");
	scene_add_signal(scene, 2, 0, tee, SIGTERM);
	scene_end_process(scene, tee, 3, SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_says(
		scene, "H3", "PID 1 (bash) waits for web (pid 2), which got no signal");
	assert_false(scene_has_diagnosis(scene, "W4"));
}

/* It reads a pipe by itself; and it has given its trap back. */
static void a_shell_that_waits_for_no_command_or_has_no_trap_defers_none(void **state)
{
	struct judge_scene *scene = *state;

	defer_trap(scene);
	scene_wait_on(scene, 0, CALL_PAUSE, 0, "");
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_false(scene_has_diagnosis(scene, "W4"));
	scene_wait_in(scene, 0, CALL_WAIT4);
	scene_last(scene, 0)->caught = 0;
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_false(scene_has_diagnosis(scene, "W4"));
}

/* Without a trace the child may have been told. */
static void a_trap_is_deferred_only_where_signals_are_traced(void **state)
{
	struct judge_scene *scene = *state;

	defer_trap(scene);
	scene_trace_nothing(scene);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_false(scene_has_diagnosis(scene, "W4"));
	assert_null(strstr(scene_text(scene, "H3"), "no signal"));
}

static void a_program_that_is_no_shell_has_no_trap(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "python3", SIGTERM);
	scene_wait_in(scene, 0, CALL_WAIT4);
	scene_add_process(scene, 0, "app");
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_string_equal(scene_text(scene, "H3"),
		"PID 1 (python3) waits for app (pid 2), which got no signal, and is in wait4");
}

/* --- W5: another meaning --- */

static void one_that_handles_sigterm_was_sent_another_signal(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "web", SIGQUIT);
	scene_kill_at_grace(scene);
	scene->evidence.facts.signal_delivery = DELIVERY_IGNORED;
	scene_set_masks(scene, 0, MASK(SIGTERM), 0, 0);
	scene_expect(scene, VERDICT_KILLED, "W5");
	assert_string_equal(scene_text(scene, "W5"),
		"PID 1 (web) was sent SIGQUIT, for which it has no handler; it handles SIGTERM");
	/* Of SIGINT it is not known that it means a stop. */
	scene_set_masks(scene, 0, MASK(SIGINT), 0, 0);
	scene_expect(scene, VERDICT_KILLED, "W1");
	assert_false(scene_has_diagnosis(scene, "W5"));
}

static void one_that_executes_itself_again_does_not_stop(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "init", SIGTERM);
	scene_last(scene, 0)->caught |= MASK(SIGRTMIN + 3);
	scene->evidence.facts.exec_ns = T0 + 2 * CLOCK_MS;
	scene_expect(scene, VERDICT_KILLED, "W5");
	assert_string_equal(scene_text(scene, "W5"),
		"PID 1 (init) answered SIGTERM by executing itself again (+2.00ms): it does not "
		"take it for a request to stop; it handles SIGRTMIN+3 as well");
	/* As every program does before the stop. */
	scene->evidence.facts.exec_ns = T0 - CLOCK_S;
	scene_expect(scene, VERDICT_KILLED, "H10");
}

/* A reload: nothing below it was told or ended. */
static unsigned reload(struct judge_scene *scene)
{
	scene_hang(scene, "nginx", SIGHUP);
	scene_set_masks(scene, 0, MASK(SIGHUP) | MASK(SIGTERM) | MASK(SIGQUIT), 0, 0);
	return scene_add_process(scene, 0, "worker");
}

static void one_that_goes_on_as_before_takes_the_signal_for_something_else(void **state)
{
	struct judge_scene *scene = *state;

	reload(scene);
	scene_expect(scene, VERDICT_KILLED, "W5");
	assert_string_equal(scene_text(scene, "W5"),
		"PID 1 (nginx) took SIGHUP and went on as before, and nothing below it was told: "
		"it is no request to stop to it; it handles SIGTERM, SIGQUIT as well");
	/* It waits elsewhere by now: it does something about it. */
	scene_last(scene, 0)->syscall = CALL_FUTEX;
	scene_expect(scene, VERDICT_KILLED, "H10");
	scene_last(scene, 0)->syscall = CALL_PAUSE;
	scene_last(scene, 0)->threads = 3;
	scene_expect(scene, VERDICT_KILLED, "H10");
}

/* It blocks the signal, and executes another program, which has it blocked as well. */
static void one_that_executes_with_the_signal_pending_has_not_answered_it(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "app", SIGTERM);
	scene_kill_at_grace(scene);
	scene_set_masks(scene, 0, 0, MASK(SIGTERM), 0);
	scene_last(scene, 0)->shared_pending = MASK(SIGTERM);
	scene->evidence.facts.exec_ns = T0 + 50 * CLOCK_MS;
	scene_expect(scene, VERDICT_KILLED, "W8");
	assert_false(scene_has_diagnosis(scene, "W5"));
	scene_last(scene, 0)->shared_pending = 0;
	scene_expect(scene, VERDICT_KILLED, "W5");
}

/* An entrypoint whose trap does not end it: bash -c 'trap : TERM; sleep 1; exec app'. */
static void an_entrypoint_that_took_the_signal_keeps_it_from_its_program(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "bash", SIGTERM);
	strcpy(scene_last(scene, 0)->name, "app");
	strcpy(scene_last(scene, 0)->exe, "app");
	scene->evidence.facts.exec_ns = T0 + 50 * CLOCK_MS;
	scene_expect(scene, VERDICT_KILLED, "W6");
	assert_string_equal(scene_text(scene, "W6"),
		"SIGTERM came while PID 1 was still bash, which caught it and then executed "
		"app in its place (+50.0ms): that never got it");
	assert_false(scene_has_diagnosis(scene, "W5"));
}

/* SIGUSR1 starts Node.js' inspector, in a thread of its own. */
static void one_that_begins_to_listen_was_not_asked_to_stop(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "node", SIGUSR1);
	scene_set_masks(scene, 0, MASK(SIGTERM) | MASK(SIGUSR1), 0, 0);
	scene_last(scene, 0)->threads = scene_before(scene, 0)->threads + 1;
	scene_expect(scene, VERDICT_KILLED, "H10");
	scene_last(scene, 0)->listening = 1;
	scene_expect(scene, VERDICT_KILLED, "W5");
	assert_says(scene, "W5",
		"PID 1 (node) took SIGUSR1 and began to listen on a port, and nothing below it "
		"was told: it is no request to stop to it; it handles SIGTERM as well");
}

static void one_that_told_a_worker_is_on_its_way_down(void **state)
{
	struct judge_scene *scene = *state;
	unsigned worker = reload(scene);

	scene_add_signal(scene, 2, 0, worker, SIGHUP);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_false(scene_has_diagnosis(scene, "W5"));
}

static void one_whose_worker_ended_is_on_its_way_down(void **state)
{
	struct judge_scene *scene = *state;
	unsigned worker = reload(scene);

	scene_end_process(scene, worker, 50, 0);
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_false(scene_has_diagnosis(scene, "W5"));
}

static void one_that_finishes_a_connection_is_on_its_way_down(void **state)
{
	struct judge_scene *scene = *state;

	reload(scene);
	scene_connect(scene, 0, "10.0.0.5:5000");
	scene_wait_in(scene, 0, CALL_EPOLL_WAIT);
	scene_expect(scene, VERDICT_KILLED, "H8");
	assert_false(scene_has_diagnosis(scene, "W5"));
}

static void one_without_another_handler_has_no_other_meaning(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "app", SIGHUP);
	scene_expect(scene, VERDICT_KILLED, "H10");
	/* Nor has SIGTERM. */
	scene->evidence.facts.stop_signal = SIGTERM;
	scene_set_masks(scene, 0, MASK(SIGTERM) | MASK(SIGHUP), 0, 0);
	scene_expect(scene, VERDICT_KILLED, "H10");
}

/* --- W10, W12: in or behind the handler --- */

static void a_lock_that_nobody_else_can_release_is_a_deadlock(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "app", SIGTERM);
	scene_last(scene, 0)->syscall = CALL_FUTEX;
	scene_last(scene, 0)->syscall_arg1 = FUTEX_PRIVATE_FLAG;
	scene_expect(scene, VERDICT_KILLED, "W10");
	assert_says(scene, "W10", "PID 1 (app) caught SIGTERM and waits for a lock");
	/* Python's atexit. */
	assert_says(
		scene, "W10", "The handler has returned: what it waits in came later");
	scene_last(scene, 0)->blocked = MASK(SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "W10");
	assert_says(scene, "W10", "Its handler calls what is not safe in a handler");
	scene_last(scene, 0)->blocked = 0;
	/* Another process may release one that is shared. */
	scene_last(scene, 0)->syscall_arg1 = 0;
	scene_expect(scene, VERDICT_KILLED, "H10");
	scene_last(scene, 0)->syscall_arg1 = FUTEX_PRIVATE_FLAG;
	/* So may a thread. */
	scene_last(scene, 0)->threads = 2;
	scene_expect(scene, VERDICT_KILLED, "H10");
	/* A JVM's main thread waits there all the time. */
	scene_last(scene, 0)->threads = 1;
	scene_before(scene, 0)->syscall = CALL_FUTEX;
	scene_expect(scene, VERDICT_KILLED, "H10");
}

static void a_lock_without_a_handler_is_no_deadlock_of_its(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "app", SIGTERM);
	scene_kill_at_grace(scene);
	scene_last(scene, 0)->syscall = CALL_FUTEX;
	scene_last(scene, 0)->syscall_arg1 = FUTEX_PRIVATE_FLAG;
	scene_expect(scene, VERDICT_KILLED, "H10");
}

static void a_call_that_the_kernel_restarts_is_named(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "serve", SIGTERM);
	scene_wait_on(scene, 0, CALL_READ, 3, "pipe:[77]");
	scene->evidence.signals[1].restarts = true;
	scene_expect(scene, VERDICT_KILLED, "W12");
	assert_string_equal(scene_text(scene, "W12"),
		"PID 1 (serve) caught SIGTERM (+1.00ms) and went back to waiting in read of "
		"pipe:[77]: the kernel restarted the call (SA_RESTART)");
	scene->evidence.signals[1].restarts = false;
	scene_expect(scene, VERDICT_KILLED, "W12");
	assert_says(scene, "W12", "it only noted the signal, and called it again");
}

/* PHP's passthru(), in read of what its child prints. */
static void one_that_raised_the_signal_again_did_more_than_note_it(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "php", SIGTERM);
	scene_wait_in(scene, 0, CALL_READ);
	scene_expect(scene, VERDICT_KILLED, "W12");
	scene_last(scene, 0)->caught = 0;
	scene_last(scene, 0)->ns_pid = 1;
	scene_add_signal(scene, 2, 0, 0, SIGTERM)->ignored = true;
	scene_expect(scene, VERDICT_KILLED, "W11");
	assert_false(scene_has_diagnosis(scene, "W12"));
}

/* It told its child, and reads what that prints. */
static void one_that_told_its_child_did_more_than_note_the_signal(void **state)
{
	struct judge_scene *scene = *state;
	unsigned child;

	scene_hang(scene, "serve", SIGTERM);
	scene_wait_on(scene, 0, CALL_READ, 3, "pipe:[77]");
	child = scene_add_process(scene, 0, "app");
	scene_add_signal(scene, 1, 0, child, SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_false(scene_has_diagnosis(scene, "W12"));
}

static void a_call_that_it_was_not_in_before_is_not_restarted(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "serve", SIGTERM);
	scene_wait_on(scene, 0, CALL_READ, 3, "pipe:[77]");
	scene_before(scene, 0)->syscall_arg0 = 4;
	scene_expect(scene, VERDICT_KILLED, "H10");
	scene_before(scene, 0)->syscall_arg0 = 3;
	scene_before(scene, 0)->syscall = CALL_PAUSE;
	scene_expect(scene, VERDICT_KILLED, "H10");
	/* An event loop is called again by all that run one. */
	scene_wait_on(scene, 0, CALL_EPOLL_WAIT, 3, "anon_inode:[eventpoll]");
	scene_expect(scene, VERDICT_KILLED, "H10");
}

static void a_call_whose_handler_was_not_seen_is_not_restarted(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "serve", SIGTERM);
	scene_wait_on(scene, 0, CALL_READ, 3, "pipe:[77]");
	scene_trace_nothing(scene);
	scene_expect(scene, VERDICT_KILLED, "H10");
	assert_string_equal(scene_text(scene, "H10"),
		"PID 1 (serve) was sent SIGTERM and is in read of pipe:[77]");
}

static void sigkill_as_the_stop_signal_is_named(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "app", SIGKILL);
	scene_expect(scene, VERDICT_KILLED, "W5");
	assert_says(scene, "W5", "the stop signal is SIGKILL");
	scene_wait_on(scene, 0, CALL_WAIT4, 0, "");
	scene_add_process(scene, 0, "child");
	scene_expect(scene, VERDICT_KILLED, "W5");
	assert_false(scene_has_diagnosis(scene, "H3"));
	assert_false(scene_has_diagnosis(scene, "X2"));
	assert_false(scene_has_diagnosis(scene, "X9"));
}

/* --- W7: no signal reaches its code --- */

/* vfork(2), until the child executes a program. */
static void what_only_sigkill_interrupts_takes_no_signal(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "app", SIGTERM);
	scene->evidence.signal_count = 1; /* no handler ran */
	scene_wait_in(scene, 0, CALL_VFORK);
	scene_add_process(scene, 0, "app");
	scene_last(scene, 0)->state = 'D';
	scene_last(scene, 0)->shared_pending = MASK(SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "W7");
	assert_string_equal(scene_text(scene, "W7"),
		"PID 1 (app) is in uninterruptible sleep (vfork), so it could not take "
		"SIGTERM: it waits until its child executes a program or ends; its child app "
		"(pid 2) runs, and got no signal");
	/* It took it: then it is there for something else. */
	scene_last(scene, 0)->shared_pending = 0;
	scene_expect(scene, VERDICT_KILLED, NULL);
	assert_false(scene_has_diagnosis(scene, "W7"));
}

static void what_a_tracer_holds_takes_no_signal(void **state)
{
	struct judge_scene *scene = *state;

	scene_hang(scene, "app", SIGTERM);
	scene_last(scene, 0)->state = 't';
	scene_expect(scene, VERDICT_KILLED, "W7");
	assert_string_equal(scene_text(scene, "W7"),
		"PID 1 (app) is held by a tracer (ptrace), so it could not take SIGTERM");
}

/* --- W5: the wrong signal --- */

static void a_signal_that_does_nothing_by_default_is_the_wrong_one(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app;

	scene_run_program(scene, "web", SIGWINCH);
	scene_set_masks(scene, 0, 0, 0, 0);
	scene->evidence.signals[0].ignored = true;
	scene->evidence.facts.signal_delivery = DELIVERY_IGNORED;
	scene_kill_at_grace(scene);
	scene_expect(scene, VERDICT_KILLED, "W5");
	assert_says(
		scene, "W5", "its default is to do nothing, behind an init as well");
	scene_set_masks(scene, 0, MASK(SIGWINCH), 0, 0);
	scene->evidence.facts.signal_delivery = DELIVERY_DELIVERED;
	strcpy(scene_before(scene, 0)->name, "tini");
	strcpy(scene_last(scene, 0)->name, "tini");
	app = scene_add_process(scene, 0, "app");
	scene_set_masks(scene, app, MASK(SIGTERM), 0, 0);
	scene_add_signal(scene, 1, 0, app, SIGWINCH)->ignored = true;
	scene_expect(scene, VERDICT_KILLED, "W5");
	assert_string_equal(scene_text(scene, "W5"),
		"app (pid 2) has no handler for SIGWINCH, whose default is to do nothing; it "
		"handles SIGTERM as well");
	assert_says(scene, "H3",
		"which has no handler for SIGWINCH, whose default is to do nothing");
}

/* nohup, and STOPSIGNAL SIGHUP. */
static void one_that_ignores_the_signal_did_not_take_it(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app;

	scene_run_program(scene, "tini", SIGHUP);
	scene_kill_at_grace(scene);
	app = scene_add_process(scene, 0, "app");
	scene_set_masks(scene, app, MASK(SIGTERM), 0, MASK(SIGHUP));
	scene_add_signal(scene, 1, 0, app, SIGHUP)->ignored = true;
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_string_equal(scene_text(scene, "H3"),
		"PID 1 (tini) waits for app (pid 2), which ignores SIGHUP");
	assert_false(scene_has_diagnosis(scene, "W5"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_signal_that_pid1_raises_for_itself_is_discarded),
		SCENE(a_signal_that_was_queued_in_its_handler_is_discarded_behind_it),
		SCENE(a_signal_of_another_number_is_told_as_that),
		SCENE(only_pid1_of_a_namespace_raises_in_vain),
		SCENE(a_signal_from_a_child_is_not_raised_by_pid1),
		SCENE(one_that_is_stopped_takes_no_signal),
		SCENE(a_blocked_signal_that_nobody_reads_is_named),
		SCENE(a_trap_waits_for_the_foreground_command),
		SCENE(of_sigint_no_trap_is_claimed),
		SCENE(a_trap_that_ran_is_not_deferred),
		SCENE(a_trap_that_told_the_end_of_a_pipeline_ran),
		SCENE(a_shell_that_waits_for_no_command_or_has_no_trap_defers_none),
		SCENE(a_trap_is_deferred_only_where_signals_are_traced),
		SCENE(a_program_that_is_no_shell_has_no_trap),
		SCENE(one_that_handles_sigterm_was_sent_another_signal),
		SCENE(one_that_executes_itself_again_does_not_stop),
		SCENE(one_that_goes_on_as_before_takes_the_signal_for_something_else),
		SCENE(one_that_executes_with_the_signal_pending_has_not_answered_it),
		SCENE(an_entrypoint_that_took_the_signal_keeps_it_from_its_program),
		SCENE(one_that_begins_to_listen_was_not_asked_to_stop),
		SCENE(one_that_told_a_worker_is_on_its_way_down),
		SCENE(one_whose_worker_ended_is_on_its_way_down),
		SCENE(one_that_finishes_a_connection_is_on_its_way_down),
		SCENE(one_without_another_handler_has_no_other_meaning),
		SCENE(a_lock_that_nobody_else_can_release_is_a_deadlock),
		SCENE(a_lock_without_a_handler_is_no_deadlock_of_its),
		SCENE(a_call_that_the_kernel_restarts_is_named),
		SCENE(one_that_raised_the_signal_again_did_more_than_note_it),
		SCENE(one_that_told_its_child_did_more_than_note_the_signal),
		SCENE(a_child_that_is_stopped_takes_no_signal),
		SCENE(a_call_that_it_was_not_in_before_is_not_restarted),
		SCENE(a_call_whose_handler_was_not_seen_is_not_restarted),
		SCENE(sigkill_as_the_stop_signal_is_named),
		SCENE(a_signal_that_would_not_end_pid1_is_not_raised_in_vain),
		SCENE(a_signal_raised_in_vain_leaves_a_child_untold),
		SCENE(what_only_sigkill_interrupts_takes_no_signal),
		SCENE(what_a_tracer_holds_takes_no_signal),
		SCENE(a_signal_that_does_nothing_by_default_is_the_wrong_one),
		SCENE(one_that_ignores_the_signal_did_not_take_it),
	};

	return cmocka_run_group_tests_name("diagnose_reach", tests, NULL, NULL);
}
