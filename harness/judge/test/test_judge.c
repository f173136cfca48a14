#include "harness/judge/test/scene.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

static void clean_is_called_clean(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_true(scene->judgement.met);
	assert_int_equal(scene->judgement.disconnected, 3);
	assert_int_equal(scene->judgement.stop_ns, 300 * CLOCK_MS);
}

static void a_session_without_proof_is_not_clean(void **state)
{
	struct judge_scene *scene = *state;

	scene_open_sessions(scene, 2);
	scene_begin_shutdown(scene, "parallel", 2 * CLOCK_S);
	scene_disconnect(scene, 1, 2, 100);
	scene_add_event(scene, EVENT_SERVICE, 290, "{\"event\":\"shutdown.complete\"}");
	scene_expect(scene, VERDICT_DIRTY, NULL);
	assert_false(scene->judgement.met);
	/* Why it was not released is not known, so no cause is named. */
	assert_int_equal(scene->judgement.diagnosis_count, 0);
}

static void sessions_that_the_api_never_saw_are_inconclusive(void **state)
{
	struct judge_scene *scene = *state;

	scene_open_sessions(scene, 2);
	scene_disconnect(scene, 1, 2, 100);
	scene_disconnect(scene, 2, 2, 100);
	scene_add_request(scene, REQUEST_OPEN, 3, REQUEST_ANSWERED);
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
}

static void what_was_not_kept_is_missing(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene->evidence.lifelines_dropped = 1;
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
}

static void what_was_not_kept_proves_no_session_open(void **state)
{
	struct judge_scene *scene = *state;

	scene_open_sessions(scene, 1);
	scene_disconnect(scene, 1, 2, -1);
	scene->evidence.events_dropped = 1;
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
}

static void over_within_is_slow(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene->scenario.expect.within_ns = 299 * CLOCK_MS;
	scene_expect(scene, VERDICT_SLOW, "X0");
	assert_false(scene->judgement.met);
}

static void a_fifth_of_the_grace_left_is_the_least(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene->evidence.facts.exit_ns = T0 + 1601 * CLOCK_MS;
	scene_expect(scene, VERDICT_SLOW, "X0");
}

static void a_bad_exit_code_is_dirty(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_exit_with(scene, 1);
	scene_expect(scene, VERDICT_DIRTY, NULL);
}

static void a_143_is_dirty_and_has_its_own_diagnosis(void **state)
{
	struct judge_scene *scene = *state;

	scene->scenario.service.init = true;
	scene_exit_with(scene, 143);
	scene_expect(scene, VERDICT_DIRTY, "X9");
	scene_add_event(scene, EVENT_SERVICE, 1, "{\"event\":\"shutdown.complete\"}");
	scene_expect(scene, VERDICT_DIRTY, "X8");
}

static void a_137_without_proof_is_inconclusive(void **state)
{
	struct judge_scene *scene = *state;

	scene->evidence.facts.exit_code = 137;
	scene->evidence.facts.wait_status = SIGKILL;
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
	scene->evidence.facts.wait_status_known = false;
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
}

static void a_137_of_its_own_is_no_sigkill(void **state)
{
	struct judge_scene *scene = *state;

	scene_exit_with(scene, 137);
	scene_expect(scene, VERDICT_DIRTY, "X5");
}

static void the_oom_killer_is_not_the_grace(void **state)
{
	struct judge_scene *scene = *state;

	scene->evidence.facts.exit_code = 137;
	scene->evidence.facts.wait_status = SIGKILL;
	scene->evidence.facts.oom_kills = 1;
	scene_expect(scene, VERDICT_OOM, "X3");
}

static void a_sigkill_of_another_process_is_not_the_engines(void **state)
{
	struct judge_scene *scene = *state;

	scene_kill_at_grace(scene);
	scene->evidence.facts.kill_by_engine = false;
	scene_expect(scene, VERDICT_SELF_KILLED, "X6");
}

static void a_segmentation_fault_is_a_crash(void **state)
{
	struct judge_scene *scene = *state;

	scene->evidence.facts.exit_code = 139;
	scene->evidence.facts.wait_status = SIGSEGV;
	scene_expect(scene, VERDICT_CRASH, "X7");
}

static void an_end_before_the_stop_is_a_crash(void **state)
{
	struct judge_scene *scene = *state;

	scene->evidence.facts.exited_before_stop = true;
	scene_exit_with(scene, 0);
	scene_expect(scene, VERDICT_CRASH, "X10");
}

static void an_end_without_a_stop_is_told_as_what_it_was(void **state)
{
	struct judge_scene *scene = *state;
	struct stop_facts *facts = &scene->evidence.facts;

	facts->no_stop = facts->exited_before_stop = true;
	facts->signal_ns = facts->asked_ns = 0;
	scene_exit_with(scene, 3);
	scene_expect(scene, VERDICT_CRASH, "X10");
	assert_string_equal(
		scene->judgement.reason, "it ended without a stop signal, exit code 3");
	assert_int_equal(scene->judgement.diagnosis_count, 1);
	assert_int_equal(scene->judgement.stop_ns, -1);
	scene_die_of(scene, SIGKILL);
	facts->kill_source = STAMP_KERNEL;
	facts->kill_by_engine = true;
	scene_expect(scene, VERDICT_KILLED, "X10");
	assert_non_null(strstr(scene->judgement.diagnoses[0].text, "docker kill"));
	facts->kill_by_engine = false;
	facts->oom_kills = 1;
	scene_expect(scene, VERDICT_OOM, "X10");
	facts->oom_kills = 0;
	scene_expect(scene, VERDICT_SELF_KILLED, "X10");
}

static void a_process_cut_with_pid1_is_a_leak(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_add_server(scene, 1, 301)->exit_ns = 0;
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_int_equal(scene->judgement.orphans, 1);
}

/* One DELETE was answered, one is under way, and one was never sent. */
static void deletes_of_mcp_sessions_one_after_the_other_are_the_cause(void **state)
{
	struct judge_scene *scene = *state;

	scene_open_sessions(scene, 3);
	for (int i = 1; i <= 3; i++) {
		scene_add_event(scene, EVENT_LEDGER, -500,
			"{\"event\":\"mcp.session.begin\",\"name\":\"financial\","
			"\"session\":\"%d\",\"id\":\"id%d\"}",
			i, i);
		scene_disconnect(scene, i, 10, 20);
	}
	scene_begin_shutdown(scene, "sequential", 30 * CLOCK_S);
	scene_add_event(scene, EVENT_LEDGER, 30,
		"{\"event\":\"mcp.delete.begin\",\"name\":\"financial\",\"session\":"
		"\"1\",\"id\":\"id1\"}");
	scene_add_event(scene, EVENT_LEDGER, 1200,
		"{\"event\":\"mcp.delete.end\",\"name\":\"financial\",\"session\":"
		"\"1\",\"id\":\"id1\"}");
	scene_add_event(scene, EVENT_LEDGER, 1500,
		"{\"event\":\"mcp.delete.begin\",\"name\":\"financial\",\"session\":"
		"\"2\",\"id\":\"id2\"}");
	scene_kill_at_grace(scene);
	/* What the server saw of the end of the connection comes later. */
	scene_add_event(scene, EVENT_LEDGER, 2100,
		"{\"event\":\"mcp.delete.broken\",\"name\":\"financial\",\"session\":"
		"\"2\",\"id\":\"id2\"}");
	scene_expect(scene, VERDICT_KILLED, "H17");
	assert_says(scene, "H17",
		"waited for 1 MCP server over HTTP to answer DELETE: financial of "
		"session 2 (");
	assert_says(scene, "H17",
		"; 1 session had ended, asked one after the other: some 1.17s each; "
		"1 was never asked");
}

/* Two at once, the first of which is not answered; every one was asked. */
static void deletes_at_once_are_not_told_as_one_after_the_other(void **state)
{
	static const struct {
		int64_t ms;
		const char *what;
		int session;
	} rows[] = {{30, "delete.begin", 1}, {31, "delete.begin", 2},
		{400, "session.end", 2}, {401, "delete.end", 2},
		{402, "delete.begin", 3}, {800, "session.end", 3},
		{801, "delete.end", 3}};
	struct judge_scene *scene = *state;

	scene_open_sessions(scene, 3);
	for (int i = 1; i <= 3; i++)
		scene_disconnect(scene, i, 10, 20);
	for (size_t i = 0; i < COUNT(rows); i++)
		scene_add_event(scene, EVENT_LEDGER, rows[i].ms,
			"{\"event\":\"mcp.%s\",\"name\":\"financial\",\"id\":\"id%d\"}",
			rows[i].what, rows[i].session);
	scene_kill_at_grace(scene);
	scene_expect(scene, VERDICT_KILLED, "H17");
	assert_null(strstr(scene_text(scene, "H17"), "one after the other"));
	assert_null(strstr(scene_text(scene, "H17"), "never asked"));
	assert_says(scene, "H17", "; 2 sessions had ended");
}

static void a_process_that_exits_after_the_kill_was_left(void **state)
{
	struct judge_scene *scene = *state;

	scene_open_sessions(scene, 1);
	scene_begin_shutdown(scene, "none", 2 * CLOCK_S);
	scene_add_server(scene, 1, 2029);
	scene_kill_at_grace(scene);
	scene_expect(scene, VERDICT_KILLED, "H1");
	assert_int_equal(scene->judgement.orphans, 1);
}

/* Exit code 0 at once, and its server's stdin ended with it. */
static void a_process_that_outlives_pid1_is_a_leak(void **state)
{
	struct judge_scene *scene = *state;

	scene_add_server(scene, 1, 299);
	scene->evidence.facts.dying_ns = T0 + 298 * CLOCK_MS;
	scene_expect(scene, VERDICT_LEAK, "L1");
	scene->evidence.facts.dying_ns = T0 + 300 * CLOCK_MS;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* Somebody else's child has no lifeline, but the kernel tells of it. */
static void a_process_without_a_lifeline_that_outlives_pid1_is_a_leak(void **state)
{
	struct judge_scene *scene = *state;
	struct proc_record *record = scene_add_descendant(scene, 999, 299);

	strcpy(record->name, "sleep");
	scene->evidence.facts.dying_ns = T0 + 298 * CLOCK_MS;
	scene_expect(scene, VERDICT_LEAK, "L1");
	assert_non_null(strstr(scene->judgement.diagnoses[0].text, "sleep"));
	record->ended_ns = 0;
	scene_expect(scene, VERDICT_LEAK, "L1");
	record->born_ns = T0 + 299 * CLOCK_MS;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	record->born_ns = 0;
	record->ended_ns = T0 + 297 * CLOCK_MS;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* Its lifeline says what it likes, and so does the service. */
static void the_kernels_stamps_decide_over_lifelines(void **state)
{
	struct judge_scene *scene = *state;
	struct lifeline *lifeline = scene_add_server(scene, 1, 310);
	struct proc_record *record = scene_add_descendant(scene, lifeline->pid, 299);

	scene->evidence.facts.dying_ns = T0 + 298 * CLOCK_MS;
	lifeline->exit_ns = T0 + 10 * CLOCK_MS;
	scene_add_event(scene, EVENT_SERVICE, 20,
		"{\"event\":\"mcp.reaped\",\"child\":%d}", (int)lifeline->own_pid);
	scene_expect(scene, VERDICT_LEAK, "L1");
	/* Killed and reaped in time; that we read of it late proves nothing. */
	record->ended_ns = T0 + 297 * CLOCK_MS;
	lifeline->exit_ns = 0;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* Where PID 1's exit was not traced. */
static void a_process_killed_right_before_pid1_ended_is_inconclusive(void **state)
{
	struct judge_scene *scene = *state;
	struct proc_record *record = scene_add_descendant(scene, 999, 299);

	scene_expect(scene, VERDICT_CLEAN, "X0"); /* it exited by itself */
	record->wait_status = SIGKILL;
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
	assert_int_equal(scene->judgement.orphans, -1);
	record->ended_ns = T0 + 20 * CLOCK_MS;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	/* The service keeps a record of its servers, and has none of this one. */
	record->ended_ns = T0 + 299 * CLOCK_MS;
	scene_begin_shutdown(scene, "parallel", 2 * CLOCK_S);
	record->pid = scene_add_server(scene, 1, 310)->pid;
	scene_expect(scene, VERDICT_LEAK, "L1");
}

static void a_service_whose_children_are_not_seen_is_not_clean(void **state)
{
	struct judge_scene *scene = *state;

	scene->scenario.service.image = mem_text("somebody/else");
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
	scene->evidence.descendants_known = true;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	mem_free(&scene->scenario.service.image);
}

static void a_slow_teardown_hides_no_leak(void **state)
{
	struct judge_scene *scene = *state;

	scene_add_server(scene, 1, 320)->exit_ns = 0;
	scene->evidence.facts.dying_ns = T0 + 300 * CLOCK_MS;
	scene->evidence.facts.exit_ns = T0 + 900 * CLOCK_MS;
	scene_expect(scene, VERDICT_LEAK, "L1");
}

static void a_signal_that_was_discarded_is_not_clean(void **state)
{
	struct judge_scene *scene = *state;

	scene->evidence.facts.signal_delivery = DELIVERY_IGNORED;
	scene_expect(scene, VERDICT_DIRTY, NULL);
	assert_string_equal(scene->judgement.reason,
		"the stop signal was discarded, and it ended by itself");
	scene->evidence.sent_signals[0] = (struct sent_signal){T0 + 1, SIGINT};
	scene->evidence.sent_signal_count = 1;
	scene_expect(scene, VERDICT_DIRTY, NULL);
	assert_string_equal(scene->judgement.reason,
		"the stop signal was discarded, and it ended after another one "
		"(stop.signals)");
}

/* Nobody traced the signal, and PID 1 ended by itself half a second later. */
static void masks_prove_that_a_signal_was_discarded(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];

	scene->evidence.facts.signal_delivery = DELIVERY_UNKNOWN;
	scene_look_at(scene, snapshots, 0);
	snapshots[1].ns = T0 + 100 * CLOCK_MS;
	scene_expect(scene, VERDICT_DIRTY, "W1");
	scene->pid1[0].blocked = 1u << (SIGTERM - 1);
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* The code is its own: the cure of a missing handler does not change it. */
static void an_end_of_its_own_goes_before_the_signal_that_was_discarded(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];

	scene->evidence.facts.signal_delivery = DELIVERY_IGNORED;
	scene_look_at(scene, snapshots, 0);
	scene_expect(scene, VERDICT_DIRTY, "W1");
	scene->evidence.facts.exit_code = 3;
	scene->evidence.facts.wait_status = 3 << 8;
	scene_expect(scene, VERDICT_DIRTY, "X12");
	assert_true(scene_has_diagnosis(scene, "W1"));
}

static void one_snapshot_without_a_handler_is_no_proof(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];

	scene->evidence.facts.signal_delivery = DELIVERY_UNKNOWN;
	scene_look_at(scene, snapshots, 0);
	scene->evidence.snapshot_count = 1;
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
	scene_add_event(scene, EVENT_SERVICE, 1, "{\"event\":\"shutdown.begin\"}");
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* It looked deaf while it waited for the signal, and looks deaf when it cleans up. */
static void a_wait_for_signals_is_not_settled_by_what_comes_after(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];
	struct proc waiting;

	scene->evidence.facts.signal_delivery = DELIVERY_UNKNOWN;
	waiting = scene->pid1[0];
	waiting.syscall = 128;
	scene_look_at(scene, snapshots, 0);
	snapshots[0].procs = &waiting;
	snapshots[1].ns = T0 + 100 * CLOCK_MS;
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
}

/* Another user's process: nobody tells what it waits in. */
static void an_unseen_wait_may_be_for_signals(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2];

	scene->evidence.facts.signal_delivery = DELIVERY_UNKNOWN;
	scene->pid1[0].syscall = -1;
	scene->pid1[0].state = 'S';
	scene_look_at(scene, snapshots, 0);
	snapshots[1].ns = T0 + 100 * CLOCK_MS;
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
	scene->evidence.snapshot_count = 1;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void an_end_before_the_signal_is_a_crash(void **state)
{
	struct judge_scene *scene = *state;

	scene->evidence.facts.exit_ns = T0 - CLOCK_MS;
	scene_expect(scene, VERDICT_CRASH, "X10");
	assert_int_equal(scene->judgement.stop_ns, -1);
}

/* A daemon on another machine stamps both, each a few ms off. */
static void an_end_inside_the_error_bars_is_no_crash(void **state)
{
	struct judge_scene *scene = *state;
	struct stop_facts *facts = &scene->evidence.facts;

	facts->signal_source = facts->exit_source = STAMP_ENGINE;
	facts->signal_error_ns = 3 * CLOCK_MS;
	facts->exit_error_ns = 2 * CLOCK_MS;
	facts->exit_ns = T0 - 4 * CLOCK_MS;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_int_equal(scene->judgement.stop_ns, 0);
	facts->exit_ns = T0 - 5 * CLOCK_MS;
	scene_expect(scene, VERDICT_CRASH, "X10");
	facts->exit_ns = T0 - 4 * CLOCK_MS;
	facts->exited_before_stop = true;
	scene_expect(scene, VERDICT_CRASH, "X10");
}

static void a_request_that_failed_is_not_clean(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_WRONG);
	scene_expect(scene, VERDICT_DIRTY, "R1");
	assert_says(
		scene, "R1", "1 accepted request got an error; the first: room 1: ");
}

static void a_line_that_must_be_absent_is_not_clean(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	strlist_add(&scene->scenario.expect.log_absent, "job lost");
	scene_expect(scene, VERDICT_CLEAN, NULL);
	evidence_add_log(&scene->evidence, T0, "a job lost", strlen("a job lost"));
	scene_expect(scene, VERDICT_DIRTY, NULL);
	strlist_done(&scene->scenario.expect.log_absent);
}

static void a_load_command_that_failed_is_not_clean(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene->evidence.load_command = mem_text("ended with exit 1: 2 lost");
	scene_expect(scene, VERDICT_DIRTY, NULL);
}

static void an_answer_that_may_be_cut_is_inconclusive(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_add_request(scene, REQUEST_HTTP, 0, REQUEST_UNPROVEN);
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
}

static void a_kept_session_needs_its_stream_closed(void **state)
{
	struct judge_scene *scene = *state;

	scene_open_sessions(scene, 1);
	scene_begin_shutdown(scene, "parallel", 2 * CLOCK_S);
	scene_add_event(scene, EVENT_SERVICE, 5,
		"{\"event\":\"session.disconnected\",\"room\":\"1\",\"how\":\"keep\"}");
	strlist_add(&scene->scenario.service.env, "SESSION_END=keep");
	scene_expect(scene, VERDICT_DIRTY, NULL);
	scene_add_event(scene, EVENT_LEDGER, 6,
		"{\"event\":\"agent.stream.closed\",\"session\":\"1\",\"by\":\"client\"}");
	scene_expect(scene, VERDICT_CLEAN, "X0");
	/* PID 1's death closes it, too. */
	scene->evidence.facts.dying_ns = T0 + 6 * CLOCK_MS;
	scene_expect(scene, VERDICT_INCONCLUSIVE, NULL);
	scene->evidence.facts.dying_ns = 0;
	scene_add_event(scene, EVENT_LEDGER, 2,
		"{\"event\":\"agent.stream.opened\",\"session\":\"1\"}");
	scene_add_event(scene, EVENT_LEDGER, 3,
		"{\"event\":\"agent.stream.opened\",\"session\":\"1\"}");
	scene_expect(scene, VERDICT_DIRTY, NULL);
}

/* The line "keep" of a service whose scenario does not have its sessions kept. */
static void a_session_that_should_not_be_kept_is_not_released_by_being_kept(
	void **state)
{
	struct judge_scene *scene = *state;

	scene_open_sessions(scene, 1);
	scene_begin_shutdown(scene, "parallel", 2 * CLOCK_S);
	scene_add_event(scene, EVENT_SERVICE, 5,
		"{\"event\":\"session.disconnected\",\"room\":\"1\",\"how\":\"keep\"}");
	scene_add_event(scene, EVENT_LEDGER, 6,
		"{\"event\":\"agent.stream.closed\",\"session\":\"1\",\"by\":\"client\"}");
	scene_expect(scene, VERDICT_DIRTY, NULL);
}

static void a_shutdown_that_began_before_the_stop_proves_no_handler(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2] = {0};

	scene_look_at(scene, snapshots, 0);
	scene_add_event(scene, EVENT_SERVICE, -100, "{\"event\":\"shutdown.begin\"}");
	scene->evidence.facts.signal_delivery = DELIVERY_UNKNOWN;
	scene_kill_at_grace(scene);
	scene_expect(scene, VERDICT_KILLED, "W1");
}

/* Six servers that PID 1's SIGKILL ended, and Docker's event of it 15 ms later. */
static void a_late_stamp_of_the_kill_hides_no_leak(void **state)
{
	struct judge_scene *scene = *state;
	struct stop_facts *facts = &scene->evidence.facts;

	scene_open_sessions(scene, 6);
	scene_begin_shutdown(scene, "none", 2 * CLOCK_S);
	scene_kill_at_grace(scene);
	facts->kill_source = STAMP_ENGINE;
	for (int i = 1; i <= 6; i++) {
		struct lifeline *server = scene_add_server(scene, i, 0);

		server->ended_ns = facts->kill_ns - 15 * CLOCK_MS;
		server->exit_ns = server->eof_ns = 0;
	}
	scene_expect(scene, VERDICT_KILLED, NULL);
	assert_int_equal(scene->judgement.orphans, 6);
	/* What it recorded as reaped was not left. */
	scene_add_event(scene, EVENT_SERVICE, 1900,
		"{\"event\":\"mcp.reaped\",\"child\":11,\"signal\":9}");
	scene_expect(scene, VERDICT_KILLED, NULL);
	assert_int_equal(scene->judgement.orphans, 5);
}

/* The kernel reports descendants without saying when PID 1 began to exit. */
static void a_server_that_exits_as_pid1_is_killed_was_left(void **state)
{
	struct judge_scene *scene = *state;
	struct stop_facts *facts = &scene->evidence.facts;
	struct proc_record *record;
	struct lifeline *server;

	scene_open_sessions(scene, 1);
	scene_begin_shutdown(scene, "none", 2 * CLOCK_S);
	scene_kill_at_grace(scene);
	facts->kill_source = STAMP_ENGINE;
	server = scene_add_server(scene, 1, 0);
	server->exit_ns = server->ended_ns = facts->kill_ns - 15 * CLOCK_MS;
	record = scene_add_descendant(scene, server->pid, 0);
	record->ended_ns = server->ended_ns;
	scene_expect(scene, VERDICT_KILLED, NULL);
	assert_int_equal(scene->judgement.orphans, 1);
}

static void an_end_by_the_stop_signals_default_is_no_crash(void **state)
{
	struct judge_scene *scene = *state;
	struct snapshot snapshots[2] = {0};

	scene_look_at(scene, snapshots, 0);
	scene->evidence.facts.stop_signal = SIGQUIT;
	scene->evidence.facts.wait_status = SIGQUIT;
	scene->evidence.facts.exit_code = 128 + SIGQUIT;
	scene_expect(scene, VERDICT_DIRTY, "X9");
	assert_non_null(strstr(scene->judgement.diagnoses[0].text, "131: SIGQUIT's"));
}

/* Two of the API's for one room, one of them ended. */
static void each_session_of_a_room_has_to_be_released(void **state)
{
	struct judge_scene *scene = *state;

	scene_add_event(scene, EVENT_LEDGER, -20,
		"{\"event\":\"agent.session.opened\",\"session\":\"1\",\"id\":\"a\"}");
	scene_add_event(scene, EVENT_LEDGER, -10,
		"{\"event\":\"agent.session.opened\",\"session\":\"1\",\"id\":\"b\"}");
	scene_add_event(scene, EVENT_LEDGER, 5,
		"{\"event\":\"agent.disconnect.done\",\"session\":\"1\",\"id\":\"a\"}");
	scene_expect(scene, VERDICT_DIRTY, NULL);
	assert_int_equal(scene->judgement.disconnected, 1);
	scene_add_event(scene, EVENT_LEDGER, 6,
		"{\"event\":\"agent.disconnect.done\",\"session\":\"1\",\"id\":\"b\"}");
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void a_session_that_ended_unanswered_was_released(void **state)
{
	struct judge_scene *scene = *state;

	scene_open_sessions(scene, 1);
	scene_add_event(scene, EVENT_LEDGER, 5,
		"{\"event\":\"agent.disconnect.broken\",\"session\":\"1\","
		"\"took_effect\":false}");
	scene_expect(scene, VERDICT_DIRTY, NULL);
	scene_add_event(scene, EVENT_LEDGER, 6,
		"{\"event\":\"agent.disconnect.broken\",\"session\":\"1\","
		"\"took_effect\":true}");
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* Who else writes into the ledger is not the agent API. */
static void only_the_mock_agent_says_that_a_session_was_released(void **state)
{
	struct judge_scene *scene = *state;
	struct evidence *evidence = &scene->evidence;
	int agent = evidence_add_lifeline(evidence, 50);
	int other = evidence_add_lifeline(evidence, 51);

	evidence->lifelines[agent].role = mem_text("mock-agent");
	evidence->lifelines[other].role = mem_text("mock-agent");
	scene_add_event(scene, EVENT_LEDGER, -10,
		"{\"event\":\"agent.session.opened\",\"session\":\"1\"}");
	evidence->events[0].lifeline = agent;
	scene_add_event(scene, EVENT_LEDGER, 5,
		"{\"event\":\"agent.disconnect.done\",\"session\":\"1\"}");
	evidence->events[1].lifeline = other;
	scene_expect(scene, VERDICT_DIRTY, NULL);
	evidence->events[1].lifeline = agent;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void a_process_that_the_service_reaped_is_no_leak(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_add_server(scene, 1, 295)->exit_ns = 0;
	scene_add_event(
		scene, EVENT_SERVICE, 296, "{\"event\":\"mcp.reaped\",\"child\":11}");
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void a_request_without_answer_is_a_loss(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_BROKEN);
	scene_expect(scene, VERDICT_LOSS, "R1");
	assert_int_equal(scene->judgement.lost, 1);
}

static void a_request_that_was_turned_away_is_no_loss(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_TURNED_AWAY);
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_REFUSED);
	scene_add_request(scene, REQUEST_IDLE, 0, REQUEST_BROKEN);
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* It was accepted, and had begun: 503 is no way to end it. */
static void a_503_for_what_was_sent_before_the_signal_is_a_refusal(void **state)
{
	struct judge_scene *scene = *state;
	struct load_request *request;

	scene_play_clean(scene);
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_TURNED_AWAY);
	request = &scene->evidence.requests[scene->evidence.request_count - 1];
	request->sent_ns = T0 - CLOCK_US;
	scene_expect(scene, VERDICT_DIRTY, "R1");
	assert_says(scene, "R1",
		"1 accepted request got a 503; the first: room 1: 503, and it was sent before "
		"the stop signal");
	assert_int_equal(scene->judgement.turned_away, 0);
	request->sent_ns = T0;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_int_equal(scene->judgement.turned_away, 1);
	/* An idle connection asked for nothing. */
	request->sent_ns = T0 - CLOCK_US;
	request->kind = REQUEST_IDLE;
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

static void what_is_proven_beats_what_is_unknown(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_add_server(scene, 1, 301)->exit_ns = 0;
	scene->evidence.facts.wait_status_known = false;
	scene->evidence.facts.exit_code = 137;
	scene_expect(scene, VERDICT_LEAK, "L1");
}

static void a_time_that_was_not_seen_is_inconclusive(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene->evidence.facts.signal_ns = 0;
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
}

static void a_case_that_could_not_run_is_not_met(void **state)
{
	static const enum trouble troubles[] = {TROUBLE_NOT_UP, TROUBLE_NOT_READY,
		TROUBLE_LOAD, TROUBLE_WHEN, TROUBLE_INTERRUPTED};
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	for (size_t i = 0; i < COUNT(troubles); i++) {
		scene->evidence.trouble = troubles[i];
		judge(&scene->judgement, &scene->scenario, &scene->evidence);
		assert_false(scene->judgement.met);
		assert_false(scene->judgement.could_run);
	}
}

static void every_expectation_can_be_unmet(void **state)
{
	struct judge_scene *scene = *state;
	struct expect_part *expect = &scene->scenario.expect;

	scene_play_clean(scene);
	expect->exit_codes.code[0] = 7;
	expect->verdicts = 1u << VERDICT_KILLED;
	expect->within_ns = 1;
	expect->diagnosis = DIAGNOSIS_H2;
	expect->disconnected = 2;
	expect->orphans = 1;
	expect->lost = 1;
	strlist_add(&expect->log, "Shutdown complete");
	strlist_add(&expect->log_absent, "nothing");
	strlist_add(&expect->log_absent, "job lost");
	evidence_add_log(&scene->evidence, T0, "a job lost", strlen("a job lost"));
	judge(&scene->judgement, &scene->scenario, &scene->evidence);
	assert_int_equal(scene->judgement.expectation_count, 9);
	for (unsigned i = 0; i < scene->judgement.expectation_count; i++)
		assert_false(scene->judgement.expectations[i].met);
	strlist_done(&expect->log);
	strlist_done(&expect->log_absent);
}

static void a_line_is_absent_only_from_a_log_that_was_kept(void **state)
{
	struct judge_scene *scene = *state;
	const struct expectation *last;

	scene_play_clean(scene);
	strlist_add(&scene->scenario.expect.log_absent, "job lost");
	for (unsigned dropped = 0; dropped < 2; dropped++) {
		scene->evidence.log_dropped = dropped;
		judge(&scene->judgement, &scene->scenario, &scene->evidence);
		last = &scene->judgement
				.expectations[scene->judgement.expectation_count - 1];
		assert_string_equal(last->what, "log_absent");
		assert_int_equal(last->met, dropped == 0);
	}
	strlist_done(&scene->scenario.expect.log_absent);
}

static void a_request_of_somebody_else_is_not_known_to_be_answered(void **state)
{
	struct judge_scene *scene = *state;
	struct tcp_socket under_way = {.cookie = 1};

	scene_run_program(scene, "web", SIGTERM);
	scene_exit_with(scene, 0);
	scene_expect(scene, VERDICT_CLEAN, "X0");
	scene->looks[0].under_way = &under_way;
	scene->looks[0].under_way_count = 1;
	scene_expect(scene, VERDICT_INCONCLUSIVE, "Z0");
	assert_non_null(strstr(scene->judgement.reason, "whether 1 request under way"));
	/* The load's own are known. */
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_ANSWERED);
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

/* A request of 100 bytes had come when the stop did; of what happened then it is judged
 * whether it was answered. */
static void the_figures_of_a_connection_tell_an_answer_and_a_loss(void **state)
{
	const struct connection_close by_program = {.closed = true};
	const struct connection_close by_exit = {.closed = true, .by_exit = true};
	const struct connection_close after_peer = {.closed = true, .after_peer = true};
	const struct connection_close at_exit_after_peer = {true, true, true, false};
	const struct connection_close by_reset = {.reset = true};
	const struct {
		struct tcp_socket before, after;
		struct connection_close close;
		bool open, cut_off;
		enum verdict verdict;
		const char *says;
	} rows[] = {
		/* Its answer came, and its FIN. */
		{{0}, {.sent = 50, .acked = 51}, by_program, false, false,
			VERDICT_CLEAN, ""},
		{{0}, {.sent = 50, .acked = 51}, after_peer, false, false,
			VERDICT_CLEAN, ""},
		{{0}, {.sent = 50, .acked = 51}, at_exit_after_peer, false, false,
			VERDICT_CLEAN, ""},
		/* A download that went on. */
		{{.sent = 50, .unsent = 9}, {.sent = 50, .acked = 51}, by_program,
			false, false, VERDICT_CLEAN, ""},
		/* A part of an answer looks like all of it. */
		{{0}, {.sent = 50, .acked = 51}, by_exit, false, false,
			VERDICT_INCONCLUSIVE, "the end of its process closed it"},
		/* The client had sent its FIN with the request: it says nothing. */
		{{.state = TCP_TABLE_CLOSE_WAIT}, {.sent = 50, .acked = 51},
			at_exit_after_peer, false, false, VERDICT_INCONCLUSIVE,
			"the end of its process closed it"},
		{{0}, {.sent = 50, .acked = 51}, {0}, false, false,
			VERDICT_INCONCLUSIVE, "not traced"},
		/* The last of it never came. */
		{{0}, {.sent = 50, .acked = 20, .unsent = 30}, by_reset, false, false,
			VERDICT_INCONCLUSIVE, "its client reset it"},
		{{0}, {.sent = 50, .acked = 20, .unsent = 30}, by_exit, true, false,
			VERDICT_INCONCLUSIVE, "30 bytes were still to be sent"},
		{{0}, {.sent = 50, .acked = 20, .unsent = 30}, by_exit, true, true,
			VERDICT_LOSS, "taken away with 30 bytes still to be sent"},
		{{0}, {.sent = 50, .acked = 50}, {0}, true, false, VERDICT_INCONCLUSIVE,
			"still open"},
		/* Nothing was ever sent. */
		{{0}, {.acked = 1}, by_exit, false, false, VERDICT_LOSS,
			"127.0.0.1:9: closed by the end of its process, without a byte"},
		{{0}, {.acked = 1}, by_program, false, false, VERDICT_LOSS,
			"127.0.0.1:9: closed without a byte"},
		{{0}, {.unread = 100}, {0}, false, false, VERDICT_LOSS,
			"100 bytes of the request unread"},
		/* Its client gave up. */
		{{0}, {.unread = 100}, by_reset, false, false, VERDICT_INCONCLUSIVE,
			"its client closed it first"},
		{{0}, {.acked = 1, .unread = 1}, after_peer, false, false,
			VERDICT_INCONCLUSIVE, "its client closed it first"},
		/* A log that comes in has no answers, and a replica's reports have none. */
		{{0}, {.acked = 1, .segments = 500}, by_exit, false, false,
			VERDICT_INCONCLUSIVE, "nothing was sent"},
		{{.sent = 50}, {.sent = 50, .acked = 51}, by_exit, false, false,
			VERDICT_INCONCLUSIVE, "nothing was sent"},
	};
	struct judge_scene *scene = *state;

	scene_run_program(scene, "web", SIGTERM);
	scene_exit_with(scene, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct connection_end end = {
			.before = rows[i].before,
			.after = rows[i].after,
			.destroyed = !rows[i].open,
			.cut_off = rows[i].cut_off,
			.close = rows[i].close,
		};

		end.before.received = end.after.received = 100;
		snprintf(end.before.peer, sizeof end.before.peer, "127.0.0.1:9");
		scene->evidence.connections = &end;
		scene->evidence.connection_count = 1;
		judge(&scene->judgement, &scene->scenario, &scene->evidence);
		if (scene->judgement.verdict != rows[i].verdict)
			fail_msg("row %zu: %s", i, scene->judgement.reason);
		if (!strstr(rows[i].verdict == VERDICT_LOSS
				    ? scene->judgement.diagnoses[0].text
				    : scene->judgement.reason,
			    rows[i].says))
			fail_msg("row %zu: %s; %s", i, scene->judgement.reason,
				scene->judgement.diagnoses[0].text);
	}
	scene->evidence.connections = NULL;
}

static void without_a_grace_no_stop_is_slow(void **state)
{
	struct judge_scene *scene = *state;

	scene_run_program(scene, "web", SIGTERM);
	scene_exit_with(scene, 0);
	scene->scenario.stop.grace_ns = 0;
	scene_expect(scene, VERDICT_CLEAN, "X0");
	assert_null(strstr(scene->judgement.diagnoses[0].text, "of the grace"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(clean_is_called_clean),
		SCENE(a_session_without_proof_is_not_clean),
		SCENE(sessions_that_the_api_never_saw_are_inconclusive),
		SCENE(what_was_not_kept_is_missing),
		SCENE(what_was_not_kept_proves_no_session_open),
		SCENE(over_within_is_slow),
		SCENE(a_fifth_of_the_grace_left_is_the_least),
		SCENE(a_bad_exit_code_is_dirty),
		SCENE(a_143_is_dirty_and_has_its_own_diagnosis),
		SCENE(a_137_without_proof_is_inconclusive),
		SCENE(a_137_of_its_own_is_no_sigkill),
		SCENE(the_oom_killer_is_not_the_grace),
		SCENE(a_sigkill_of_another_process_is_not_the_engines),
		SCENE(a_segmentation_fault_is_a_crash),
		SCENE(an_end_before_the_stop_is_a_crash),
		SCENE(an_end_without_a_stop_is_told_as_what_it_was),
		SCENE(a_process_cut_with_pid1_is_a_leak),
		SCENE(deletes_of_mcp_sessions_one_after_the_other_are_the_cause),
		SCENE(deletes_at_once_are_not_told_as_one_after_the_other),
		SCENE(a_process_that_exits_after_the_kill_was_left),
		SCENE(a_process_that_outlives_pid1_is_a_leak),
		SCENE(a_process_without_a_lifeline_that_outlives_pid1_is_a_leak),
		SCENE(the_kernels_stamps_decide_over_lifelines),
		SCENE(a_process_killed_right_before_pid1_ended_is_inconclusive),
		SCENE(a_service_whose_children_are_not_seen_is_not_clean),
		SCENE(a_slow_teardown_hides_no_leak),
		SCENE(a_signal_that_was_discarded_is_not_clean),
		SCENE(masks_prove_that_a_signal_was_discarded),
		SCENE(an_end_of_its_own_goes_before_the_signal_that_was_discarded),
		SCENE(one_snapshot_without_a_handler_is_no_proof),
		SCENE(a_wait_for_signals_is_not_settled_by_what_comes_after),
		SCENE(an_unseen_wait_may_be_for_signals),
		SCENE(an_end_before_the_signal_is_a_crash),
		SCENE(an_end_inside_the_error_bars_is_no_crash),
		SCENE(a_request_that_failed_is_not_clean),
		SCENE(a_kept_session_needs_its_stream_closed),
		SCENE(a_session_that_should_not_be_kept_is_not_released_by_being_kept),
		SCENE(a_shutdown_that_began_before_the_stop_proves_no_handler),
		SCENE(a_late_stamp_of_the_kill_hides_no_leak),
		SCENE(a_server_that_exits_as_pid1_is_killed_was_left),
		SCENE(an_end_by_the_stop_signals_default_is_no_crash),
		SCENE(each_session_of_a_room_has_to_be_released),
		SCENE(a_session_that_ended_unanswered_was_released),
		SCENE(only_the_mock_agent_says_that_a_session_was_released),
		SCENE(a_process_that_the_service_reaped_is_no_leak),
		SCENE(a_line_that_must_be_absent_is_not_clean),
		SCENE(a_load_command_that_failed_is_not_clean),
		SCENE(an_answer_that_may_be_cut_is_inconclusive),
		SCENE(a_request_without_answer_is_a_loss),
		SCENE(a_request_that_was_turned_away_is_no_loss),
		SCENE(a_503_for_what_was_sent_before_the_signal_is_a_refusal),
		SCENE(what_is_proven_beats_what_is_unknown),
		SCENE(a_time_that_was_not_seen_is_inconclusive),
		SCENE(a_case_that_could_not_run_is_not_met),
		SCENE(every_expectation_can_be_unmet),
		SCENE(a_line_is_absent_only_from_a_log_that_was_kept),
		SCENE(a_request_of_somebody_else_is_not_known_to_be_answered),
		SCENE(the_figures_of_a_connection_tell_an_answer_and_a_loss),
		SCENE(without_a_grace_no_stop_is_slow),
	};

	return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
