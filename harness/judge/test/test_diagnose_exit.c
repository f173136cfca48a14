/*
 * Why PID 1 exited with the code that it did.
 */
#include "harness/judge/test/scene.h"

#include <signal.h>
#include <string.h>

#include "lib/mem.h"

#define EXITED(code) ((code) << 8)

/* PID 1, a shell that waits for its only child, exits with this code. */
static unsigned exit_above(struct judge_scene *scene, const char *child, int code)
{
	unsigned number;

	scene_run_program(scene, "sh", SIGTERM);
	scene_wait_in(scene, 0, CALL_WAIT4);
	number = scene_add_process(scene, 0, child);
	scene_wait_in(scene, number, CALL_PAUSE);
	scene_exit_with(scene, code);
	return number;
}

/* An init, which was sent the stop signal and passed it on, exits with 128 + its number;
 * its child died of it. */
static unsigned exit_behind_init(
	struct judge_scene *scene, const char *child, int stop_signal)
{
	unsigned number;

	scene_run_program(scene, "tini", stop_signal);
	scene_wait_in(scene, 0, CALL_SIGTIMEDWAIT);
	number = scene_add_process(scene, 0, child);
	scene_wait_in(scene, number, CALL_PAUSE);
	scene_add_signal(scene, 1, 0, number, stop_signal);
	scene_end_process(scene, number, 250, stop_signal);
	scene_exit_with(scene, 128 + stop_signal);
	return number;
}

/* --- X5: how a child ended --- */

static void a_code_that_stands_for_a_childs_end_names_the_child(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = exit_above(scene, "app", 137);
	struct proc_record *record = scene_end_process(scene, app, 50, SIGKILL);

	scene_add_signal(scene, 49, SCENE_STRANGER, app, SIGKILL);
	scene_expect(scene, VERDICT_DIRTY, "X5");
	assert_string_equal(scene_text(scene, "X5"),
		"no signal ended PID 1 (sh): it exited with 137, which is how a child ended: "
		"app (pid 2) died of SIGKILL from kill");
	record->wait_status = EXITED(137);
	scene_expect(scene, VERDICT_DIRTY, NULL);
	assert_says(scene, "X5", "a child ended: app (pid 2) exited with 137");
	/* It ended otherwise: then the code is PID 1's own. */
	record->wait_status = EXITED(0);
	scene_expect(scene, VERDICT_DIRTY, "X5");
	assert_string_equal(scene_text(scene, "X5"),
		"no signal ended PID 1 (sh): it exited with 137 by itself");
}

/* 200 stands for no signal: it is passed on like any other code. */
static void a_childs_code_has_no_second_reason(void **state)
{
	static const struct {
		int code;
		const char *reason, *others[2];
	} rows[] = {{143, "X5", {"X8", "X12"}}, {200, "X12", {"X5", "X8"}},
		{255, "X12", {"X5", "X8"}}};
	struct judge_scene *scene = *state;
	unsigned app = exit_above(scene, "app", 143);
	struct proc_record *record = scene_end_process(scene, app, 50, 0);

	for (size_t i = 0; i < COUNT(rows); i++) {
		scene_exit_with(scene, rows[i].code);
		record->wait_status = EXITED(rows[i].code);
		scene_expect(scene, VERDICT_DIRTY, rows[i].reason);
		assert_false(scene_has_diagnosis(scene, rows[i].others[0]));
		assert_false(scene_has_diagnosis(scene, rows[i].others[1]));
	}
}

static void a_code_that_an_init_passed_on_is_the_programs(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = exit_behind_init(scene, "app", SIGTERM);
	struct proc_record *record = &scene->evidence.descendants[app - 1];

	scene_exit_with(scene, 255);
	record->wait_status = EXITED(255);
	scene_expect(scene, VERDICT_DIRTY, "X12");
	assert_string_equal(scene_text(scene, "X12"),
		"app (pid 2) exited with 255, and PID 1 (tini) passed that on");
	scene_exit_with(scene, 130);
	record->wait_status = EXITED(130);
	scene_expect(scene, VERDICT_DIRTY, "X8");
	assert_says(
		scene, "X8", "130 by its own decision: app (pid 2) exited with 130");
	assert_false(scene_has_diagnosis(scene, "X5"));
}

/* dumb-init --rewrite 15:3. */
static void a_signal_that_was_sent_below_is_no_crash(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = exit_above(scene, "app", 131);

	scene_end_process(scene, app, 50, SIGQUIT);
	scene_expect(scene, VERDICT_CRASH, "X5");
	scene_add_signal(scene, 49, 0, app, SIGQUIT);
	scene_expect(scene, VERDICT_DIRTY, "X5");
	assert_says(scene, "X5", "a child ended: app (pid 2) died of SIGQUIT");
}

/* exit 141, and nothing died of SIGPIPE. */
static void a_crash_that_nobody_had_is_none(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = exit_above(scene, "app", 141);
	struct proc_record *record = scene_end_process(scene, app, 50, EXITED(0));

	scene_expect(scene, VERDICT_DIRTY, "X12");
	record->wait_status = SIGPIPE;
	scene_expect(scene, VERDICT_CRASH, "X5");
	/* Nobody saw what ran below it, or how PID 1 itself ended. */
	record->wait_status = EXITED(0);
	scene->evidence.descendants_known = false;
	scene_expect(scene, VERDICT_CRASH, NULL);
	scene->evidence.descendants_known = true;
	scene->evidence.facts.wait_status_known = false;
	scene_expect(scene, VERDICT_CRASH, NULL);
}

/* systemd at the end of its way down: raw status 0, and the kernel says SIGINT. */
static void an_end_by_reboot_is_told_from_a_decision(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "systemd", SIGRTMIN + 3);
	scene_exit_with(scene, 130);
	scene->evidence.facts.wait_status = EXITED(0);
	scene_expect(scene, VERDICT_DIRTY, "X8");
	assert_string_equal(scene_text(scene, "X8"),
		"130: PID 1 (systemd) powered off its container by reboot(2), which is how a "
		"full init ends: the kernel reports that as SIGINT");
	scene_exit_with(scene, 129);
	scene->evidence.facts.wait_status = EXITED(0);
	scene_expect(scene, VERDICT_DIRTY, "X8");
	assert_says(scene, "X8", "(systemd) restarted its container");
	assert_int_equal(scene->judgement.diagnosis_count, 1);
}

static void a_second_signal_is_told_with_the_code(void **state)
{
	static const struct {
		int code;
		const char *reason;
	} rows[] = {{130, "X8"}, {1, "X12"}};
	struct judge_scene *scene = *state;

	scene_run_program(scene, "web", SIGTERM);
	scene_add_signal(scene, 90, 0, 0, SIGUSR1); /* its own */
	scene_add_signal(scene, 100, SCENE_STRANGER, 0, SIGWINCH);
	for (size_t i = 0; i < COUNT(rows); i++) {
		scene_exit_with(scene, rows[i].code);
		scene_expect(scene, VERDICT_DIRTY, rows[i].reason);
		assert_null(strstr(scene_text(scene, rows[i].reason), "as well"));
	}
	scene_add_signal(scene, 200, SCENE_STRANGER, 0, SIGINT);
	for (size_t i = 0; i < COUNT(rows); i++) {
		scene_exit_with(scene, rows[i].code);
		scene_expect(scene, VERDICT_DIRTY, rows[i].reason);
		assert_says(scene, rows[i].reason,
			", after PID 1 was sent SIGINT as well (+200ms)");
	}
}

static void a_code_is_told_with_its_last_line(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "bash", SIGTERM);
	scene_log_line(scene, -5, "ready");
	scene_exit_with(scene, 127);
	scene_expect(scene, VERDICT_DIRTY, "X12");
	assert_string_equal(scene_text(scene, "X12"),
		"PID 1 (bash) exited with 127 (a shell's code for a command that was not "
		"found)");
	scene_log_line(scene, 50, "save: command not found");
	scene_exit_with(scene, 1);
	scene_expect(scene, VERDICT_DIRTY, "X12");
	assert_string_equal(scene_text(scene, "X12"),
		"PID 1 (bash) exited with 1; its last line: \"save: command not found\"");
}

/* The kernel killed it with PID 1's namespace, by SIGKILL. */
static void a_code_is_not_blamed_on_a_child_that_ended_with_pid1(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = exit_above(scene, "app", 137);

	scene_end_process(scene, app, 300, SIGKILL);
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_says(scene, "X5", "it exited with 137 by itself");
}

static void a_code_of_before_the_stop_has_no_reason_in_it(void **state)
{
	static const int codes[] = {1, 137, 143};
	struct judge_scene *scene = *state;

	exit_above(scene, "app", 0);
	scene_end_process(scene, 1, 50, SIGTERM);
	scene->evidence.facts.exited_before_stop = true;
	for (size_t i = 0; i < COUNT(codes); i++) {
		scene_exit_with(scene, codes[i]);
		scene_expect(scene, VERDICT_CRASH, "X10");
		assert_int_equal(scene->judgement.diagnosis_count, 1);
	}
}

static void a_child_that_killed_itself_has_no_other_killer(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = exit_above(scene, "app", 137);

	scene_add_signal(scene, 49, (int)app, app, SIGKILL);
	scene_end_process(scene, app, 50, SIGKILL);
	scene_expect(scene, VERDICT_DIRTY, "X5");
	assert_says(
		scene, "X5", "app (pid 2) died of SIGKILL, which it sent to itself");
	assert_false(scene_has_diagnosis(scene, "X11"));
}

/* The kernel sends SIGPIPE for a write, in the name of the one that writes. */
static void sigpipe_is_for_a_write(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = exit_above(scene, "app", 141);

	scene_add_signal(scene, 49, (int)app, app, SIGPIPE);
	scene_end_process(scene, app, 50, SIGPIPE);
	scene_expect(scene, VERDICT_CRASH, "X5");
	assert_says(
		scene, "X5", "app (pid 2) died of SIGPIPE: it wrote what nobody reads");
}

/* A watchdog sends SIGABRT: no crash, whatever the exit code. */
static void an_abort_that_was_sent_is_no_crash(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = exit_above(scene, "app", 134);

	scene_add_signal(scene, 49, 0, app, SIGABRT);
	scene_end_process(scene, app, 50, SIGABRT);
	scene_expect(scene, VERDICT_DIRTY, "X5");
	assert_says(scene, "X5", "app (pid 2) died of SIGABRT from sh");
}

/* A child that runs on has not ended in any way. */
static void a_code_is_not_blamed_on_a_child_that_runs(void **state)
{
	struct judge_scene *scene = *state;

	exit_above(scene, "app", 143);
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_false(scene_has_diagnosis(scene, "X5"));
	assert_says(scene, "X8",
		"143 by its own decision: sh (pid 1) exited with 143, no signal ended it, "
		"logged nothing");
}

/* Nobody saw what ran below it. */
static void where_descendants_are_not_seen_no_child_is_excluded(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "sh", SIGTERM);
	scene->evidence.descendants_known = false;
	scene_exit_with(scene, 143);
	scene_expect(scene, VERDICT_DIRTY, "X5");
	assert_string_equal(scene_text(scene, "X5"),
		"no signal ended PID 1 (sh): it exited with 143");
	assert_false(scene_has_diagnosis(scene, "X8"));
}

static void a_code_without_a_raw_status_may_be_a_signal(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = exit_above(scene, "app", 143);

	scene_end_process(scene, app, 50, SIGTERM);
	scene->evidence.facts.wait_status_known = false;
	scene_expect(scene, VERDICT_DIRTY, NULL);
	assert_false(scene_has_diagnosis(scene, "X5"));
}

/* --- X8: its own way down --- */

static void a_program_that_chooses_143_is_said_to(void **state)
{
	static const int codes[] = {129, 130, 131, 143};
	struct judge_scene *scene = *state;

	scene_run_program(scene, "queue", SIGTERM);
	scene_log_line(scene, 50, "saved");
	for (size_t i = 0; i < COUNT(codes); i++) {
		scene_exit_with(scene, codes[i]);
		judge(&scene->judgement, &scene->scenario, &scene->evidence);
		assert_true(scene_has_diagnosis(scene, "X8"));
		assert_says(scene, "X8",
			"by its own decision: queue (pid 1) exited with 1");
		assert_says(scene, "X8", "no signal ended it, logged 1 line");
		assert_false(scene_has_diagnosis(scene, "X5"));
		assert_false(scene_has_diagnosis(scene, "X12"));
	}
}

static void a_program_behind_an_init_chooses_143_as_well(void **state)
{
	struct judge_scene *scene = *state;
	unsigned queue = exit_behind_init(scene, "queue", SIGTERM);
	struct proc_record *record = &scene->evidence.descendants[queue - 1];

	record->wait_status = EXITED(143);
	scene_before(scene, queue)->caught = 0; /* it waits for signals, say */
	scene_expect(scene, VERDICT_DIRTY, "X8");
	assert_string_equal(scene_text(scene, "X8"),
		"143 by its own decision: queue (pid 2) exited with 143, no signal ended it, "
		"logged nothing");
	assert_false(scene_has_diagnosis(scene, "X9"));
}

/* tini -- sh -c "...; wait $p; exit $?". */
static void a_shell_behind_an_init_passes_on_how_its_child_ended(void **state)
{
	struct judge_scene *scene = *state;
	unsigned shell = exit_behind_init(scene, "sh", SIGTERM);
	unsigned app = scene_add_process(scene, shell, "app");
	struct proc_record *record = &scene->evidence.descendants[app - 1];

	scene->evidence.descendants[shell - 1].wait_status = EXITED(143);
	scene_add_signal(scene, 2, (int)shell, app, SIGTERM);
	scene_end_process(scene, app, 240, SIGTERM);
	scene_expect(scene, VERDICT_DIRTY, "X5");
	assert_string_equal(scene_text(scene, "X5"),
		"no signal ended PID 1 (tini): it exited with 143, which is how a child ended: "
		"app (pid 3) died of SIGTERM from sh");
	assert_false(scene_has_diagnosis(scene, "X8"));
	assert_false(scene_has_diagnosis(scene, "X9"));
	/* The shell chose it. */
	record->wait_status = EXITED(0);
	scene_expect(scene, VERDICT_DIRTY, "X8");
	assert_says(scene, "X8", "143 by its own decision: sh (pid 2) exited with 143");
	assert_false(scene_has_diagnosis(scene, "X5"));
}

/* trap 'kill ${!}; kill $p; wait $p; exit 143' TERM, with a tail that keeps it waiting. */
static void a_helper_that_a_trap_ends_first_is_no_reason_for_its_code(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = exit_above(scene, "app", 143);
	unsigned sleep = scene_add_process(scene, 0, "sleep");
	struct proc_record *record;

	scene_add_signal(scene, 1, 0, sleep, SIGTERM);
	scene_add_signal(scene, 1, 0, app, SIGTERM);
	scene_end_process(scene, sleep, 2, SIGTERM);
	record = scene_end_process(scene, app, 250, EXITED(0));
	scene_expect(scene, VERDICT_DIRTY, "X8");
	assert_says(scene, "X8", "143 by its own decision: sh (pid 1) exited with 143");
	/* The program died of it as well. */
	record->wait_status = SIGTERM;
	scene_expect(scene, VERDICT_DIRTY, "X5");
	assert_says(
		scene, "X5", "how a child ended: app (pid 2) died of SIGTERM from sh");
	/* The helper is the one that the shell waited for. */
	record->wait_status = EXITED(0);
	record->ended_ns = T0 + CLOCK_MS;
	scene_expect(scene, VERDICT_DIRTY, "X5");
	assert_says(scene, "X5", "how a child ended: sleep (pid 3) died of SIGTERM");
}

static void a_way_down_that_ends_in_the_signal_is_told_with_its_time(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = exit_behind_init(scene, "web", SIGTERM);

	scene_add_handled(scene, 1, web, SIGTERM);
	scene_add_signal(scene, 249, (int)web, web, SIGTERM);
	scene_expect(scene, VERDICT_DIRTY, "X8");
	assert_string_equal(scene_text(scene, "X8"),
		"143 after its own way down: it (web) caught SIGTERM, logged nothing, took "
		"300ms, and raised SIGTERM again, which PID 1 would not get");
	assert_false(scene_has_diagnosis(scene, "X9"));
}

/* Its second signal came from somebody else. */
static void a_signal_that_nobody_raised_is_not_said_to_be(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = exit_behind_init(scene, "web", SIGTERM);

	scene_add_handled(scene, 1, web, SIGTERM);
	scene_add_signal(scene, 249, SCENE_STRANGER, web, SIGTERM);
	scene_expect(scene, VERDICT_DIRTY, "X8");
	assert_string_equal(scene_text(scene, "X8"),
		"143 after its own way down: it (web) caught SIGTERM, logged nothing, took "
		"300ms");
	/* Nobody traced signals: its raw status tells. */
	scene->evidence.signals_known = false;
	scene->evidence.signal_count = 0;
	scene_expect(scene, VERDICT_DIRTY, "X8");
	assert_says(scene, "X8", ", and raised SIGTERM again");
}

/* --- X8, X9, with the mocks --- */

/* PID 1 is an init, wherever it came from, and reports how its child died. */
static void end_behind_init(struct judge_scene *scene, struct snapshot *snapshots)
{
	strcpy(scene->pid1[0].name, "tini");
	strcpy(scene->pid1[1].name, "web");
	scene_add_descendant(scene, scene->pid1[1].pid, 299)->wait_status = SIGTERM;
	scene_look_at(scene, snapshots, 1);
	scene_exit_with(scene, 143);
}

static void a_143_behind_an_init_names_what_died(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];

	end_behind_init(scene, snapshots);
	scene_expect(scene, VERDICT_DIRTY, "X9");
	assert_string_equal(scene->judgement.diagnoses[0].text,
		"143: SIGTERM's default disposition ended web behind the init: it caught no "
		"SIGTERM, logged nothing");
	evidence_add_log(&scene->evidence, T0 + CLOCK_MS, "bye", 3);
	scene_expect(scene, VERDICT_DIRTY, "X9");
	assert_non_null(strstr(scene->judgement.diagnoses[0].text, "logged 1 line"));
}

/* Many a web server does: it says goodbye in its own words. */
static void a_143_of_one_that_caught_it_is_a_way_down(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];

	end_behind_init(scene, snapshots);
	scene->pid1[1].caught = 1u << (SIGTERM - 1);
	evidence_add_log(&scene->evidence, T0 + CLOCK_MS, "bye", 3);
	scene_expect(scene, VERDICT_DIRTY, "X8");
	assert_non_null(strstr(scene->judgement.diagnoses[0].text,
		"it (web) caught SIGTERM, logged 1 line, took 300ms"));
	assert_false(scene_has_diagnosis(scene, "X9"));
}

/* A shell that is about to fork blocks all signals for a moment. */
static void a_143_of_one_that_only_blocked_it_is_no_way_down(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];

	end_behind_init(scene, snapshots);
	scene->pid1[1].blocked = UINT64_MAX;
	scene_expect(scene, VERDICT_DIRTY, "X9");
	evidence_add_log(&scene->evidence, T0 + CLOCK_MS, "bye", 3);
	scene_expect(scene, VERDICT_DIRTY, "X8");
}

static void a_143_names_the_process_that_never_received_the_signal(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];
	struct proc procs[3];

	end_behind_init(scene, snapshots);
	procs[0] = scene->pid1[0];
	procs[1] = scene->pid1[1];
	procs[2] = (struct proc){.pid = 402, .ppid = 401, .ns_pid = 3, .name = "app"};
	snapshots[0].procs = procs;
	snapshots[0].count = 3;
	scene->evidence.signals_known = true;
	scene_add_descendant(scene, 402, 301);
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_true(scene_has_diagnosis(scene, "X9"));
	assert_non_null(strstr(scene->judgement.diagnoses[1].text,
		"ended web behind the init: app (pid 3) ran below it and never received "
		"it"));
}

static void a_143_of_its_own_is_not_the_default(void **state)
{
	struct judge_scene *scene = *state;

	scene_exit_with(scene, 143);
	scene_expect(scene, VERDICT_DIRTY, "X5");
}

/* --- X9: the default --- */

/* node's own handler restores the terminal, and nothing else. */
static void a_runtime_that_raises_it_again_at_once_has_no_way_down(void **state)
{
	struct judge_scene *scene = *state;
	unsigned node = exit_behind_init(scene, "node", SIGTERM);
	struct proc_signal *raised;

	scene_add_handled(scene, 1, node, SIGTERM);
	raised = scene_add_signal(scene, 20, (int)node, node, SIGTERM);
	scene_expect(scene, VERDICT_DIRTY, "X9");
	assert_string_equal(scene_text(scene, "X9"),
		"143: SIGTERM's default disposition ended node behind the init: its runtime "
		"caught SIGTERM and raised it again at once, the program has no handler of its "
		"own");
	assert_false(scene_has_diagnosis(scene, "X8"));
	raised->ns += CLOCK_MS;
	scene_expect(scene, VERDICT_DIRTY, "X8");
	raised->ns -= CLOCK_MS;
	scene_log_line(scene, 5, "bye");
	scene_expect(scene, VERDICT_DIRTY, "X8");
}

static void one_that_handles_sigterm_dies_of_an_inherited_sigquit(void **state)
{
	struct judge_scene *scene = *state;
	unsigned web = exit_behind_init(scene, "web", SIGQUIT);

	/* The later snapshot does not have it any more. */
	scene_before(scene, web)->caught = MASK(SIGTERM);
	scene_expect(scene, VERDICT_DIRTY, "X9");
	assert_string_equal(scene_text(scene, "X9"),
		"131: SIGQUIT's default disposition ended web behind the init: it caught no "
		"SIGQUIT (it catches SIGTERM), logged nothing");
	scene_before(scene, web)->caught = 0;
	scene_expect(scene, VERDICT_DIRTY, "X9");
	assert_says(scene, "X9", "it caught no SIGQUIT, logged nothing");
}

static void an_init_inside_an_init_is_not_the_program(void **state)
{
	struct judge_scene *scene = *state;
	unsigned inner, app;

	scene_run_program(scene, "docker-init", SIGTERM);
	scene_wait_in(scene, 0, CALL_SIGTIMEDWAIT);
	inner = scene_add_process(scene, 0, "tini");
	app = scene_add_process(scene, inner, "app");
	scene_wait_in(scene, app, CALL_PAUSE);
	scene_set_masks(scene, app, 0, 0, 0);
	scene_add_signal(scene, 1, 0, inner, SIGTERM);
	scene_add_signal(scene, 2, (int)inner, app, SIGTERM);
	scene_end_process(scene, app, 3, SIGTERM);
	scene_end_process(scene, inner, 4, EXITED(143));
	scene_exit_with(scene, 143);
	scene_expect(scene, VERDICT_DIRTY, "X9");
	assert_says(scene, "X9", "ended app behind the init: it caught no SIGTERM");
}

/* A shell died of it; what ran below it is left. */
static void what_ran_below_it_is_told_by_what_it_got(void **state)
{
	struct judge_scene *scene = *state;
	unsigned shell = exit_behind_init(scene, "sh", SIGTERM), app;

	scene_before(scene, shell)->caught = 0;
	app = scene_add_process(scene, shell, "app");
	scene_expect(scene, VERDICT_LEAK, NULL);
	assert_says(scene, "X9",
		"ended sh behind the init: app (pid 3) ran below it and never received it");
	/* dumb-init signals the whole group. */
	scene_add_signal(scene, 1, 0, app, SIGTERM);
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_says(scene, "X9",
		"app (pid 3) ran below it, received it too, and had not ended");
	/* Nobody traced signals: then nobody says that it got none. */
	scene->evidence.signals_known = false;
	scene->evidence.signal_count = 0;
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_says(scene, "X9", "app (pid 3) ran below it, and had not ended");
}

/* --- X12: any other code --- */

static void a_code_of_pid1s_own_is_its_own(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = exit_above(scene, "app", 1);

	scene_end_process(scene, app, 50, EXITED(0));
	scene_expect(scene, VERDICT_DIRTY, "X12");
	assert_string_equal(scene_text(scene, "X12"),
		"PID 1 (sh) exited with 1; app (pid 2) exited with 0");
	scene_exit_with(scene, 200);
	scene_expect(scene, VERDICT_DIRTY, "X12");
	scene_exit_with(scene, 0);
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void the_log_says_why_it_exited_with_that_code(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = exit_above(scene, "app", 1);

	scene_end_process(scene, app, 50, EXITED(0));
	scene_log_line(scene, -1, "Error: of before the stop");
	scene_expect(scene, VERDICT_DIRTY, "X12");
	assert_null(strstr(scene_text(scene, "X12"), "last line"));
	scene_log_line(scene, 20, "flushing");
	scene_log_line(scene, 20, "");
	scene_expect(scene, VERDICT_DIRTY, "X12");
	assert_says(scene, "X12", "; its last line: \"flushing\"");
	scene_log_line(scene, 21, "OperationalError: database is locked");
	scene_log_line(scene, 22, "Node.js v20");
	scene_expect(scene, VERDICT_DIRTY, "X12");
	assert_says(scene, "X12",
		"; its last line that speaks of an error: \"OperationalError: database is "
		"locked\"");
}

static void a_code_that_pid1_passed_on_is_the_programs(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = exit_above(scene, "app", 3);

	scene_end_process(scene, app, 50, EXITED(3));
	scene_expect(scene, VERDICT_DIRTY, "X12");
	assert_string_equal(scene_text(scene, "X12"),
		"app (pid 2) exited with 3, and PID 1 (sh) passed that on");
}

/* PostgreSQL's launcher exits with 1 in a clean stop: it may be by chance. */
static void the_same_code_of_one_child_of_many_was_not_passed_on(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app = exit_above(scene, "app", 1);
	unsigned other = scene_add_process(scene, 0, "other");

	scene_end_process(scene, app, 50, EXITED(1));
	scene_end_process(scene, other, 50, EXITED(0));
	scene_expect(scene, VERDICT_DIRTY, "X12");
	assert_string_equal(scene_text(scene, "X12"),
		"PID 1 (sh) exited with 1, as app (pid 2) had");
}

/* npm and make. */
static void a_signal_raised_in_vain_goes_before_its_code(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "make", SIGTERM);
	scene_add_signal(scene, 100, 0, 0, SIGTERM);
	scene_exit_with(scene, 2);
	scene_expect(scene, VERDICT_DIRTY, "X12");
	assert_string_equal(scene_text(scene, "X12"), "PID 1 (make) exited with 2");
	scene->evidence.signals[1].ignored = true;
	scene_expect(scene, VERDICT_DIRTY, "X12");
	assert_string_equal(scene_text(scene, "X12"),
		"PID 1 (make) exited with 2, after it had raised SIGTERM for itself, which "
		"PID 1 does not get");
}

static void one_code_has_one_reason(void **state)
{
	static const struct {
		int code;
		const char *reason;
	} rows[] = {{1, "X12"}, {127, "X12"}, {129, "X8"}, {130, "X8"}, {137, "X5"},
		{138, "X12"}, {143, "X8"}, {255, "X12"}};
	static const char *const reasons[] = {"X5", "X8", "X9", "X12"};
	struct judge_scene *scene = *state;

	scene_run_program(scene, "web", SIGTERM);
	for (size_t i = 0; i < COUNT(rows); i++) {
		scene_exit_with(scene, rows[i].code);
		judge(&scene->judgement, &scene->scenario, &scene->evidence);
		for (size_t k = 0; k < COUNT(reasons); k++) {
			if (scene_has_diagnosis(scene, reasons[k]) !=
				(strcmp(reasons[k], rows[i].reason) == 0))
				fail_msg("%d: %s", rows[i].code, reasons[k]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_code_that_stands_for_a_childs_end_names_the_child),
		SCENE(a_childs_code_has_no_second_reason),
		SCENE(a_code_that_an_init_passed_on_is_the_programs),
		SCENE(a_signal_that_was_sent_below_is_no_crash),
		SCENE(a_crash_that_nobody_had_is_none),
		SCENE(an_end_by_reboot_is_told_from_a_decision),
		SCENE(a_second_signal_is_told_with_the_code),
		SCENE(a_code_is_told_with_its_last_line),
		SCENE(a_code_is_not_blamed_on_a_child_that_ended_with_pid1),
		SCENE(a_code_of_before_the_stop_has_no_reason_in_it),
		SCENE(a_child_that_killed_itself_has_no_other_killer),
		SCENE(a_code_is_not_blamed_on_a_child_that_runs),
		SCENE(where_descendants_are_not_seen_no_child_is_excluded),
		SCENE(a_code_without_a_raw_status_may_be_a_signal),
		SCENE(a_program_that_chooses_143_is_said_to),
		SCENE(a_program_behind_an_init_chooses_143_as_well),
		SCENE(a_shell_behind_an_init_passes_on_how_its_child_ended),
		SCENE(a_helper_that_a_trap_ends_first_is_no_reason_for_its_code),
		SCENE(a_way_down_that_ends_in_the_signal_is_told_with_its_time),
		SCENE(a_signal_that_nobody_raised_is_not_said_to_be),
		SCENE(a_143_behind_an_init_names_what_died),
		SCENE(a_143_of_one_that_caught_it_is_a_way_down),
		SCENE(a_143_of_one_that_only_blocked_it_is_no_way_down),
		SCENE(a_143_names_the_process_that_never_received_the_signal),
		SCENE(a_143_of_its_own_is_not_the_default),
		SCENE(a_runtime_that_raises_it_again_at_once_has_no_way_down),
		SCENE(one_that_handles_sigterm_dies_of_an_inherited_sigquit),
		SCENE(an_init_inside_an_init_is_not_the_program),
		SCENE(what_ran_below_it_is_told_by_what_it_got),
		SCENE(a_code_of_pid1s_own_is_its_own),
		SCENE(the_log_says_why_it_exited_with_that_code),
		SCENE(a_code_that_pid1_passed_on_is_the_programs),
		SCENE(the_same_code_of_one_child_of_many_was_not_passed_on),
		SCENE(a_signal_raised_in_vain_goes_before_its_code),
		SCENE(one_code_has_one_reason),
		SCENE(sigpipe_is_for_a_write),
		SCENE(an_abort_that_was_sent_is_no_crash),
	};

	return cmocka_run_group_tests_name("diagnose_exit", tests, NULL, NULL);
}
