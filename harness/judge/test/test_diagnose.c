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

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_pid1_without_handler_is_named),
		SCENE(a_pid1_that_waits_for_signals_receives_them),
		SCENE(without_a_namespace_no_handler_is_needed),
		SCENE(a_signal_that_was_delivered_was_not_discarded),
		SCENE(a_traced_discard_decides_over_the_masks),
		SCENE(a_handler_that_came_after_the_signal_is_named),
		SCENE(a_pid1_that_blocks_for_a_moment_receives_nothing),
		SCENE(a_shell_as_pid1_is_named),
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
		SCENE(a_crash_is_not_blamed_on_the_agent),
	};

	return cmocka_run_group_tests_name("diagnose", tests, NULL, NULL);
}
