/*
 * What was alive when PID 1 ended, and what is known of why.
 */
#include "harness/judge/test/scene.h"

#include <signal.h>
#include <string.h>

#include "lib/mem.h"

#define EXITED(code) ((code) << 8)

/* PID 1, which exits with 0 at once, and its child. */
static unsigned leave(struct judge_scene *scene, const char *child)
{
	scene_run_program(scene, "app", SIGTERM);
	return scene_add_process(scene, 0, child);
}

static struct proc_record *record_of(struct judge_scene *scene, unsigned number)
{
	return &scene->evidence.descendants[number - 1];
}

static void a_child_that_was_never_told_is_said_to_be(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = leave(scene, "web");

	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_string_equal(scene_text(scene, "L1"),
		"1 process was alive when PID 1 ended: web (pid 2): got no signal");
	/* The kernel's SIGKILL with the namespace is none of PID 1's. */
	record_of(scene, web)->ended_ns = T0 + 300 * CLOCK_MS;
	record_of(scene, web)->wait_status = SIGKILL;
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_says(scene, "L1", "web (pid 2): got no signal");
}

/* `kill -9 -1; exit 0`. */
static void a_child_that_was_killed_and_not_waited_for_is_said_to_be(void **state)
{
	struct judge_scene *scene = *state;

	scene_add_signal(scene, 250, 0, leave(scene, "web"), SIGKILL);
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_string_equal(scene_text(scene, "L1"),
		"1 process was alive when PID 1 ended: web (pid 2): sent SIGKILL");
	/* With the namespace, or for its memory. */
	scene->evidence.signals[1].sender = 0;
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_says(scene, "L1", "web (pid 2): got no signal");
}

static void a_child_that_was_told_and_not_waited_for_is_said_to_be(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = leave(scene, "web");

	scene_add_wait(scene, 5, 0);
	scene_add_signal(scene, 10, 0, web, SIGTERM);
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_string_equal(scene_text(scene, "L1"),
		"1 process was alive when PID 1 ended: web (pid 2): told to end, and not waited "
		"for");
	/* The kernel waits in its name, for what is left in the namespace. */
	scene_add_wait(scene, 299, 0);
	scene->evidence.signals[scene->evidence.signal_count - 1].ns += 500 * CLOCK_US;
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_says(scene, "L1", "told to end, and not waited for");
	/* It waited, and not to the end. */
	scene_add_wait(scene, 11, 0);
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_string_equal(scene_text(scene, "L1"),
		"1 process was alive when PID 1 ended: web (pid 2): told to end");
}

/* PID 1 waited for it until the grace expired. */
static void a_child_of_a_pid1_that_was_killed_was_waited_for(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = leave(scene, "web");

	scene_wait_in(scene, 0, CALL_WAIT4);
	scene_add_signal(scene, 10, 0, web, SIGTERM);
	scene_kill_at_grace(scene);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_string_equal(scene_text(scene, "L1"),
		"1 process was alive when PID 1 ended: web (pid 2): told to end");
}

/* By a shell that is gone: nobody has its pid. */
static void a_child_whose_parent_had_ended_is_an_orphan(void **state)
{
	struct judge_scene *scene = *state;
	unsigned shell = leave(scene, "sh"), daemon;

	daemon = scene_add_process(scene, shell, "daemon");
	scene_end_process(scene, shell, -50, EXITED(0));
	scene->before[1] = scene->before[2];
	scene->looks[0].count = 2;
	scene_before(scene, daemon)->ppid = scene_last(scene, daemon)->ppid = 400;
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_string_equal(scene_text(scene, "L1"),
		"1 process was alive when PID 1 ended: daemon (pid 3): orphaned before the stop");
	/* Its parent was there at the signal: PID 1 ended it, and left this one. */
	record_of(scene, shell)->ended_ns = T0 + 50 * CLOCK_MS;
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_says(scene, "L1", "daemon (pid 3): got no signal");
}

static void without_a_trace_nothing_is_said_of_signals(void **state)
{
	struct judge_scene *scene = *state;

	leave(scene, "web");
	scene->evidence.signals_known = false;
	scene->evidence.signal_count = 0;
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_string_equal(scene_text(scene, "L1"),
		"1 process was alive when PID 1 ended: web (pid 2)");
}

static void several_are_counted_by_what_is_known_of_each(void **state)
{
	struct judge_scene *scene = *state;
	unsigned told = leave(scene, "one");

	scene_add_process(scene, 0, "two");
	scene_add_process(scene, 0, "three");
	scene_add_signal(scene, 10, 0, told, SIGTERM);
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_string_equal(scene_text(scene, "L1"),
		"3 processes were alive when PID 1 ended: one (pid 2), two (pid 3), ...: 1 told "
		"to end, and not waited for, 2 got no signal");
}

/* --- who is none --- */

static void a_child_that_ended_before_pid1_was_not_left(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = leave(scene, "web");

	scene_end_process(scene, web, 298, EXITED(0));
	scene_expect(scene, VERDICT_CLEAN, "X0");
	/* PID 1 began to exit at 299 ms. */
	record_of(scene, web)->ended_ns = T0 + 299500 * CLOCK_US;
	scene_expect(scene, VERDICT_LEAK, "L1");
	/* Born after that: its parent is the finding. */
	record_of(scene, web)->born_ns = T0 + 299200 * CLOCK_US;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void a_session_from_outside_is_not_left(void **state)
{
	struct judge_scene *scene = *state;
	unsigned shell = leave(scene, "bash");

	scene_add_process(scene, shell, "top");
	record_of(scene, shell)->outside = true;
	record_of(scene, shell)->parent = 0;
	scene_before(scene, shell)->ppid = scene_last(scene, shell)->ppid = 0;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* Both were there when the case attached: the check's shell, and what it runs. */
static void what_runs_in_a_health_check_is_not_left(void **state)
{
	struct judge_scene *scene = *state;
	unsigned shell = leave(scene, "sh"), child;

	child = scene_add_process(scene, shell, "curl");
	record_of(scene, shell)->outside = record_of(scene, child)->outside = true;
	record_of(scene, shell)->parent = 0;
	scene_before(scene, shell)->ppid = scene_last(scene, shell)->ppid = 0;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void the_sleep_with_which_a_shell_waits_is_not_left(void **state)
{
	struct judge_scene *scene = *state;
	unsigned timer = leave(scene, "sleep");

	strcpy(scene_before(scene, 0)->exe, "bash");
	strcpy(scene_last(scene, 0)->exe, "bash");
	scene_expect(scene, VERDICT_CLEAN, "X0");
	/* One that another session began. */
	scene_last(scene, timer)->sid = 99;
	scene_expect(scene, VERDICT_LEAK, "L1");
	scene_last(scene, timer)->sid = scene_last(scene, 0)->sid;
	strcpy(scene_last(scene, timer)->name, "worker");
	scene_expect(scene, VERDICT_LEAK, "L1");
}

/* A JVM's and Go's thread for a child is in wait(2) since before the signal. */
static void one_that_a_thread_has_waited_for_all_the_time_is_not_left(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = leave(scene, "web");

	scene_add_signal(scene, 10, 0, web, SIGTERM);
	scene_end_process(scene, web, 299, SIGTERM);
	scene_before(scene, web)->caught = MASK(SIGTERM);
	scene_expect(scene, VERDICT_LEAK, "L1");
	scene_before(scene, 0)->threads = 2;
	judge(&scene->judgement, &scene->scenario, &scene->evidence);
	assert_false(scene_has_diagnosis(scene, "L1"));
	/* Nobody had waited for it: the kernel's SIGKILL met it. */
	scene_add_signal(scene, 300, SCENE_KERNEL, web, SIGKILL);
	scene_expect(scene, VERDICT_LEAK, "L1");
}

/* It was forked when both snapshots had been taken. */
static void the_sleep_that_no_snapshot_has_is_not_left_either(void **state)
{
	struct judge_scene *scene = *state;
	unsigned timer = leave(scene, "sleep");

	strcpy(scene_before(scene, 0)->exe, "bash");
	strcpy(scene_last(scene, 0)->exe, "bash");
	scene->looks[0].count = scene->looks[1].count = 1;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	/* The trap began it. */
	record_of(scene, timer)->born_ns = T0 + CLOCK_MS;
	scene_expect(scene, VERDICT_LEAK, "L1");
}

/* It outlived its session, and is PID 1's child now. */
static void what_a_health_check_left_is_left(void **state)
{
	struct judge_scene *scene = *state;
	unsigned check = leave(scene, "sleep");

	record_of(scene, check)->outside = true;
	record_of(scene, check)->parent = 0;
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_says(scene, "L1", "sleep (pid 2): got no signal");
}

/* It is over when its parent is. */
static void a_tracker_of_resources_is_not_left(void **state)
{
	struct judge_scene *scene = *state;
	unsigned tracker = leave(scene, "python3");

	strcpy(scene_before(scene, tracker)->command,
		"python3 -c from multiprocessing.resource_tracker import main;main(5)");
	scene_expect(scene, VERDICT_CLEAN, "X0");
	strcpy(scene_before(scene, tracker)->command, "python3 -c main(5)");
	scene_expect(scene, VERDICT_LEAK, "L1");
}

static void a_zombie_is_not_left(void **state)
{
	struct judge_scene *scene = *state;
	unsigned gone = leave(scene, "gone");

	record_of(scene, gone)->ended_ns = PROC_ENDED_BEFORE;
	scene_before(scene, gone)->state = scene_last(scene, gone)->state = 'Z';
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_says(scene, "L3", "1 zombie was not waited for");
	/* Its main thread alone has ended. */
	scene_last(scene, gone)->threads = 2;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_false(scene_has_diagnosis(scene, "L3"));
}

/* Its parent may be about to ask for it. */
static void what_has_just_ended_is_no_zombie_yet(void **state)
{
	struct judge_scene *scene = *state;
	unsigned gone = leave(scene, "gone");

	scene_last(scene, gone)->state = 'Z';
	record_of(scene, gone)->ended_ns = scene->looks[1].ns - 99 * CLOCK_MS;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_false(scene_has_diagnosis(scene, "L3"));
	record_of(scene, gone)->ended_ns = scene->looks[1].ns - 100 * CLOCK_MS;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_says(scene, "L3", "1 zombie was not waited for");
}

/* supervisord asks for its children once a second. */
static void what_may_have_been_reaped_later_is_no_zombie(void **state)
{
	struct judge_scene *scene = *state;
	unsigned gone = leave(scene, "gone");
	struct proc_record *record = record_of(scene, gone);
	int64_t seen = scene->looks[1].ns, end = scene->evidence.facts.signal_ns;

	scene_last(scene, gone)->state = 'Z';
	record->ended_ns = seen - 100 * CLOCK_MS;
	scene_add_wait(scene, (seen - end) / CLOCK_MS - 1, 0);
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_says(scene, "L3", "1 zombie was not waited for");
	scene_add_wait(scene, (seen - end) / CLOCK_MS + 1, 0);
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_false(scene_has_diagnosis(scene, "L3"));
	/* One of before the stop signal would have been waited for by then. */
	record->ended_ns = PROC_ENDED_BEFORE;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_says(scene, "L3", "1 zombie was not waited for");
}

/* --- told by PID 1, and gone a moment before it --- */

/* At 298.9 ms; PID 1 began to exit at 299 ms. */
static unsigned race(struct judge_scene *scene)
{
	unsigned web = leave(scene, "web");

	scene_add_signal(scene, 298, 0, web, SIGTERM);
	scene_end_process(scene, web, 0, SIGTERM)->ended_ns = T0 + 298900 * CLOCK_US;
	scene_set_masks(scene, 0, MASK(SIGTERM) | MASK(SIGCHLD), 0, 0);
	strcpy(scene_before(scene, 0)->exe, "bash");
	scene_before(scene, web)->caught = 0;
	/* Whatever it died of, it held no work. */
	strcpy(scene_before(scene, web)->name, "sleep");
	strcpy(scene_before(scene, web)->exe, "sleep");
	return web;
}

static void one_that_pid1_did_not_wait_for_was_left_however_fast_it_died(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = race(scene);

	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_says(scene, "L1", "told to end, and not waited for");
	/* Long ago: there was time for all. */
	record_of(scene, web)->ended_ns = T0 + 250 * CLOCK_MS;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_false(scene_has_diagnosis(scene, "L1"));
}

static void one_that_pid1_waited_for_was_not_left(void **state)
{
	struct judge_scene *scene = *state;

	race(scene);
	scene_add_wait(scene, 298, 0);
	scene->evidence.signals[scene->evidence.signal_count - 1].ns += 500 * CLOCK_US;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* bash's handler for SIGCHLD reaps whatever has ended: it proves no wait. */
static void a_wait_behind_its_end_may_be_a_handlers(void **state)
{
	struct judge_scene *scene = *state;

	race(scene);
	scene_add_wait(scene, 298, 0);
	scene->evidence.signals[scene->evidence.signal_count - 1].ns += 950 * CLOCK_US;
	scene_expect(scene, VERDICT_CLEAN, NULL);
	assert_int_equal(scene->judgement.orphans, 0);
	assert_true(scene_has_diagnosis(scene, "L4"));
	/* It had only begun to exit: bash had no time to reap it. */
	record_of(scene, 1)->dying_ns = record_of(scene, 1)->ended_ns;
	record_of(scene, 1)->ended_ns += 150 * CLOCK_US;
	scene_expect(scene, VERDICT_LEAK, "L1");
	strcpy(scene_before(scene, 0)->exe, "dash");
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_false(scene_has_diagnosis(scene, "L4"));
}

/* The kernel's SIGKILL at the end of the namespace found what was left of it. */
static void one_that_nobody_had_reaped_at_the_end_was_not_waited_for(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = race(scene);

	scene_add_wait(scene, 298, 0);
	scene->evidence.signals[scene->evidence.signal_count - 1].ns += 950 * CLOCK_US;
	scene_add_signal(scene, 299, SCENE_KERNEL, web, SIGKILL)->ignored = true;
	scene_expect(scene, VERDICT_LEAK, "L1");
}

/* dumb-init: the end of its child is why it ends. */
static void an_init_has_waited_for_its_child(void **state)
{
	struct judge_scene *scene = *state;

	race(scene);
	scene_add_wait(scene, 298, 0);
	scene->evidence.signals[scene->evidence.signal_count - 1].ns += 950 * CLOCK_US;
	strcpy(scene_before(scene, 0)->name, "dumb-init");
	strcpy(scene_last(scene, 0)->name, "dumb-init");
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_false(scene_has_diagnosis(scene, "L4"));
}

/* In 100 us after the end of one of two there is no time for both waits. */
static void a_handlers_wait_for_one_of_several_proves_none_of_them(void **state)
{
	struct judge_scene *scene = *state;
	unsigned other;

	race(scene);
	scene_add_wait(scene, 298, 0);
	scene->evidence.signals[scene->evidence.signal_count - 1].ns += 950 * CLOCK_US;
	other = scene_add_process(scene, 0, "sleep");
	scene_add_signal(scene, 298, 0, other, SIGTERM);
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_int_equal(scene->judgement.orphans, 2);
	/* In 300 us there is. */
	record_of(scene, 1)->ended_ns = T0 + 298700 * CLOCK_US;
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_int_equal(scene->judgement.orphans, 1);
}

static void one_that_somebody_else_told_is_not_pid1s_to_wait_for(void **state)
{
	struct judge_scene *scene = *state;

	race(scene);
	scene->evidence.signals[1].sender = 91;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void one_that_ended_by_itself_was_left_where_pid1_waited_for_none(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = race(scene);

	record_of(scene, web)->wait_status = EXITED(0);
	scene_expect(scene, VERDICT_LEAK, "L1");
	/* A wait behind its end, as libuv begins one at SIGCHLD. */
	scene_add_wait(scene, 298, 0);
	scene->evidence.signals[scene->evidence.signal_count - 1].ns += 950 * CLOCK_US;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_false(scene_has_diagnosis(scene, "L4"));
}

/* wait(NULL) once, of two: which of them it was for is chance. */
static void of_more_children_than_waits_the_last_was_left(void **state)
{
	struct judge_scene *scene = *state;
	unsigned other;

	race(scene);
	scene_add_wait(scene, 298, 0);
	scene->evidence.signals[scene->evidence.signal_count - 1].ns += 100 * CLOCK_US;
	other = scene_add_process(scene, 0, "sleep");
	scene_add_signal(scene, 298, 0, other, SIGTERM);
	scene_end_process(scene, other, 0, SIGTERM)->ended_ns = T0 + 298950 * CLOCK_US;
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_int_equal(scene->judgement.orphans, 1);
	assert_says(scene, "L1", "sleep (pid 3)");
	/* Another thread may have been in one. */
	scene_before(scene, 0)->threads = 2;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	/* Two waits. */
	scene_before(scene, 0)->threads = 1;
	scene_add_wait(scene, 298, 0);
	scene->evidence.signals[scene->evidence.signal_count - 1].ns += 200 * CLOCK_US;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* The kernel reaps them, and kill(pid, 0) tells. */
static void children_of_a_pid1_that_ignores_sigchld_need_no_wait(void **state)
{
	struct judge_scene *scene = *state;

	race(scene);
	scene_set_masks(scene, 0, MASK(SIGTERM), 0, MASK(SIGCHLD));
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* The connector stamps an end when the parent, which waited for it, has exited. */
static void one_that_had_begun_to_exit_was_not_left(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = leave(scene, "web");
	struct proc_record *record;

	scene_add_signal(scene, 10, 0, web, SIGTERM);
	scene_add_wait(scene, 11, 0);
	record = scene_end_process(scene, web, 0, EXITED(0));
	record->ended_ns = T0 + 299100 * CLOCK_US;
	scene_expect(scene, VERDICT_LEAK, "L1");
	record->dying_ns = T0 + 298900 * CLOCK_US;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	/* Another of its threads ended, long before. */
	record->dying_ns = T0 + 200 * CLOCK_MS;
	scene_expect(scene, VERDICT_LEAK, "L1");
}

/* An init ends with its program. */
static void an_init_has_waited_for_the_program_that_it_reports(void **state)
{
	struct judge_scene *scene = *state;

	race(scene);
	scene_add_wait(scene, 298, 0);
	scene->evidence.signals[scene->evidence.signal_count - 1].ns += 950 * CLOCK_US;
	scene_exit_with(scene, 128 + SIGTERM);
	scene_expect(scene, VERDICT_DIRTY, NULL);
	assert_true(scene_has_diagnosis(scene, "L4"));
	strcpy(scene_before(scene, 0)->exe, "dumb-init");
	strcpy(scene_last(scene, 0)->exe, "dumb-init");
	strcpy(scene_before(scene, 0)->name, "dumb-init");
	scene_expect(scene, VERDICT_DIRTY, NULL);
	assert_false(scene_has_diagnosis(scene, "L4"));
}

/* `kill 0` reaches them as well: their parent has to wait for them. */
static void a_grandchild_is_not_pid1s_to_wait_for(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = race(scene), shell = scene_add_process(scene, 0, "sh");

	scene_end_process(scene, shell, 250, EXITED(0));
	scene_before(scene, web)->ppid = scene_before(scene, shell)->pid;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_child_that_was_never_told_is_said_to_be),
		SCENE(a_child_that_was_killed_and_not_waited_for_is_said_to_be),
		SCENE(a_child_that_was_told_and_not_waited_for_is_said_to_be),
		SCENE(a_child_of_a_pid1_that_was_killed_was_waited_for),
		SCENE(a_child_whose_parent_had_ended_is_an_orphan),
		SCENE(without_a_trace_nothing_is_said_of_signals),
		SCENE(several_are_counted_by_what_is_known_of_each),
		SCENE(a_child_that_ended_before_pid1_was_not_left),
		SCENE(a_session_from_outside_is_not_left),
		SCENE(what_runs_in_a_health_check_is_not_left),
		SCENE(the_sleep_with_which_a_shell_waits_is_not_left),
		SCENE(one_that_a_thread_has_waited_for_all_the_time_is_not_left),
		SCENE(the_sleep_that_no_snapshot_has_is_not_left_either),
		SCENE(what_a_health_check_left_is_left),
		SCENE(a_tracker_of_resources_is_not_left),
		SCENE(a_zombie_is_not_left),
		SCENE(what_has_just_ended_is_no_zombie_yet),
		SCENE(what_may_have_been_reaped_later_is_no_zombie),
		SCENE(an_init_has_waited_for_its_child),
		SCENE(one_that_pid1_did_not_wait_for_was_left_however_fast_it_died),
		SCENE(one_that_pid1_waited_for_was_not_left),
		SCENE(a_wait_behind_its_end_may_be_a_handlers),
		SCENE(one_that_nobody_had_reaped_at_the_end_was_not_waited_for),
		SCENE(a_handlers_wait_for_one_of_several_proves_none_of_them),
		SCENE(one_that_somebody_else_told_is_not_pid1s_to_wait_for),
		SCENE(one_that_ended_by_itself_was_left_where_pid1_waited_for_none),
		SCENE(of_more_children_than_waits_the_last_was_left),
		SCENE(children_of_a_pid1_that_ignores_sigchld_need_no_wait),
		SCENE(one_that_had_begun_to_exit_was_not_left),
		SCENE(an_init_has_waited_for_the_program_that_it_reports),
		SCENE(a_grandchild_is_not_pid1s_to_wait_for),
	};

	return cmocka_run_group_tests_name("leaks", tests, NULL, NULL);
}
