#include "harness/judge/test/scene.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

static void a_pid1_without_handler_is_named(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];

	scene_kill_at_grace(scene);
	scene->evidence.facts.signal_delivery = DELIVERY_UNKNOWN;
	strcpy(scene->pid1[0].name, "httpd");
	scene_look_at(scene, snapshots, 0);
	scene_expect(scene, VERDICT_KILLED, "W1");
	assert_true(scene_has_diagnosis(scene, "X1"));
	scene->pid1[0].ignored = 1u << (SIGTERM - 1);
	scene_expect(scene, VERDICT_KILLED, "W2");
}

static void a_pid1_that_waits_for_signals_receives_them(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];

	scene_kill_at_grace(scene);
	scene->evidence.facts.signal_delivery = DELIVERY_UNKNOWN;
	scene->pid1[0].syscall = 128; /* rt_sigtimedwait: its masks are empty there */
	scene_look_at(scene, snapshots, 0);
	scene_expect(scene, VERDICT_KILLED, "H10");
}

/* In a plain session whoever has no handler dies of it. */
static void without_a_namespace_no_handler_is_needed(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];

	scene_kill_at_grace(scene);
	scene->evidence.facts.signal_delivery = DELIVERY_UNKNOWN;
	scene->pid1[0].ns_pid = 412;
	scene_look_at(scene, snapshots, 0);
	scene_expect(scene, VERDICT_KILLED, "H10");
	scene->pid1[0].ignored = 1u << (SIGTERM - 1);
	scene_expect(scene, VERDICT_KILLED, "W2");
}

/* It was queued for delivery, whatever the masks are by now. */
static void a_signal_that_was_delivered_was_not_discarded(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];

	scene_kill_at_grace(scene);
	scene_look_at(scene, snapshots, 0);
	scene_expect(scene, VERDICT_KILLED, "H10");
}

/* It waits for signals, and this one is not among them: the masks do not tell. */
static void a_traced_discard_decides_over_the_masks(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];

	scene_kill_at_grace(scene);
	scene->evidence.facts.signal_delivery = DELIVERY_IGNORED;
	scene->pid1[0].syscall = 128;
	scene_look_at(scene, snapshots, 0);
	scene_expect(scene, VERDICT_KILLED, "W1");
	scene->pid1[0].ignored = 1u << (SIGTERM - 1);
	scene_expect(scene, VERDICT_KILLED, "W2");
}

static void a_handler_that_came_after_the_signal_is_named(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];

	scene_kill_at_grace(scene);
	scene->evidence.facts.signal_delivery = DELIVERY_IGNORED;
	scene->pid1[0].caught = 1u << (SIGTERM - 1);
	scene_look_at(scene, snapshots, 0);
	scene_expect(scene, VERDICT_KILLED, "W6");
	assert_false(scene_has_diagnosis(scene, "W1"));
}

/* It forks all the time, and one of two looks saw that. */
static void a_pid1_that_blocks_for_a_moment_receives_nothing(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];
	struct proc forking;

	scene_kill_at_grace(scene);
	scene->evidence.facts.signal_delivery = DELIVERY_IGNORED;
	forking = scene->pid1[0];
	forking.blocked = UINT64_MAX;
	scene_look_at(scene, snapshots, 0);
	snapshots[1].procs = &forking;
	scene_expect(scene, VERDICT_KILLED, "W1");
	snapshots[0].procs = &forking;
	scene_expect(scene, VERDICT_KILLED, "W6");
}

static void a_shell_as_pid1_is_named(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];

	scene_kill_at_grace(scene);
	scene->evidence.facts.signal_delivery = DELIVERY_UNKNOWN;
	strcpy(scene->pid1[0].name, "sh");
	strcpy(scene->pid1[1].name, "service");
	scene_look_at(scene, snapshots, 1);
	scene_expect(scene, VERDICT_KILLED, "W3");
	assert_non_null(strstr(scene->judgement.diagnoses[0].text, "service"));
	strcpy(scene->pid1[0].name, "entry.sh");
	strcpy(scene->pid1[0].exe, "dash");
	scene_expect(scene, VERDICT_KILLED, "W3");
}

/* --- W3: a program that nobody here wrote --- */

/* PID 1 waits for its child, and the kernel discards the stop signal. */
static unsigned launch(struct judge_scene *scene, const char *pid1, const char *child)
{
	unsigned number;

	scene_run_program(scene, pid1, SIGTERM);
	scene_set_masks(scene, 0, 0, 0, 0);
	scene_wait_in(scene, 0, CALL_WAIT4);
	scene->evidence.facts.signal_delivery = DELIVERY_IGNORED;
	scene->evidence.signals[0].ignored = true;
	number = scene_add_process(scene, 0, child);
	scene_wait_in(scene, number, CALL_PAUSE);
	scene_kill_at_grace(scene);
	return number;
}

/* No list has its name: it is one by what it does. */
static void a_program_that_only_waits_for_its_child_is_a_launcher(void **state)
{
	struct judge_scene *scene = *state;
	unsigned child = launch(scene, "store", "store");

	scene_set_masks(scene, child, MASK(SIGTERM), 0, 0);
	scene_expect(scene, VERDICT_KILLED, "W3");
	assert_string_equal(scene_text(scene, "W3"),
		"PID 1 is store (store): it did not pass SIGTERM on, so store (pid 2) never "
		"received it, although it has a handler for it");
	assert_false(scene_has_diagnosis(scene, "W1"));
	/* The child has none either: the cure for PID 1 alone is not enough. */
	scene_set_masks(scene, child, 0, 0, 0);
	scene_expect(scene, VERDICT_KILLED, "W3");
	assert_says(scene, "W3", "never received it. It has no handler for it either");
	/* PID 1 waits for something else. */
	scene_wait_in(scene, 0, CALL_FUTEX);
	scene_expect(scene, VERDICT_KILLED, "W1");
	assert_false(scene_has_diagnosis(scene, "W3"));
}

static void a_launcher_whose_child_was_told_passed_it_on(void **state)
{
	struct judge_scene *scene = *state;
	unsigned child = launch(scene, "sh", "web");

	scene_add_signal(scene, 5, SCENE_STRANGER, child, SIGTERM);
	scene_expect(scene, VERDICT_KILLED, "W1");
	assert_false(scene_has_diagnosis(scene, "W3"));
}

/* Somebody who looks at it: docker exec. */
static void a_session_from_outside_is_no_child_of_a_launcher(void **state)
{
	struct judge_scene *scene = *state;
	unsigned shell = launch(scene, "sh", "bash");

	scene->evidence.descendants[0].outside = true;
	scene->evidence.descendants[0].parent = 0;
	scene_before(scene, shell)->ppid = scene_last(scene, shell)->ppid = 0;
	scene_expect(scene, VERDICT_KILLED, "W1");
	assert_false(scene_has_diagnosis(scene, "W3"));
}

/* npm tells the shell that it started, which dies of it. */
static void a_shell_that_died_of_the_signal_had_not_passed_it_on(void **state)
{
	struct judge_scene *scene = *state;
	unsigned shell, node;

	scene_run_program(scene, "npm start", SIGTERM);
	shell = scene_add_process(scene, 0, "sh");
	node = scene_add_process(scene, shell, "node");
	scene_add_signal(scene, 5, 0, shell, SIGTERM);
	scene_set_masks(scene, shell, 0, 0, 0);
	scene_end_process(scene, shell, 6, SIGTERM);
	scene_last(scene, node)->ppid = 400;
	scene_exit_with(scene, 1);
	scene_expect(scene, VERDICT_LEAK, "W3");
	assert_string_equal(scene_text(scene, "W3"),
		"sh (pid 2) got SIGTERM and died of it without passing it on: node (pid 3) never "
		"received it");
	/* Nobody traced signals. */
	scene->evidence.signals_known = false;
	scene_expect(scene, VERDICT_LEAK, "L1");
	scene->evidence.signals_known = true;
	/* It was told: `kill 0`, dumb-init. */
	scene_add_signal(scene, 5, 0, node, SIGTERM);
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_false(scene_has_diagnosis(scene, "W3"));
}

/* --- G1: the engine's word --- */

/* runc takes a main thread that has ended for the end of all. */
static void an_end_that_the_engine_invents_is_named(void **state)
{
	struct judge_scene *scene = *state;
	struct stop_facts *facts = &scene->evidence.facts;

	scene_run_program(scene, "emu", SIGTERM);
	facts->stuck = facts->runs_on = true;
	facts->claimed_exit_code = 255;
	facts->exit_code = -1;
	facts->exit_ns = facts->dying_ns = 0;
	facts->wait_status_known = false;
	scene_last(scene, 0)->state = 'Z';
	scene_last(scene, 0)->threads = 2;
	scene_expect(scene, VERDICT_ENGINE_STUCK, "G1");
	assert_string_equal(scene_text(scene, "G1"),
		"the engine reports that PID 1 (emu) has ended with exit code 255, and it still "
		"runs: its main thread has ended (state Z), 1 other thread runs on; no signal "
		"reached it");
	facts->signals_seen = 1;
	scene_expect(scene, VERDICT_ENGINE_STUCK, "G1");
	assert_null(strstr(scene_text(scene, "G1"), "no signal"));
	/* Nobody traced them. */
	facts->signals_seen = 0;
	scene->evidence.signals_known = false;
	scene_last(scene, 0)->state = 'S';
	scene_expect(scene, VERDICT_ENGINE_STUCK, "G1");
	assert_string_equal(scene_text(scene, "G1"),
		"the engine reports that PID 1 (emu) has ended with exit code 255, and it still "
		"runs");
	/* It did not come back, and said nothing. */
	facts->runs_on = false;
	judge(&scene->judgement, &scene->scenario, &scene->evidence);
	assert_false(scene_has_diagnosis(scene, "G1"));
}

/* --- X0: idle --- */

static void a_stop_of_something_idle_is_told_as_such(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "web", SIGTERM);
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_says(scene, "X0",
		"; idle: no request and no TCP connection was open when the signal came");
	scene_connect(scene, 0, "10.0.0.5:5000");
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_null(strstr(scene_text(scene, "X0"), "idle"));
	scene_before(scene, 0)->connections = 0;
	scene_add_request(scene, REQUEST_HTTP, 0, REQUEST_ANSWERED);
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_null(strstr(scene_text(scene, "X0"), "idle"));
	/* It was answered before the signal. */
	scene->evidence.requests[0].ended_ns = T0 - CLOCK_MS;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_says(scene, "X0", "idle");
	/* Nobody looked at it before the signal. */
	scene->looks[0].has_sockets = false;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_null(strstr(scene_text(scene, "X0"), "idle"));
}

/* nginx's master holds no connection. */
static void a_worker_with_a_client_is_not_idle(void **state)
{
	struct judge_scene *scene = *state;
	unsigned worker;

	scene_run_program(scene, "nginx", SIGTERM);
	worker = scene_add_process(scene, 0, "nginx");
	scene_end_process(scene, worker, 50, 0);
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_says(scene, "X0", "idle");
	scene_before(scene, worker)->connections = 1;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_null(strstr(scene_text(scene, "X0"), "idle"));
}

/* A look that fell into the kernel's killing of the namespace sees an empty house. */
static void a_snapshot_after_the_kill_is_no_evidence(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[3];

	scene_kill_at_grace(scene);
	scene->evidence.facts.signal_delivery = DELIVERY_UNKNOWN;
	strcpy(scene->pid1[0].name, "sh");
	strcpy(scene->pid1[1].name, "service");
	scene_look_at(scene, snapshots, 1);
	snapshots[2] = (struct snapshot){
		.ns = scene->evidence.facts.kill_ns + CLOCK_MS / 2,
		.procs = scene->pid1,
		.count = 1,
	};
	scene->evidence.snapshot_count = 3;
	scene_expect(scene, VERDICT_KILLED, "W3");
}

static void one_after_the_other_is_named(void **state)
{
	struct judge_scene *scene = *state;

	scene_kill_at_grace(scene);
	scene_open_sessions(scene, 8);
	scene_begin_shutdown(scene, "sequential", 2 * CLOCK_S);
	for (int i = 1; i <= 4; i++)
		scene_disconnect(scene, i, 450 * (i - 1), 450 * i);
	scene_disconnect(scene, 5, 1800, -1);
	scene_expect(scene, VERDICT_KILLED, "H2");
}

/* Three times 50 ms are not what a grace of 2 s is lost with. */
static void one_after_the_other_is_no_cause_where_there_is_time(void **state)
{
	struct judge_scene *scene = *state;
	struct lifeline *server;

	scene_kill_at_grace(scene);
	scene_open_sessions(scene, 3);
	scene_begin_shutdown(scene, "sequential", 2 * CLOCK_S);
	scene_disconnect(scene, 1, 2, 52);
	server = scene_add_server(scene, 1, 2029);
	server->exit_ns = 0;
	server->eof_ns = T0 + 60 * CLOCK_MS;
	server = scene_add_server(scene, 2, 2029);
	server->exit_ns = 0;
	server->eof_ns = 0;
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_non_null(
		strstr(scene->judgement.diagnoses[0].text, "waited for 1 MCP server "));
	assert_false(scene_has_diagnosis(scene, "H2"));
	assert_false(scene_has_diagnosis(scene, "H1"));
}

static void a_server_that_got_no_eof_or_signal_is_not_waited_for(void **state)
{
	struct judge_scene *scene = *state;
	struct lifeline *server;

	scene_kill_at_grace(scene);
	scene_open_sessions(scene, 1);
	scene_begin_shutdown(scene, "sequential", 2 * CLOCK_S);
	server = scene_add_server(scene, 1, 2029);
	server->exit_ns = 0;
	server->eof_ns = scene->evidence.facts.kill_ns + CLOCK_US;
	scene_expect(scene, VERDICT_KILLED, "X1");
	assert_true(scene_has_diagnosis(scene, "L1"));
}

/* Somebody else's service logs nothing that we know; the agent API knows. */
static void a_wait_for_the_agent_is_in_the_ledger(void **state)
{
	struct judge_scene *scene = *state;

	scene_kill_at_grace(scene);
	scene_open_sessions(scene, 1);
	scene_add_event(scene, EVENT_LEDGER, 4,
		"{\"event\":\"agent.disconnect.begin\",\"session\":\"1\"}");
	scene_expect(scene, VERDICT_KILLED, "H1");
	assert_non_null(strstr(scene->judgement.diagnoses[0].text,
		"waited for the agent API to release 1 of 1 sessions: session 1 ("));
}

/* It asked and went: that is no waiting. */
static void a_service_that_ends_before_the_answer_did_not_wait(void **state)
{
	struct judge_scene *scene = *state;

	scene_open_sessions(scene, 1);
	scene_add_event(scene, EVENT_LEDGER, 299,
		"{\"event\":\"agent.disconnect.begin\",\"session\":\"1\"}");
	scene_expect(scene, VERDICT_DIRTY, "H1");
	assert_non_null(strstr(scene->judgement.diagnoses[0].text,
		"ended before the agent API had released 1 of 1 sessions"));
}

static void one_stuck_session_is_named(void **state)
{
	struct judge_scene *scene = *state;

	scene_kill_at_grace(scene);
	scene_open_sessions(scene, 5);
	scene_begin_shutdown(scene, "sequential", 2 * CLOCK_S);
	scene_disconnect(scene, 1, 2, 52);
	scene_disconnect(scene, 2, 52, -1);
	scene_expect(scene, VERDICT_KILLED, "H1");
	assert_non_null(strstr(scene->judgement.diagnoses[0].text, "session 2 ("));
}

static void dropped_sessions_are_named(void **state)
{
	struct judge_scene *scene = *state;

	scene_kill_at_grace(scene);
	scene_open_sessions(scene, 3);
	scene_begin_shutdown(scene, "none", 2 * CLOCK_S);
	scene_expect(scene, VERDICT_KILLED, "H1");
	assert_non_null(
		strstr(scene->judgement.diagnoses[0].text, "no disconnect was begun"));
}

static void a_plan_with_a_longer_grace_is_named(void **state)
{
	struct judge_scene *scene = *state;

	scene_kill_at_grace(scene);
	scene_open_sessions(scene, 1);
	scene_begin_shutdown(scene, "parallel", 10 * CLOCK_S);
	scene_disconnect(scene, 1, 2, -1);
	scene_expect(scene, VERDICT_KILLED, "H15");
}

/* Sequentially nothing is bound to a deadline, so none can be wrong. */
static void a_planned_grace_that_bounds_nothing_is_no_cause(void **state)
{
	struct judge_scene *scene = *state;

	scene_kill_at_grace(scene);
	scene_open_sessions(scene, 1);
	scene_begin_shutdown(scene, "sequential", 3 * CLOCK_S);
	scene_disconnect(scene, 1, 2, -1);
	scene_expect(scene, VERDICT_KILLED, "H1");
	assert_false(scene_has_diagnosis(scene, "H15"));
}

static void sessions_that_were_not_begun_are_not_called_dropped(void **state)
{
	struct judge_scene *scene = *state;

	scene_kill_at_grace(scene);
	scene_open_sessions(scene, 3);
	scene_begin_shutdown(scene, "sequential", 2 * CLOCK_S);
	scene_expect(scene, VERDICT_KILLED, "X1");
}

static void a_turn_that_outlasts_the_grace_is_named(void **state)
{
	struct judge_scene *scene = *state;

	scene_kill_at_grace(scene);
	scene_open_sessions(scene, 2);
	scene_begin_shutdown(scene, "sequential", 2 * CLOCK_S);
	scene_run_turn(scene, 1, -100, 0, NULL);
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_BROKEN);
	scene_expect(scene, VERDICT_KILLED, "H9");
}

static void a_turn_that_was_over_is_not_why_it_was_killed(void **state)
{
	struct judge_scene *scene = *state;

	scene_kill_at_grace(scene);
	scene_open_sessions(scene, 2);
	scene_begin_shutdown(scene, "sequential", 2 * CLOCK_S);
	scene_run_turn(scene, 1, -100, 150, "interrupted");
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_TURNED_AWAY);
	scene_disconnect(scene, 1, 160, -1);
	scene_expect(scene, VERDICT_KILLED, "H1");
	assert_false(scene_has_diagnosis(scene, "H9"));
}

static void a_server_that_ignores_eof_is_named(void **state)
{
	struct judge_scene *scene = *state;
	struct lifeline *server;

	scene_open_sessions(scene, 1);
	scene_begin_shutdown(scene, "sequential", 2 * CLOCK_S);
	scene_disconnect(scene, 1, 2, 50);
	server = scene_add_server(scene, 1, 2029);
	server->exit_ns = 0;
	server->signal = SIGTERM;
	server->signal_ns = T0 + CLOCK_S;
	scene_kill_at_grace(scene);
	scene_expect(scene, VERDICT_KILLED, "H3");
	assert_true(scene_has_diagnosis(scene, "L1"));
	assert_non_null(
		strstr(scene->judgement.diagnoses[0].text, "ignored EOF and its"));
}

/* Nobody knows what it waited for; what it left was left by the kill. */
static void what_ended_it_goes_before_what_it_left(void **state)
{
	struct judge_scene *scene = *state;

	scene_kill_at_grace(scene);
	scene_add_server(scene, 1, 2029)->exit_ns = 0;
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_BROKEN);
	scene_expect(scene, VERDICT_KILLED, "X1");
	assert_true(scene_has_diagnosis(scene, "L1"));
	assert_true(scene_has_diagnosis(scene, "R1"));
}

static void a_clean_stop_with_zombies_is_clean_first(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];

	scene->pid1[1].state = 'Z';
	scene_look_at(scene, snapshots, 1);
	snapshots[1].ns = T0 + 200 * CLOCK_MS;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_true(scene_has_diagnosis(scene, "L3"));
}

static void what_is_lost_with_a_process_that_was_left_is_told(void **state)
{
	struct judge_scene *scene = *state;
	static const struct {
		const char *name, *command;
		long call;
		const char *text;
	} rows[] = {
		{"tail", "tail -f /log", CALL_PAUSE,
			"got no signal; it holds no work of its own, and only what was not read "
			"yet is lost"},
		{"busybox", "busybox tail -F /log", CALL_PAUSE, "no work of its own"},
		{"tee", "tee /log", CALL_READ, "no work of its own"},
		{"sleep", "sleep 60", CALL_PAUSE,
			"got no signal; a sleep holds no work"},
		{"tail", "tail -n 5", CALL_READ,
			"; tail (pid 2) was waiting to read more: what it had read and not "
			"written is lost"},
		{"gzip", "gzip", CALL_READ, "; gzip (pid 2) was waiting to read more"},
		{"busybox", "busybox tailor -f", CALL_READ,
			"; busybox (pid 2) was waiting"},
		{"worker", "worker -f", CALL_EPOLL_WAIT, "got no signal"},
	};

	scene_run_program(scene, "app", SIGTERM);
	scene_add_process(scene, 0, "app");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct proc *looks[] = {scene_before(scene, 1), scene_last(scene, 1)};
		size_t len = strlen(rows[i].text);
		const char *text;

		for (size_t look = 0; look < COUNT(looks); look++) {
			strcpy(looks[look]->name, rows[i].name);
			strcpy(looks[look]->command, rows[i].command);
			looks[look]->exe[0] = '\0';
		}
		scene_wait_in(scene, 1, rows[i].call);
		scene_expect(scene, VERDICT_LEAK, "L1");
		text = scene_text(scene, "L1");
		if (!strstr(text, rows[i].text) ||
			(i + 1 == COUNT(rows) &&
				strcmp(text + strlen(text) - len, rows[i].text) != 0))
			fail_msg("row %zu: %s", i, text);
	}
}

/* Without a namespace of its own nothing is killed with PID 1. */
static void what_was_left_is_described_as_it_was_seen(void **state)
{
	struct judge_scene *scene = *state;

	scene_add_server(scene, 1, 301)->exit_ns = 0;
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_string_equal(scene->judgement.diagnoses[0].text,
		"1 process was alive when PID 1 ended: mock-mcp 'skills' of session 1 "
		"(pid 11)");
}

static void a_crash_is_not_blamed_on_the_agent(void **state)
{
	struct judge_scene *scene = *state;

	scene_open_sessions(scene, 1);
	scene_begin_shutdown(scene, "sequential", 2 * CLOCK_S);
	scene->evidence.facts.exit_code = 139;
	scene->evidence.facts.wait_status = SIGSEGV;
	scene_expect(scene, VERDICT_CRASH, "X7");
}

/* glibc executes an invalid instruction when its SIGABRT has no effect. */
static void an_abort_of_pid1_ends_by_another_signal(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "app", SIGTERM);
	scene_add_signal(scene, 20, 0, 0, SIGABRT)->ignored = true;
	scene_die_of(scene, SIGSEGV);
	scene_expect(scene, VERDICT_CRASH, "X7");
	assert_string_equal(scene_text(scene, "X7"),
		"it crashed: SIGSEGV (exit code 139): it called abort(), and PID 1 does "
		"not get SIGABRT");
	/* Node.js has a handler for what follows, and raises that again. */
	scene_add_signal(scene, 21, 0, 0, SIGSEGV);
	scene_expect(scene, VERDICT_CRASH, "X7");
	assert_says(scene, "X7", "it called abort(), and PID 1 does not get SIGABRT");
}

/* trap 'kill 0' TERM: until the shell has no stack any more. */
static void a_handler_that_signals_itself_runs_again_and_again(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "bash", SIGTERM);
	for (int i = 0; i < 3; i++)
		scene_add_signal(scene, 20 + i, 0, 0, SIGTERM);
	scene_die_of(scene, SIGSEGV);
	scene_expect(scene, VERDICT_CRASH, "X7");
	assert_says(scene, "X7",
		"it crashed: SIGSEGV (exit code 139): its handler sent SIGTERM to itself as "
		"well (kill 0), 3 times: it ran again and again");
}

/* `service & exec tail -f /dev/null`. */
static void a_child_with_a_handler_below_one_without_is_named(void **state)
{
	struct judge_scene *scene = *state;
	unsigned app;

	scene_run_program(scene, "tail", SIGTERM);
	scene_set_masks(scene, 0, 0, 0, 0);
	scene->evidence.facts.signal_delivery = DELIVERY_IGNORED;
	app = scene_add_process(scene, 0, "app");
	scene_set_masks(scene, app, UINT64_C(1) << (SIGTERM - 1), 0, 0);
	scene_kill_at_grace(scene);
	scene_expect(scene, VERDICT_KILLED, "W1");
	assert_says(scene, "W1", "; its child app (pid 2) has one, and got no signal");
}

/* A shell that forked when the signal came: it blocks all signals then. */
static void a_signal_that_was_queued_and_then_discarded_is_discarded(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "app", SIGTERM);
	scene_set_masks(scene, 0, 0, 0, 0);
	scene->evidence.facts.signal_delivery = DELIVERY_DELIVERED;
	scene_kill_at_grace(scene);
	scene_expect(scene, VERDICT_KILLED, "W1");
	assert_string_equal(scene_text(scene, "W1"),
		"PID 1 (app) has no handler for SIGTERM: the kernel discarded it (SigCgt, "
		"SigBlk, SigIgn lack it)");
	scene_before(scene, 0)->blocked = UINT64_C(0xfffffffe7ffbfeff);
	scene_before(scene, 0)->state = 'R';
	scene_expect(scene, VERDICT_KILLED, "W1");
	/* A handler ran, and is gone since. */
	scene_add_handled(scene, 1, 0, SIGTERM);
	judge(&scene->judgement, &scene->scenario, &scene->evidence);
	assert_false(scene_has_diagnosis(scene, "W1"));
}

/* util-linux's script and su block all signals, and unblock them when they have read
 * one from a signalfd. */
static void one_that_slept_with_all_signals_blocked_reads_them(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "script", SIGTERM);
	scene_set_masks(scene, 0, 0, 0, 0);
	scene_before(scene, 0)->blocked = UINT64_C(0xfffffffe7ffbfeff);
	scene_before(scene, 0)->state = 'S';
	scene->evidence.facts.signal_delivery = DELIVERY_DELIVERED;
	scene_kill_at_grace(scene);
	judge(&scene->judgement, &scene->scenario, &scene->evidence);
	assert_false(scene_has_diagnosis(scene, "W1"));
}

static void a_signal_that_was_blocked_before_may_have_been_taken(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "app", SIGTERM);
	scene_set_masks(scene, 0, 0, 0, 0);
	scene_before(scene, 0)->blocked = UINT64_C(1) << (SIGTERM - 1);
	scene->evidence.facts.signal_delivery = DELIVERY_DELIVERED;
	scene_kill_at_grace(scene);
	judge(&scene->judgement, &scene->scenario, &scene->evidence);
	assert_false(scene_has_diagnosis(scene, "W1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(an_abort_of_pid1_ends_by_another_signal),
		SCENE(a_handler_that_signals_itself_runs_again_and_again),
		SCENE(a_child_with_a_handler_below_one_without_is_named),
		SCENE(a_signal_that_was_queued_and_then_discarded_is_discarded),
		SCENE(one_that_slept_with_all_signals_blocked_reads_them),
		SCENE(a_signal_that_was_blocked_before_may_have_been_taken),
		SCENE(a_pid1_without_handler_is_named),
		SCENE(a_pid1_that_waits_for_signals_receives_them),
		SCENE(without_a_namespace_no_handler_is_needed),
		SCENE(a_signal_that_was_delivered_was_not_discarded),
		SCENE(a_traced_discard_decides_over_the_masks),
		SCENE(a_handler_that_came_after_the_signal_is_named),
		SCENE(a_pid1_that_blocks_for_a_moment_receives_nothing),
		SCENE(a_shell_as_pid1_is_named),
		SCENE(a_program_that_only_waits_for_its_child_is_a_launcher),
		SCENE(a_launcher_whose_child_was_told_passed_it_on),
		SCENE(a_session_from_outside_is_no_child_of_a_launcher),
		SCENE(a_shell_that_died_of_the_signal_had_not_passed_it_on),
		SCENE(an_end_that_the_engine_invents_is_named),
		SCENE(a_stop_of_something_idle_is_told_as_such),
		SCENE(a_worker_with_a_client_is_not_idle),
		SCENE(a_snapshot_after_the_kill_is_no_evidence),
		SCENE(one_after_the_other_is_named),
		SCENE(one_after_the_other_is_no_cause_where_there_is_time),
		SCENE(a_server_that_got_no_eof_or_signal_is_not_waited_for),
		SCENE(a_wait_for_the_agent_is_in_the_ledger),
		SCENE(a_service_that_ends_before_the_answer_did_not_wait),
		SCENE(one_stuck_session_is_named),
		SCENE(dropped_sessions_are_named),
		SCENE(a_plan_with_a_longer_grace_is_named),
		SCENE(a_planned_grace_that_bounds_nothing_is_no_cause),
		SCENE(sessions_that_were_not_begun_are_not_called_dropped),
		SCENE(a_turn_that_outlasts_the_grace_is_named),
		SCENE(a_turn_that_was_over_is_not_why_it_was_killed),
		SCENE(a_server_that_ignores_eof_is_named),
		SCENE(what_ended_it_goes_before_what_it_left),
		SCENE(a_clean_stop_with_zombies_is_clean_first),
		SCENE(what_was_left_is_described_as_it_was_seen),
		SCENE(what_is_lost_with_a_process_that_was_left_is_told),
		SCENE(a_crash_is_not_blamed_on_the_agent),
	};

	return cmocka_run_group_tests_name("diagnose", tests, NULL, NULL);
}
