/*
 * What is known of each process of a stop, joined.
 */
#include "harness/judge/test/scene.h"

#include <signal.h>
#include <string.h>

#include "harness/judge/processes.h"

/* Finds them anew. To be given back with processes_done(). */
static struct processes find(const struct judge_scene *scene)
{
	struct processes processes;

	processes_find(&processes, &scene->evidence);
	return processes;
}

static const struct process *number(const struct processes *processes, unsigned index)
{
	const struct process *process = processes_by_pid(processes, 400 + (pid_t)index);

	assert_non_null(process);
	return process;
}

static void a_process_is_what_record_and_snapshots_say_of_it(void **state)
{
	struct judge_scene *scene = *state;
	struct processes processes;
	const struct process *web;

	scene_run_program(scene, "sh", SIGTERM);
	scene_add_process(scene, 0, "web");
	scene_add_process(scene, 1, "gone");
	scene_end_process(scene, 2, 50, SIGSEGV);
	processes = find(scene);
	assert_int_equal(processes.count, 3);
	assert_int_equal(processes.list[0].pid, 400);
	assert_null(processes.list[0].record);
	assert_null(processes.list[0].parent);
	assert_true(processes.list[0].was_there);
	web = number(&processes, 1);
	assert_string_equal(web->name, "web");
	assert_int_equal(web->ns_pid, 2);
	assert_true(web->was_there);
	assert_false(web->ended);
	assert_ptr_equal(web->parent, processes.list);
	assert_true(number(&processes, 2)->ended);
	assert_true(number(&processes, 2)->status_known);
	assert_int_equal(number(&processes, 2)->wait_status, SIGSEGV);
	assert_null(number(&processes, 2)->last);
	assert_ptr_equal(number(&processes, 2)->parent, web);
	assert_null(processes_by_pid(&processes, 4711));
	processes_done(&processes);
}

/* The kernel did not report it: no root. */
static void a_process_of_a_snapshot_alone_has_no_end(void **state)
{
	struct judge_scene *scene = *state;
	struct processes processes;

	scene_run_program(scene, "sh", SIGTERM);
	scene_add_process(scene, 0, "web");
	scene_add_process(scene, 0, "zombie");
	scene_before(scene, 2)->state = 'Z';
	scene->evidence.descendant_count = 0;
	scene->evidence.descendants_known = false;
	processes = find(scene);
	assert_false(processes.signals_known);
	assert_true(number(&processes, 1)->was_there);
	assert_false(number(&processes, 1)->status_known);
	assert_false(number(&processes, 2)->was_there);
	processes_done(&processes);
}

static void a_pid_that_was_used_again_is_the_newer_process(void **state)
{
	struct judge_scene *scene = *state;
	struct processes processes;
	struct proc_record *record;

	scene_run_program(scene, "sh", SIGTERM);
	scene_add_process(scene, 0, "old");
	scene_end_process(scene, 1, 20, SIGKILL);
	record = scene_add_descendant(scene, 401, 0);
	*record = (struct proc_record){
		.pid = 401, .born_ns = T0 + 30 * CLOCK_MS, .name = "new"};
	scene_add_signal(scene, 10, 0, 1, SIGTERM);
	processes = find(scene);
	assert_int_equal(processes.count, 3);
	assert_string_equal(number(&processes, 1)->record->name, "new");
	assert_false(number(&processes, 1)->was_there);
	/* What the older one was sent is not the newer one's. */
	assert_null(number(&processes, 1)->told);
	processes_done(&processes);
}

static void a_process_is_there_from_its_fork_to_its_end(void **state)
{
	static const struct {
		int64_t born_ms, ended_ms; /* 0: not */
		bool was_there, ended;
		const char *why;
	} rows[] = {
		{-10, 0, true, false, "it runs on"},
		{-10, 50, true, true, "it ended"},
		{-10, -5, false, true, "it was over"},
		{10, 50, false, true, "it came later"},
		{-10, 299, true, true, "as PID 1 began to exit"},
		{-10, 300, true, false, "with PID 1"},
	};
	struct judge_scene *scene = *state;

	scene_run_program(scene, "sh", SIGTERM);
	scene_add_process(scene, 0, "web");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct proc_record *record = scene->evidence.descendants;
		struct processes processes;
		const struct process *web;

		record->born_ns = T0 + rows[i].born_ms * CLOCK_MS;
		record->ended_ns =
			rows[i].ended_ms ? T0 + rows[i].ended_ms * CLOCK_MS : 0;
		processes = find(scene);
		web = number(&processes, 1);
		if (web->ended != rows[i].ended)
			fail_msg("%s", rows[i].why);
		/* The snapshot that has it is older than its fork here. */
		if (rows[i].born_ms < 0 && web->was_there != rows[i].was_there)
			fail_msg("%s", rows[i].why);
		processes_done(&processes);
	}
}

/* The engine needed half a second to send its signal. */
static void connections_are_those_of_a_snapshot_that_has_them(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot looks[3];
	struct proc later;
	struct processes processes;

	scene_run_program(scene, "web", SIGTERM);
	scene_connect(scene, 0, "10.0.0.5:5000");
	later = scene->before[0];
	later.connections = 0;
	looks[0] = scene->looks[0];
	looks[0].ns -= 500 * CLOCK_MS;
	looks[1] = (struct snapshot){.ns = T0 - CLOCK_MS, .procs = &later, .count = 1};
	looks[2] = scene->looks[1];
	scene->evidence.snapshots = looks;
	scene->evidence.snapshot_count = 3;
	processes = find(scene);
	assert_int_equal(processes.list[0].before->connections, 1);
	assert_true(processes.connections_known);
	processes_done(&processes);
	looks[0].has_sockets = false;
	processes = find(scene);
	assert_ptr_equal(processes.list[0].before, &later);
	assert_false(processes.connections_known);
	processes_done(&processes);
}

/* "exe" of a program that executed itself, 15 bytes of a command name. */
static void the_longer_name_is_the_name(void **state)
{
	struct judge_scene *scene = *state;
	struct processes processes;

	scene_run_program(scene, "sh", SIGTERM);
	scene_add_process(scene, 0, "multiprocessing-worker");
	strcpy(scene->evidence.descendants[0].name, "multiprocessing");
	scene_add_process(scene, 0, "exe");
	strcpy(scene_last(scene, 2)->exe, "runner");
	processes = find(scene);
	assert_string_equal(number(&processes, 1)->name, "multiprocessing-worker");
	assert_string_equal(number(&processes, 2)->name, "runner");
	processes_done(&processes);
}

/* The snapshot shows a fork of the shell, which executed its program behind it. */
static void the_name_of_what_it_executed_since_is_its_name(void **state)
{
	struct judge_scene *scene = *state;
	struct processes processes;

	scene_run_program(scene, "sh", SIGTERM);
	scene_add_process(scene, 0, "sh");
	strcpy(scene->evidence.descendants[0].name, "sleep");
	scene->evidence.descendants[0].exec_ns = T0 - CLOCK_S;
	processes = find(scene);
	assert_string_equal(number(&processes, 1)->name, "sh");
	processes_done(&processes);
	scene->evidence.descendants[0].exec_ns = T0 + CLOCK_S;
	processes = find(scene);
	assert_string_equal(number(&processes, 1)->name, "sleep");
	processes_done(&processes);
}

static void a_pid_is_told_by_whose_it_is(void **state)
{
	static const struct {
		pid_t ns_pid;
		const char *name, *text;
	} rows[] = {{7, "web", "web (pid 7)"}, {0, "web", "web (pid 401 on the host)"},
		{1, "web", "web (pid 1 of a namespace of its own)"},
		{7, "", "a child of sh (pid 7)"}};
	struct judge_scene *scene = *state;

	scene_run_program(scene, "sh", SIGTERM);
	scene_add_process(scene, 0, "web");
	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(buf_done) struct buf text = {0};
		struct processes processes = find(scene);

		processes.list[1].ns_pid = rows[i].ns_pid;
		processes.list[1].name = rows[i].name;
		process_add_name(&processes.list[1], &text);
		assert_string_equal(buf_text(&text), rows[i].text);
		processes_done(&processes);
	}
}

/* --- signals --- */

static void what_asks_it_to_end_tells_it(void **state)
{
	static const struct {
		int signal;
		bool tells;
	} rows[] = {{SIGTERM, true}, {SIGINT, true}, {SIGQUIT, true}, {SIGHUP, true},
		{SIGUSR1, true}, {SIGWINCH, true}, {SIGCONT, false}, {SIGSTOP, false},
		{SIGPIPE, false}, {SIGKILL, false}};
	struct judge_scene *scene = *state;

	scene_run_program(scene, "sh", SIGTERM);
	scene_add_process(scene, 0, "web");
	scene_add_signal(scene, 10, 0, 1, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct processes processes;

		scene->evidence.signals[1].signal = rows[i].signal;
		processes = find(scene);
		if (!number(&processes, 1)->told == rows[i].tells)
			fail_msg("signal %d", rows[i].signal);
		assert_int_equal(number(&processes, 1)->killed != NULL,
			rows[i].signal == SIGKILL);
		processes_done(&processes);
	}
}

static void only_the_stop_signal_tells_pid1(void **state)
{
	struct judge_scene *scene = *state;
	struct processes processes;

	scene_run_program(scene, "web", SIGQUIT);
	scene->evidence.signals[0].signal = SIGTERM;
	processes = find(scene);
	assert_null(processes.list[0].told);
	processes_done(&processes);
	scene->evidence.signals[0].signal = SIGQUIT;
	processes = find(scene);
	assert_non_null(processes.list[0].told);
	processes_done(&processes);
}

static void the_first_signal_tells_and_its_handler_handles(void **state)
{
	struct judge_scene *scene = *state;
	struct processes processes;
	const struct process *web;

	scene_run_program(scene, "sh", SIGTERM);
	scene_add_process(scene, 0, "web");
	scene_add_signal(scene, -20, 0, 1, SIGHUP);
	scene_add_handled(scene, 5, 1, SIGTERM); /* of what was sent before */
	scene_add_signal(scene, 10, 0, 1, SIGTERM);
	scene_add_handled(scene, 11, 1, SIGHUP);
	scene_add_handled(scene, 12, 1, SIGTERM);
	scene_add_handled(scene, 13, 1, SIGTERM);
	scene_add_signal(scene, 20, 0, 1, SIGINT);
	processes = find(scene);
	web = number(&processes, 1);
	assert_int_equal(web->told->ns, T0 + 10 * CLOCK_MS);
	assert_int_equal(web->handled->ns, T0 + 12 * CLOCK_MS);
	assert_null(web->raised);
	processes_done(&processes);
}

static void what_it_sends_to_itself_is_raised(void **state)
{
	struct judge_scene *scene = *state;
	struct processes processes;

	scene_run_program(scene, "sh", SIGTERM);
	scene_add_process(scene, 0, "web");
	scene_add_signal(scene, 10, 1, 1, SIGTERM);
	scene_add_signal(scene, 11, 1, 1, SIGKILL);
	processes = find(scene);
	assert_null(number(&processes, 1)->told);
	assert_null(number(&processes, 1)->killed);
	assert_int_equal(number(&processes, 1)->raised->signal, SIGKILL);
	processes_done(&processes);
}

/* --- what they were --- */

static void a_process_was_idle_when_it_had_nothing_in_hand(void **state)
{
	struct judge_scene *scene = *state;
	struct proc *before;
	static const struct {
		const char *name;
		unsigned listening, connections;
		long call;
		bool idle;
	} rows[] = {
		{"web", 1, 0, CALL_ACCEPT4, true},
		{"web", 1, 0, CALL_EPOLL_WAIT, true},
		{"web", 1, 0, CALL_FUTEX, false},
		{"web", 1, 1, CALL_ACCEPT4, false},
		{"web", 0, 0, CALL_EPOLL_WAIT, false},
		{"sleep", 0, 0, CALL_PAUSE, true},
		{"sleeper", 0, 0, CALL_PAUSE, false},
	};

	scene_run_program(scene, "sh", SIGTERM);
	scene_add_process(scene, 0, "web");
	before = scene_before(scene, 1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct processes processes;

		strcpy(before->name, rows[i].name);
		strcpy(scene_last(scene, 1)->name, rows[i].name);
		before->exe[0] = '\0';
		before->listening = rows[i].listening;
		before->connections = rows[i].connections;
		before->syscall = rows[i].call;
		processes = find(scene);
		if (process_was_idle(number(&processes, 1)) != rows[i].idle)
			fail_msg("row %zu", i);
		processes_done(&processes);
	}
}

static void a_session_is_what_was_put_in_and_all_below_it(void **state)
{
	struct judge_scene *scene = *state;
	struct proc_record *records;
	struct processes processes;

	scene_run_program(scene, "sh", SIGTERM);
	scene_add_process(scene, 0, "bash");
	scene_add_process(scene, 1, "top");
	scene_add_process(scene, 0, "left");
	records = scene->evidence.descendants;
	records[0].outside = records[2].outside = true;
	records[0].parent = 0;
	scene_before(scene, 1)->ppid = scene_last(scene, 1)->ppid = 0;
	processes = find(scene);
	assert_false(process_is_session(&processes.list[0]));
	assert_true(process_is_session(number(&processes, 1)));
	assert_true(process_is_session(number(&processes, 2)));
	/* Its session is over: it was given to PID 1. */
	assert_false(process_is_session(number(&processes, 3)));
	processes_done(&processes);
}

static void a_process_has_a_client_or_is_one(void **state)
{
	struct judge_scene *scene = *state;
	struct processes processes;

	scene_run_program(scene, "master", SIGTERM);
	scene_add_process(scene, 0, "worker");
	scene_connect(scene, 1, "10.0.0.5:5000");
	processes = find(scene);
	assert_true(process_has_client(number(&processes, 1)));
	assert_false(process_has_client(number(&processes, 0)));
	scene_last(scene, 1)->clients = 0;
	assert_false(process_has_client(number(&processes, 1)));
	processes_done(&processes);
}

static void children_are_those_that_ran_at_the_end(void **state)
{
	struct judge_scene *scene = *state;
	struct processes processes;
	const struct process *child;

	scene_run_program(scene, "sh", SIGTERM);
	scene_add_process(scene, 0, "ended");
	scene_add_process(scene, 0, "zombie");
	scene_add_process(scene, 0, "web");
	scene_add_process(scene, 3, "below");
	scene_end_process(scene, 1, 50, 0);
	scene_last(scene, 2)->state = 'Z';
	processes = find(scene);
	child = processes_child(&processes, processes.list, NULL);
	assert_ptr_equal(child, number(&processes, 3));
	assert_null(processes_child(&processes, processes.list, child));
	processes_done(&processes);
}

static void where_it_waits_is_told_in_words(void **state)
{
	static const struct {
		struct proc proc;
		const char *words;
	} rows[] = {
		{{.state = 'T', .syscall = CALL_READ}, "stopped (SIGSTOP)"},
		{{.state = 'R', .syscall = -1}, "running, not waiting"},
		{{.state = 'D', .syscall = -1, .wchan = "nfs_wait"},
			"in uninterruptible sleep (nfs_wait)"},
		{{.state = 'S', .syscall = CALL_READ, .waits_on = "pipe:[7]"},
			"in read of pipe:[7]"},
		{{.state = 'S', .syscall = CALL_WAIT4}, "in wait4"},
		{{.state = 'S', .syscall = -1, .wchan = "do_select"},
			"waiting in do_select"},
		{{.state = 'S', .syscall = -1}, "waiting"},
		{{.state = 'S',
			 .syscall = CALL_PAUSE,
			 .connections = 2,
			 .peer = "10.0.0.5:80",
			 .unsent = 3},
			"in pause, with 2 connections open (to 10.0.0.5:80, 3 bytes unsent)"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(buf_done) struct buf text = {0};
		const struct process process = {.name = "web", .last = &rows[i].proc};

		process_add_wait(&process, &text);
		assert_string_equal(buf_text(&text), rows[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_process_is_what_record_and_snapshots_say_of_it),
		SCENE(a_process_of_a_snapshot_alone_has_no_end),
		SCENE(a_pid_that_was_used_again_is_the_newer_process),
		SCENE(a_process_is_there_from_its_fork_to_its_end),
		SCENE(connections_are_those_of_a_snapshot_that_has_them),
		SCENE(the_longer_name_is_the_name),
		SCENE(the_name_of_what_it_executed_since_is_its_name),
		SCENE(a_pid_is_told_by_whose_it_is),
		SCENE(what_asks_it_to_end_tells_it),
		SCENE(only_the_stop_signal_tells_pid1),
		SCENE(the_first_signal_tells_and_its_handler_handles),
		SCENE(what_it_sends_to_itself_is_raised),
		SCENE(a_process_was_idle_when_it_had_nothing_in_hand),
		SCENE(a_session_is_what_was_put_in_and_all_below_it),
		SCENE(a_process_has_a_client_or_is_one),
		SCENE(children_are_those_that_ran_at_the_end),
		SCENE(where_it_waits_is_told_in_words),
	};

	return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
