/*
 * How the processes below PID 1 ended, and whether the stop is clean then.
 */
#include "harness/judge/test/scene.h"

#include <linux/futex.h>
#include <signal.h>
#include <string.h>

#include "lib/mem.h"

#define EXITED(code) ((code) << 8)

/* PID 1, a shell that exits with 0, and its child, which it told to end. */
static unsigned run_supervised(struct judge_scene *scene, const char *child)
{
	unsigned number;

	scene_run_program(scene, "sh", SIGTERM);
	scene_wait_in(scene, 0, CALL_WAIT4);
	number = scene_add_process(scene, 0, child);
	scene_wait_in(scene, number, CALL_PAUSE);
	scene_add_signal(scene, 10, 0, number, SIGTERM);
	return number;
}

/* It waits for clients, and has none. */
static void make_idle(struct judge_scene *scene, unsigned number)
{
	scene_wait_in(scene, number, CALL_ACCEPT4);
	scene_before(scene, number)->listening = 1;
	scene_before(scene, number)->ports[0] = 80;
}

/* --- a crash --- */

static void a_crash_that_an_exit_code_of_0_hides_is_a_crash(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_end_process(scene, web, 40, SIGSEGV);
	scene_expect(scene, VERDICT_CRASH, "X11");
	assert_string_equal(scene_text(scene, "X11"),
		"web (pid 2) crashed: SIGSEGV, 30.0ms after SIGTERM; PID 1 (sh) exited "
		"with 0");
	assert_false(scene_has_diagnosis(scene, "X7"));
}

static void a_crash_of_an_idle_process_is_a_crash(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	make_idle(scene, web);
	scene_end_process(scene, web, 40, SIGABRT | 0x80 /* with a core dump */);
	scene_expect(scene, VERDICT_CRASH, "X11");
}

/* Somebody sent it SIGQUIT: that is an end on demand, with a core dump. */
static void a_signal_that_was_sent_is_no_crash(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web;

	scene_run_program(scene, "sh", SIGTERM);
	web = scene_add_process(scene, 0, "web");
	scene_set_masks(scene, web, 0, 0, 0);
	scene_add_signal(scene, 10, 0, web, SIGQUIT);
	scene_end_process(scene, web, 12, SIGQUIT);
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_says(scene, "X11",
		"web (pid 2) died of SIGQUIT from sh, for which it has no handler");
}

/* PID 1 reports it: nothing is hidden, and PID 1 itself did not crash. */
static void a_crash_that_the_exit_code_tells_is_not_hidden(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_end_process(scene, web, 40, SIGSEGV);
	scene_exit_with(scene, 139);
	scene_expect(scene, VERDICT_CRASH, "X5");
	assert_string_equal(scene_text(scene, "X5"),
		"no signal ended PID 1 (sh): it exited with 139, which is how a child ended: "
		"web (pid 2) died of SIGSEGV");
	assert_false(scene_has_diagnosis(scene, "X11"));
	assert_false(scene_has_diagnosis(scene, "X7"));
}

/* --- SIGKILL --- */

static void a_service_that_its_supervisor_killed_is_not_clean(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_add_signal(scene, 210, 0, web, SIGKILL);
	scene_end_process(scene, web, 211, SIGKILL);
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_string_equal(scene_text(scene, "X11"),
		"web (pid 2) was ended by SIGKILL from sh, 200ms after SIGTERM; PID 1 (sh) "
		"exited with 0");
}

static void an_idle_worker_that_is_killed_at_once_is_of_no_account(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	make_idle(scene, web);
	scene_add_signal(scene, 12, 0, web, SIGKILL);
	scene_end_process(scene, web, 13, SIGKILL);
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void an_idle_worker_that_is_killed_late_had_not_ended_when_told(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	make_idle(scene, web);
	scene_add_signal(scene, 110, 0, web, SIGKILL);
	scene_end_process(scene, web, 111, SIGKILL);
	scene_expect(scene, VERDICT_DIRTY, "X11");
}

static void a_worker_with_a_client_is_not_idle(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	make_idle(scene, web);
	scene_connect(scene, web, "10.0.0.5:5000");
	scene_add_signal(scene, 12, 0, web, SIGKILL);
	scene_end_process(scene, web, 13, SIGKILL);
	scene_expect(scene, VERDICT_DIRTY, "X11");
}

/* It listens, and does something else. */
static void a_worker_that_waits_for_no_client_is_not_idle(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	make_idle(scene, web);
	scene_wait_in(scene, web, CALL_READ);
	scene_add_signal(scene, 12, 0, web, SIGKILL);
	scene_end_process(scene, web, 13, SIGKILL);
	scene_expect(scene, VERDICT_DIRTY, "X11");
}

static void a_kill_by_the_kernel_is_a_limit_and_never_ordinary(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	make_idle(scene, web);
	scene_add_signal(scene, 12, SCENE_KERNEL, web, SIGKILL);
	scene_end_process(scene, web, 13, SIGKILL);
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_says(scene, "X11",
		"was ended by SIGKILL from the kernel (memory or CPU limit), 2.00ms after "
		"SIGTERM");
}

static void a_process_that_kills_itself_is_its_own_killer(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_add_signal(scene, 12, (int)web, web, SIGKILL);
	scene_end_process(scene, web, 13, SIGKILL);
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_says(scene, "X11", "web (pid 2) ended itself with SIGKILL;");
}

static void a_sigkill_whose_sender_is_not_known_has_no_sender(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web;

	scene_run_program(scene, "sh", SIGTERM);
	scene->evidence.signals_known = false;
	scene->evidence.signal_count = 0;
	web = scene_add_process(scene, 0, "web");
	scene_end_process(scene, web, 13, SIGKILL);
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_says(scene, "X11", "web (pid 2) was ended by SIGKILL; PID 1 (sh)");
}

/* --- the default --- */

static void a_child_without_a_handler_dies_of_what_it_is_sent(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_set_masks(scene, web, 0, 0, 0);
	scene_end_process(scene, web, 11, SIGTERM);
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_string_equal(scene_text(scene, "X11"),
		"web (pid 2) died of SIGTERM from sh, for which it has no handler; PID 1 "
		"(sh) exited with 0");
}

static void a_default_end_that_the_exit_code_tells_is_not_hidden(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_set_masks(scene, web, 0, 0, 0);
	scene_end_process(scene, web, 11, SIGTERM);
	scene_exit_with(scene, 143);
	scene_expect(scene, VERDICT_DIRTY, "X5");
	assert_false(scene_has_diagnosis(scene, "X11"));
}

static void a_helper_or_an_idle_worker_may_die_of_the_default(void **state)
{
	static const char *const helpers[] = {"sleep", "tail", "cat", "tee"};
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_set_masks(scene, web, 0, 0, 0);
	make_idle(scene, web);
	scene_end_process(scene, web, 11, SIGTERM);
	for (size_t i = 0; i < COUNT(helpers); i++) {
		unsigned helper = scene_add_process(scene, 0, helpers[i]);

		strcat(scene_before(scene, helper)->command, " -f");
		scene_set_masks(scene, helper, 0, 0, 0);
		scene_add_signal(scene, 10, 0, helper, SIGTERM);
		scene_end_process(scene, helper, 11, SIGTERM);
	}
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* A pool of Python's multiprocessing: the first of two reads the queue, the other one waits
 * for its lock, which processes share; PID 1 ends both. */
static unsigned run_pool(struct judge_scene *scene)
{
	unsigned first, second;

	scene_run_program(scene, "python3", SIGTERM);
	first = scene_add_process(scene, 0, "python3");
	second = scene_add_process(scene, 0, "python3");
	scene_set_masks(scene, first, 0, 0, 0);
	scene_set_masks(scene, second, 0, 0, 0);
	scene_wait_in(scene, first, CALL_READ);
	strcpy(scene_before(scene, first)->waits_on, "pipe:[7]");
	scene_wait_in(scene, second, CALL_FUTEX);
	scene_before(scene, second)->syscall_arg1 = FUTEX_WAIT;
	scene_add_signal(scene, 10, 0, first, SIGTERM);
	scene_add_signal(scene, 10, 0, second, SIGTERM);
	scene_end_process(scene, first, 11, SIGTERM);
	scene_end_process(scene, second, 12, SIGTERM);
	return first;
}

static void workers_that_wait_at_the_queue_of_their_pool_are_idle(void **state)
{
	struct judge_scene *scene = *state;
	unsigned first = run_pool(scene);

	scene_expect(scene, VERDICT_CLEAN, "X0");
	/* The other one reads it as well. */
	scene_before(scene, first + 1)->syscall = CALL_READ;
	strcpy(scene_before(scene, first + 1)->waits_on, "pipe:[7]");
	scene_expect(scene, VERDICT_CLEAN, "X0");
	/* Two that read what is theirs alone may be in the middle of it. */
	strcpy(scene_before(scene, first + 1)->waits_on, "pipe:[8]");
	scene_expect(scene, VERDICT_DIRTY, "X11");
}

static void a_busy_worker_beside_an_idle_one_is_not_idle(void **state)
{
	struct judge_scene *scene = *state;
	unsigned first = run_pool(scene);

	scene_before(scene, first + 1)->syscall = CALL_PAUSE;
	scene_expect(scene, VERDICT_DIRTY, "X11");
	/* Both are in the middle of something that one lock is for. */
	scene_before(scene, first + 1)->syscall = CALL_FUTEX;
	scene_before(scene, first)->syscall = CALL_FUTEX;
	scene_before(scene, first)->waits_on[0] = '\0';
	scene_before(scene, first)->syscall_arg1 = FUTEX_WAIT;
	scene_expect(scene, VERDICT_DIRTY, "X11");
}

/* Threads of one process share that lock, so this one has more work than a queue. */
static void a_lock_of_its_own_is_no_queue(void **state)
{
	struct judge_scene *scene = *state;
	unsigned first = run_pool(scene);

	scene_before(scene, first + 1)->syscall_arg1 = FUTEX_WAIT_PRIVATE;
	scene_expect(scene, VERDICT_DIRTY, "X11");
}

/* Its parent knows that it is idle; an init that signals everybody does not. */
static void a_worker_that_a_stranger_ends_is_not_idle(void **state)
{
	struct judge_scene *scene = *state;
	unsigned first = run_pool(scene);

	scene->evidence.signals[1].sender = scene->evidence.signals[2].sender = 1;
	scene_expect(scene, VERDICT_DIRTY, "X11");
	scene_before(scene, first)->connections = 1;
	scene_expect(scene, VERDICT_DIRTY, "X11");
}

/* A filter keeps what it has read. */
static void another_program_that_reads_a_pipe_is_no_worker(void **state)
{
	struct judge_scene *scene = *state;
	unsigned first = run_pool(scene);

	strcpy(scene_before(scene, 0)->exe, "python3");
	strcpy(scene_before(scene, first)->exe, "sort");
	strcpy(scene_before(scene, first + 1)->exe, "sort");
	scene_expect(scene, VERDICT_DIRTY, "X11");
}

/* `while :; do sleep 1 & wait $!; done`: the next sleep has not executed yet. */
static void a_fork_that_was_told_at_once_had_no_work(void **state)
{
	struct judge_scene *scene = *state;
	unsigned fork = run_supervised(scene, "");
	struct proc_record *record = scene_end_process(scene, fork, 11, SIGTERM);

	scene->looks[0].count = 1;
	record->name[0] = '\0';
	record->born_ns = T0 - 2 * CLOCK_MS;
	scene_expect(scene, VERDICT_CLEAN, NULL);
	assert_false(scene_has_diagnosis(scene, "X11"));
	record->born_ns = T0 - CLOCK_S;
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_says(scene, "X11", "a child of sh (pid 2) died of SIGTERM from sh");
}

static void a_tail_that_keeps_what_it_reads_is_no_helper(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");
	unsigned tail = scene_add_process(scene, 0, "tail");

	scene_set_masks(scene, web, 0, 0, 0);
	make_idle(scene, web);
	scene_end_process(scene, web, 11, SIGTERM);
	scene_set_masks(scene, tail, 0, 0, 0);
	scene_add_signal(scene, 10, 0, tail, SIGTERM);
	scene_end_process(scene, tail, 11, SIGTERM);
	scene_expect(scene, VERDICT_DIRTY, NULL);
}

/* It has a way down, and ends it by the default to say that it was a signal. */
static void a_signal_that_was_raised_again_is_a_way_down(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_add_handled(scene, 10, web, SIGTERM);
	scene_add_signal(scene, 60, (int)web, web, SIGTERM);
	scene_end_process(scene, web, 61, SIGTERM);
	scene_expect(scene, VERDICT_CLEAN, "X0");
	/* With a client on its hands that was none. */
	scene_connect(scene, 0, "10.0.0.5:5000");
	scene_expect(scene, VERDICT_CLEAN, "X0");
	scene_before(scene, web)->connections = 2;
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_says(scene, "X11",
		"web (pid 2) died of SIGTERM from sh, with 2 connections open; PID 1");
}

/* Nobody traced signals: it may have raised it again, as it has a handler. */
static void one_with_a_handler_is_not_said_to_have_none(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web;

	scene_run_program(scene, "sh", SIGTERM);
	web = scene_add_process(scene, 0, "web");
	scene_end_process(scene, web, 61, SIGTERM);
	scene->evidence.signals_known = false;
	scene->evidence.signal_count = 0;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	scene_before(scene, web)->caught = 0;
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_says(scene, "X11",
		"web (pid 2) died of SIGTERM, for which it has no handler; PID 1");
}

/* Its handler restores the default, and the second signal ends it. */
static void one_whose_handler_ran_is_not_said_to_have_none(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_add_handled(scene, 10, web, SIGTERM);
	scene_add_signal(scene, 60, 0, web, SIGTERM);
	scene_end_process(scene, web, 61, SIGTERM);
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_says(scene, "X11",
		"web (pid 2) died of another SIGTERM from sh, 50.0ms after it had caught one; PID 1");
}

/* An init signals its whole session, and the master passes the signal on as well. */
static void a_worker_that_dies_of_its_second_signal_was_not_killed_by_the_first(
	void **state)
{
	struct judge_scene *scene = *state;
	unsigned master, worker;

	scene_run_program(scene, "init", SIGTERM);
	master = scene_add_process(scene, 0, "python3");
	worker = scene_add_process(scene, master, "python3");
	scene_add_signal(scene, 10, 0, worker, SIGTERM);
	scene_add_handled(scene, 11, worker, SIGTERM);
	scene_add_signal(scene, 60, (int)master, worker, SIGTERM);
	scene_end_process(scene, worker, 61, SIGTERM);
	scene_end_process(scene, master, 62, EXITED(0));
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_string_equal(scene_text(scene, "X11"),
		"python3 (pid 3) died of another SIGTERM from python3 (pid 2), 49.0ms "
		"after it had caught one; PID 1 (init) exited with 0");
}

/* Two that come at once: it died of the first. */
static void one_without_a_handler_died_of_its_first_signal(void **state)
{
	struct judge_scene *scene = *state;
	unsigned master, worker;

	scene_run_program(scene, "init", SIGTERM);
	master = scene_add_process(scene, 0, "master");
	worker = scene_add_process(scene, master, "worker");
	scene_add_signal(scene, 10, 0, worker, SIGTERM);
	scene_add_signal(scene, 11, (int)master, worker, SIGTERM);
	scene_end_process(scene, worker, 12, SIGTERM);
	scene_end_process(scene, master, 13, EXITED(0));
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_says(scene, "X11", "worker (pid 3) died of SIGTERM from init; PID 1");
}

/* --- a failure --- */

/* PID 1, a shell, waits for the program, which fails. */
static void a_program_whose_failure_pid1_hides_is_not_clean(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_end_process(scene, web, 50, EXITED(1));
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_string_equal(scene_text(scene, "X11"),
		"web (pid 2) exited with 1; PID 1 (sh) exited with 0");
}

static void a_failure_that_is_passed_on_is_not_hidden(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_end_process(scene, web, 50, EXITED(1));
	scene_exit_with(scene, 1);
	scene_expect(scene, VERDICT_DIRTY, "X12");
	assert_false(scene_has_diagnosis(scene, "X11"));
}

static void a_program_that_exits_with_143_did_as_it_was_told(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_end_process(scene, web, 50, EXITED(143));
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* Apache's and PostgreSQL's own do so in a clean stop. */
static void a_code_of_a_worker_says_nothing(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_add_process(scene, 0, "other");
	strcpy(scene_before(scene, web)->exe, scene_before(scene, 0)->exe);
	scene_end_process(scene, 2, 50, EXITED(0));
	scene_end_process(scene, web, 50, EXITED(1));
	scene_expect(scene, VERDICT_CLEAN, "X0");
	/* It executed the same program again, as an interpreter with another script. */
	scene->evidence.descendants[web - 1].exec_ns = T0 - CLOCK_S;
	scene_expect(scene, VERDICT_DIRTY, "X11");
}

/* One of two, of a PID 1 that waits for events. */
static void a_program_that_failed_when_it_was_told_to_end_is_not_clean(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_add_process(scene, 0, "other");
	scene_wait_in(scene, 0, CALL_EPOLL_WAIT);
	strcpy(scene_before(scene, 0)->exe, "supervisor");
	strcpy(scene_before(scene, web)->exe, "web");
	scene_end_process(scene, 2, 50, EXITED(0));
	scene_end_process(scene, web, 50, EXITED(3));
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_string_equal(scene_text(scene, "X11"),
		"web (pid 2) exited with 3; PID 1 (sh) exited with 0");
	/* Nobody told it to end: a command that looks for something. */
	scene->evidence.signals[1].pid = 0;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* A master's watchdog ends a worker with SIGABRT. */
static void a_crash_on_demand_is_none(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_add_signal(scene, 30, 0, web, SIGABRT);
	scene_end_process(scene, web, 31, SIGABRT);
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_says(scene, "X11", "web (pid 2) died of SIGABRT");
	assert_says(
		scene, "X11", "died of SIGABRT from sh, for which it has no handler");
	/* Its own. */
	scene->evidence.signals[2].sender = scene->evidence.signals[2].pid;
	scene_expect(scene, VERDICT_CRASH, "X11");
}

/* --- of whom nothing is said --- */

static void what_had_ended_before_the_stop_is_not_of_the_stop(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");
	struct proc_record *record = scene_end_process(scene, web, -20, SIGSEGV);

	scene->looks[0].count = 1;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	/* A zombie at the attach: nobody knows how it ended. */
	record->born_ns = 0;
	record->ended_ns = PROC_ENDED_BEFORE;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* As the command of a trap is: only a crash counts, and not that of a pipeline's head. */
static void a_crash_of_what_the_stop_started_is_a_crash(void **state)
{
	static const struct {
		int wait_status;
		enum verdict verdict;
	} rows[] = {{SIGSEGV, VERDICT_CRASH}, {SIGABRT | 0x80, VERDICT_CRASH},
		{SIGPIPE, VERDICT_CLEAN}, {SIGKILL, VERDICT_CLEAN},
		{SIGTERM, VERDICT_CLEAN}, {EXITED(3), VERDICT_CLEAN},
		{EXITED(0), VERDICT_CLEAN}};

	struct judge_scene *scene = *state;
	struct proc_record *save;

	scene_run_program(scene, "sh", SIGTERM);
	save = scene_end_process(scene, scene_add_process(scene, 0, "save"), 40, 0);
	save->born_ns = T0 + 20 * CLOCK_MS;
	scene->looks[0].count = 1;
	for (size_t i = 0; i < COUNT(rows); i++) {
		save->wait_status = rows[i].wait_status;
		scene_expect(scene, rows[i].verdict,
			rows[i].verdict == VERDICT_CRASH ? "X11" : "X0");
	}
}

/* Its parent may kill what it started; the kernel does so where memory is at its limit. */
static void what_the_stop_started_and_the_kernel_killed_had_not_ended(void **state)
{
	struct judge_scene *scene = *state;
	struct proc_record *save;
	struct proc_signal *kill;
	unsigned number;

	scene_run_program(scene, "sh", SIGTERM);
	number = scene_add_process(scene, 0, "save");
	save = scene_end_process(scene, number, 40, SIGKILL);
	save->born_ns = T0 + 20 * CLOCK_MS;
	scene->looks[0].count = 1;
	kill = scene_add_signal(scene, 39, SCENE_KERNEL, number, SIGKILL);
	scene_expect(scene, VERDICT_DIRTY, "X11");
	assert_says(scene, "X11",
		"save (pid 2) was ended by SIGKILL from the kernel (memory or CPU limit)");
	kill->sender = 400;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void a_session_from_outside_ends_as_its_user_likes(void **state)
{
	struct judge_scene *scene = *state;
	unsigned shell = run_supervised(scene, "bash");
	struct proc_record *record = scene_end_process(scene, shell, 50, SIGSEGV);

	scene_before(scene, shell)->ppid = 0;
	record->parent = 0;
	record->outside = true;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	record->outside = false;
	scene_expect(scene, VERDICT_CRASH, "X11");
}

/* What the engine's SIGKILL ended with PID 1 is no end of its own. */
static void what_the_grace_ended_was_not_hidden_by_pid1(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_kill_at_grace(scene);
	scene_end_process(scene, web, 2029, SIGKILL);
	scene_expect(scene, VERDICT_KILLED, NULL);
	assert_false(scene_has_diagnosis(scene, "X11"));
	assert_true(scene_has_diagnosis(scene, "X1"));
}

/* It was left behind, which is another finding: L1. */
static void what_ended_with_pid1_did_not_end_badly(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");
	struct proc_record *record = scene_end_process(scene, web, 300, SIGKILL);

	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_false(scene_has_diagnosis(scene, "X11"));
	/* Where PID 1's exit was not traced, it may have been. */
	scene->evidence.facts.dying_ns = 0;
	record->ended_ns = T0 + 290 * CLOCK_MS;
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
	scene_add_signal(scene, 289, 0, web, SIGKILL);
	scene_expect(scene, VERDICT_DIRTY, "X11");
}

static void a_process_with_a_lifeline_is_a_mock(void **state)
{
	struct judge_scene *scene = *state;
	unsigned skills = run_supervised(scene, "skills");
	struct lifeline *lifeline = scene_add_server(scene, 1, 50);

	lifeline->pid = scene_end_process(scene, skills, 50, SIGABRT)->pid;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* The scenario's own servers are ended as the scenario says. */
static void a_mock_that_was_killed_is_the_scenarios(void **state)
{
	struct judge_scene *scene = *state;
	struct proc_record *record;

	scene_run_program(scene, "agents", SIGTERM);
	scene->scenario.service.mocks = true;
	strlist_add(&scene->scenario.service.env, "URL={agent_url}");
	scene_add_process(scene, 0, "skills");
	scene_add_signal(scene, 10, 0, 1, SIGKILL);
	record = scene_end_process(scene, 1, 11, SIGKILL);
	scene_expect(scene, VERDICT_CLEAN, "X0");
	record->wait_status = SIGSEGV;
	scene_expect(scene, VERDICT_CRASH, "X11");
}

static void the_worst_end_is_told_and_the_others_are_counted(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = run_supervised(scene, "web");

	scene_add_process(scene, 0, "queue");
	scene_set_masks(scene, 2, 0, 0, 0);
	scene_set_masks(scene, web, 0, 0, 0);
	scene_end_process(scene, web, 11, SIGTERM);
	scene_end_process(scene, 2, 11, SIGBUS);
	scene_expect(scene, VERDICT_CRASH, "X11");
	assert_string_equal(scene_text(scene, "X11"),
		"queue (pid 3) crashed: SIGBUS; 1 more ended badly; PID 1 (sh) exited with 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_crash_that_an_exit_code_of_0_hides_is_a_crash),
		SCENE(a_crash_of_an_idle_process_is_a_crash),
		SCENE(a_signal_that_was_sent_is_no_crash),
		SCENE(a_crash_that_the_exit_code_tells_is_not_hidden),
		SCENE(a_service_that_its_supervisor_killed_is_not_clean),
		SCENE(an_idle_worker_that_is_killed_at_once_is_of_no_account),
		SCENE(an_idle_worker_that_is_killed_late_had_not_ended_when_told),
		SCENE(a_worker_with_a_client_is_not_idle),
		SCENE(a_worker_that_waits_for_no_client_is_not_idle),
		SCENE(a_kill_by_the_kernel_is_a_limit_and_never_ordinary),
		SCENE(a_process_that_kills_itself_is_its_own_killer),
		SCENE(a_sigkill_whose_sender_is_not_known_has_no_sender),
		SCENE(a_child_without_a_handler_dies_of_what_it_is_sent),
		SCENE(a_default_end_that_the_exit_code_tells_is_not_hidden),
		SCENE(a_helper_or_an_idle_worker_may_die_of_the_default),
		SCENE(workers_that_wait_at_the_queue_of_their_pool_are_idle),
		SCENE(a_busy_worker_beside_an_idle_one_is_not_idle),
		SCENE(a_lock_of_its_own_is_no_queue),
		SCENE(a_worker_that_a_stranger_ends_is_not_idle),
		SCENE(another_program_that_reads_a_pipe_is_no_worker),
		SCENE(a_fork_that_was_told_at_once_had_no_work),
		SCENE(a_tail_that_keeps_what_it_reads_is_no_helper),
		SCENE(a_signal_that_was_raised_again_is_a_way_down),
		SCENE(one_with_a_handler_is_not_said_to_have_none),
		SCENE(one_whose_handler_ran_is_not_said_to_have_none),
		SCENE(a_worker_that_dies_of_its_second_signal_was_not_killed_by_the_first),
		SCENE(one_without_a_handler_died_of_its_first_signal),
		SCENE(a_program_whose_failure_pid1_hides_is_not_clean),
		SCENE(a_failure_that_is_passed_on_is_not_hidden),
		SCENE(a_program_that_exits_with_143_did_as_it_was_told),
		SCENE(a_code_of_a_worker_says_nothing),
		SCENE(a_program_that_failed_when_it_was_told_to_end_is_not_clean),
		SCENE(a_crash_on_demand_is_none),
		SCENE(what_had_ended_before_the_stop_is_not_of_the_stop),
		SCENE(a_crash_of_what_the_stop_started_is_a_crash),
		SCENE(what_the_stop_started_and_the_kernel_killed_had_not_ended),
		SCENE(a_session_from_outside_ends_as_its_user_likes),
		SCENE(what_the_grace_ended_was_not_hidden_by_pid1),
		SCENE(what_ended_with_pid1_did_not_end_badly),
		SCENE(a_process_with_a_lifeline_is_a_mock),
		SCENE(a_mock_that_was_killed_is_the_scenarios),
		SCENE(the_worst_end_is_told_and_the_others_are_counted),
	};

	return cmocka_run_group_tests_name("ends", tests, NULL, NULL);
}
