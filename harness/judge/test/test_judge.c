#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "harness/judge/judge.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define T0 (1000 * CLOCK_S) /* the stop signal */

/* A case with everything in order: three sessions with a server each, let go in 300 ms
 * of a grace of 2 s, exit code 0. Each test spoils one thing. */
struct scene {
	struct scenario scenario;
	struct evidence evidence;
	struct judgement judgement;
	struct proc pid1[2];
};

static void hear(struct scene *scene, enum event_source source, int64_t ms,
	const char *format, ...) PRINTF(4, 5);

static void hear(struct scene *scene, enum event_source source, int64_t ms,
	const char *format, ...)
{
	char text[512];
	va_list args;
	cJSON *json;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	json = json_parse(text, strlen(text));
	assert_non_null(json);
	cJSON_AddNumberToObject(json, "ns", (double)(T0 + ms * CLOCK_MS));
	evidence_add_event(&scene->evidence, source, -1, json);
}

static struct lifeline *add_server(struct scene *scene, int session, int64_t ended_ms)
{
	int index = evidence_add_lifeline(&scene->evidence, 100 + session);
	struct lifeline *lifeline = &scene->evidence.lifelines[index];

	lifeline->role = mem_text("mock-mcp");
	lifeline->name = mem_text("skills");
	lifeline->session = mem_textf("%d", session);
	lifeline->own_pid = 10 + session;
	lifeline->opened_ns = T0 - CLOCK_S;
	lifeline->ended_ns = T0 + ended_ms * CLOCK_MS;
	lifeline->eof_ns = T0 + 5 * CLOCK_MS;
	lifeline->exit_ns = lifeline->ended_ns;
	return lifeline;
}

static void add_request(struct scene *scene, enum request_kind kind, int session,
	enum request_end end)
{
	unsigned index = evidence_add_request(
		&scene->evidence, kind, (unsigned)session, "1", "personal_assistant");

	scene->evidence.requests[index].end = end;
}

static void disconnect(struct scene *scene, int session, int64_t from_ms, int64_t to_ms)
{
	hear(scene, EVENT_SERVICE, from_ms,
		"{\"event\":\"session.disconnect.begin\",\"room\":\"%d\"}", session);
	hear(scene, EVENT_LEDGER, from_ms,
		"{\"event\":\"agent.disconnect.begin\",\"session\":\"%d\"}", session);
	if (to_ms >= 0)
		hear(scene, EVENT_LEDGER, to_ms,
			"{\"event\":\"agent.disconnect.done\",\"session\":\"%d\"}", session);
}

static void open_sessions(struct scene *scene, int count)
{
	scene->scenario.load.sessions = count;
	for (int i = 1; i <= count; i++) {
		hear(scene, EVENT_LEDGER, -500,
			"{\"event\":\"agent.session.opened\",\"session\":\"%d\"}", i);
		add_request(scene, REQUEST_OPEN, i, REQUEST_ANSWERED);
	}
}

static void begin_shutdown(struct scene *scene, const char *how, int64_t grace_ns)
{
	hear(scene, EVENT_SERVICE, 1,
		"{\"event\":\"shutdown.begin\",\"disconnect\":\"%s\",\"grace_ns\":%lld}", how,
		(long long)grace_ns);
}

static int raise_curtain(void **state)
{
	struct scene *scene = mem_zeroed(sizeof *scene);
	struct expect_part *expect = &scene->scenario.expect;

	scene->scenario.name = mem_text("a case");
	scene->scenario.stop.grace_ns = 2 * CLOCK_S;
	scene->scenario.stop.when = mem_text("sessions.ready");
	expect->exit_codes.count = 1;
	expect->verdicts = 1u << VERDICT_CLEAN;
	expect->disconnected = expect->orphans = expect->lost = EXPECT_ANY;
	scene->evidence.facts = (struct stop_facts){
		.asked_ns = T0 - CLOCK_MS,
		.returned_ns = T0 + 320 * CLOCK_MS,
		.stop_signal = SIGTERM,
		.signal_ns = T0,
		.signal_witness = WITNESS_KERNEL,
		.signal_fate = FATE_DELIVERED,
		.exit_ns = T0 + 300 * CLOCK_MS,
		.exit_witness = WITNESS_KERNEL,
		.wait_status_known = true,
		.oom_kills = -1,
	};
	*state = scene;
	return 0;
}

static void play_clean(struct scene *scene)
{
	open_sessions(scene, 3);
	begin_shutdown(scene, "parallel", 2 * CLOCK_S);
	for (int i = 1; i <= 3; i++) {
		disconnect(scene, i, 2, 280);
		add_server(scene, i, 20);
	}
	hear(scene, EVENT_SERVICE, 290, "{\"event\":\"shutdown.complete\"}");
}

static int drop_curtain(void **state)
{
	struct scene *scene = *state;

	scene->evidence.snapshots = NULL; /* they are the scene's own */
	scene->evidence.snapshot_count = 0;
	evidence_done(&scene->evidence);
	mem_free(&scene->scenario.name);
	mem_free(&scene->scenario.stop.when);
	words_done(&scene->scenario.service.env);
	mem_free(state);
	return 0;
}

/* SIGKILL at the end of the grace, with proof. */
static void kill_at_grace(struct scene *scene)
{
	struct stop_facts *facts = &scene->evidence.facts;

	facts->kill_ns = T0 + scene->scenario.stop.grace_ns + 28 * CLOCK_MS;
	facts->kill_witness = WITNESS_KERNEL;
	facts->kill_by_engine = true;
	facts->exit_ns = facts->kill_ns + 2 * CLOCK_MS;
	facts->wait_status = SIGKILL;
	facts->exit_code = 137;
}

static void exit_with(struct scene *scene, int code)
{
	scene->evidence.facts.exit_code = code;
	scene->evidence.facts.wait_status = code << 8;
}

/* PID 1's snapshots, a second apart, alike. */
static void look_at(struct scene *scene, struct snapshot *snapshots, unsigned descendants)
{
	for (unsigned i = 0; i < 2; i++) {
		snapshots[i].ns = T0 + i * CLOCK_S;
		snapshots[i].procs = scene->pid1;
		snapshots[i].count = 1 + descendants;
	}
	scene->evidence.snapshots = snapshots;
	scene->evidence.snapshot_count = 2;
}

static void expect_judged(struct scene *scene, enum verdict verdict, const char *diagnosis)
{
	judge(&scene->judgement, &scene->scenario, &scene->evidence);
	if (scene->judgement.verdict != verdict)
		print_error("reason: %s\n", scene->judgement.reason);
	assert_string_equal(verdict_name(scene->judgement.verdict), verdict_name(verdict));
	if (diagnosis) {
		assert_true(scene->judgement.diagnosis_count > 0);
		assert_string_equal(cause_ids[scene->judgement.diagnoses[0].cause],
			diagnosis);
	}
}

static bool has_diagnosis(const struct scene *scene, const char *id)
{
	for (unsigned i = 0; i < scene->judgement.diagnosis_count; i++) {
		if (strcmp(cause_ids[scene->judgement.diagnoses[i].cause], id) == 0)
			return true;
	}
	return false;
}

static void clean_is_called_clean(void **state)
{
	struct scene *scene = *state;

	play_clean(scene);
	expect_judged(scene, VERDICT_CLEAN, "X0");
	assert_true(scene->judgement.met);
	assert_int_equal(scene->judgement.disconnected, 3);
	assert_int_equal(scene->judgement.stop_ns, 300 * CLOCK_MS);
}

static void a_session_without_proof_is_not_clean(void **state)
{
	struct scene *scene = *state;

	open_sessions(scene, 2);
	begin_shutdown(scene, "parallel", 2 * CLOCK_S);
	disconnect(scene, 1, 2, 100);
	hear(scene, EVENT_SERVICE, 290, "{\"event\":\"shutdown.complete\"}");
	expect_judged(scene, VERDICT_DIRTY, "H1");
	assert_false(scene->judgement.met);
}

static void sessions_that_the_api_never_saw_are_inconclusive(void **state)
{
	struct scene *scene = *state;

	open_sessions(scene, 2);
	disconnect(scene, 1, 2, 100);
	disconnect(scene, 2, 2, 100);
	scene->scenario.load.sessions = 3;
	expect_judged(scene, VERDICT_INCONCLUSIVE, "Z0");
}

static void what_was_not_kept_is_missing(void **state)
{
	struct scene *scene = *state;

	play_clean(scene);
	scene->evidence.lifelines_dropped = 1;
	expect_judged(scene, VERDICT_INCONCLUSIVE, "Z0");
}

static void what_was_not_kept_proves_no_session_open(void **state)
{
	struct scene *scene = *state;

	open_sessions(scene, 1);
	disconnect(scene, 1, 2, -1);
	scene->evidence.events_dropped = 1;
	expect_judged(scene, VERDICT_INCONCLUSIVE, "Z0");
}

static void over_within_is_slow(void **state)
{
	struct scene *scene = *state;

	play_clean(scene);
	scene->scenario.expect.within_ns = 299 * CLOCK_MS;
	expect_judged(scene, VERDICT_SLOW, "X0");
	assert_false(scene->judgement.met);
}

static void a_fifth_of_the_grace_left_is_the_least(void **state)
{
	struct scene *scene = *state;

	play_clean(scene);
	scene->evidence.facts.exit_ns = T0 + 1601 * CLOCK_MS;
	expect_judged(scene, VERDICT_SLOW, "X0");
}

static void a_bad_exit_code_is_dirty(void **state)
{
	struct scene *scene = *state;

	play_clean(scene);
	exit_with(scene, 1);
	expect_judged(scene, VERDICT_DIRTY, NULL);
}

static void a_143_is_dirty_and_told_apart(void **state)
{
	struct scene *scene = *state;

	scene->scenario.service.init = true;
	exit_with(scene, 143);
	expect_judged(scene, VERDICT_DIRTY, "X9");
	hear(scene, EVENT_SERVICE, 1, "{\"event\":\"shutdown.complete\"}");
	expect_judged(scene, VERDICT_DIRTY, "X8");
}

static void a_137_without_proof_is_inconclusive(void **state)
{
	struct scene *scene = *state;

	scene->evidence.facts.exit_code = 137;
	scene->evidence.facts.wait_status = SIGKILL;
	expect_judged(scene, VERDICT_INCONCLUSIVE, "Z0");
	scene->evidence.facts.wait_status_known = false;
	expect_judged(scene, VERDICT_INCONCLUSIVE, "Z0");
}

static void a_137_of_its_own_is_no_sigkill(void **state)
{
	struct scene *scene = *state;

	exit_with(scene, 137);
	expect_judged(scene, VERDICT_DIRTY, "X5");
}

static void the_oom_killer_is_not_the_grace(void **state)
{
	struct scene *scene = *state;

	scene->evidence.facts.exit_code = 137;
	scene->evidence.facts.wait_status = SIGKILL;
	scene->evidence.facts.oom_kills = 1;
	expect_judged(scene, VERDICT_OOM, "X3");
}

static void somebody_elses_sigkill_is_not_the_engines(void **state)
{
	struct scene *scene = *state;

	kill_at_grace(scene);
	scene->evidence.facts.kill_by_engine = false;
	expect_judged(scene, VERDICT_SELF_KILLED, "X6");
}

static void a_segmentation_fault_is_a_crash(void **state)
{
	struct scene *scene = *state;

	scene->evidence.facts.exit_code = 139;
	scene->evidence.facts.wait_status = SIGSEGV;
	expect_judged(scene, VERDICT_CRASH, "X7");
}

static void an_end_before_the_stop_is_a_crash(void **state)
{
	struct scene *scene = *state;

	scene->evidence.facts.exited_before_stop = true;
	exit_with(scene, 0);
	expect_judged(scene, VERDICT_CRASH, "X10");
}

static void a_pid1_without_handler_is_named(void **state)
{
	struct scene *scene = *state;
	struct snapshot snapshots[2];

	kill_at_grace(scene);
	strcpy(scene->pid1[0].name, "httpd");
	look_at(scene, snapshots, 0);
	expect_judged(scene, VERDICT_KILLED, "W1");
	assert_true(has_diagnosis(scene, "X1"));
	scene->pid1[0].ignored = 1u << (SIGTERM - 1);
	expect_judged(scene, VERDICT_KILLED, "W2");
}

static void a_pid1_that_waits_for_signals_has_ears(void **state)
{
	struct scene *scene = *state;
	struct snapshot snapshots[2];

	kill_at_grace(scene);
	scene->pid1[0].syscall = 128; /* rt_sigtimedwait: its masks are empty there */
	look_at(scene, snapshots, 0);
	expect_judged(scene, VERDICT_KILLED, "X1");
}

static void a_shell_as_pid1_is_named(void **state)
{
	struct scene *scene = *state;
	struct snapshot snapshots[2];

	kill_at_grace(scene);
	strcpy(scene->pid1[0].name, "sh");
	strcpy(scene->pid1[1].name, "service");
	look_at(scene, snapshots, 1);
	expect_judged(scene, VERDICT_KILLED, "W3");
	assert_non_null(strstr(scene->judgement.diagnoses[0].text, "service"));
}

static void one_after_the_other_is_named(void **state)
{
	struct scene *scene = *state;

	kill_at_grace(scene);
	open_sessions(scene, 8);
	begin_shutdown(scene, "sequential", 2 * CLOCK_S);
	for (int i = 1; i <= 4; i++)
		disconnect(scene, i, 450 * (i - 1), 450 * i);
	disconnect(scene, 5, 1800, -1);
	expect_judged(scene, VERDICT_KILLED, "H2");
}

static void one_stuck_session_is_named(void **state)
{
	struct scene *scene = *state;

	kill_at_grace(scene);
	open_sessions(scene, 5);
	begin_shutdown(scene, "sequential", 2 * CLOCK_S);
	disconnect(scene, 1, 2, 52);
	disconnect(scene, 2, 52, -1);
	expect_judged(scene, VERDICT_KILLED, "H1");
	assert_non_null(strstr(scene->judgement.diagnoses[0].text, "session 2 ("));
}

static void dropped_sessions_are_named(void **state)
{
	struct scene *scene = *state;

	kill_at_grace(scene);
	open_sessions(scene, 3);
	begin_shutdown(scene, "none", 2 * CLOCK_S);
	expect_judged(scene, VERDICT_KILLED, "H1");
	assert_non_null(strstr(scene->judgement.diagnoses[0].text, "no disconnect was begun"));
}

static void a_belief_in_a_longer_grace_is_named(void **state)
{
	struct scene *scene = *state;

	kill_at_grace(scene);
	open_sessions(scene, 1);
	begin_shutdown(scene, "parallel", 10 * CLOCK_S);
	disconnect(scene, 1, 2, -1);
	expect_judged(scene, VERDICT_KILLED, "H15");
}

static void a_deaf_server_is_named(void **state)
{
	struct scene *scene = *state;
	struct lifeline *server;

	open_sessions(scene, 1);
	begin_shutdown(scene, "sequential", 2 * CLOCK_S);
	disconnect(scene, 1, 2, 50);
	server = add_server(scene, 1, 2029);
	server->exit_ns = 0;
	server->signal = SIGTERM;
	server->signal_ns = T0 + CLOCK_S;
	kill_at_grace(scene);
	expect_judged(scene, VERDICT_KILLED, "H3");
	assert_true(has_diagnosis(scene, "L1"));
	assert_non_null(strstr(scene->judgement.diagnoses[0].text, "ignored EOF and its"));
}

static void a_process_cut_with_pid1_is_a_leak(void **state)
{
	struct scene *scene = *state;

	play_clean(scene);
	add_server(scene, 1, 301)->exit_ns = 0;
	expect_judged(scene, VERDICT_LEAK, "L1");
	assert_int_equal(scene->judgement.orphans, 1);
}

static void a_process_that_exits_after_the_kill_was_left(void **state)
{
	struct scene *scene = *state;

	open_sessions(scene, 1);
	begin_shutdown(scene, "none", 2 * CLOCK_S);
	add_server(scene, 1, 2029);
	kill_at_grace(scene);
	expect_judged(scene, VERDICT_KILLED, "H1");
	assert_int_equal(scene->judgement.orphans, 1);
}

/* Exit code 0 at once, and its server's stdin ended with it. */
static void a_process_that_outlives_pid1_is_a_leak(void **state)
{
	struct scene *scene = *state;

	add_server(scene, 1, 299);
	scene->evidence.facts.dying_ns = T0 + 298 * CLOCK_MS;
	expect_judged(scene, VERDICT_LEAK, "L1");
	scene->evidence.facts.dying_ns = T0 + 300 * CLOCK_MS;
	expect_judged(scene, VERDICT_CLEAN, "X0");
}

/* Somebody else's child has no lifeline: a snapshot saw it, and the kernel its end. */
static void a_stranger_that_outlives_pid1_is_a_leak(void **state)
{
	struct scene *scene = *state;
	struct snapshot snapshots[2];

	strcpy(scene->pid1[1].name, "sleep");
	scene->pid1[1].state = 'S';
	scene->pid1[1].ended_ns = T0 + 299 * CLOCK_MS;
	scene->evidence.facts.dying_ns = T0 + 298 * CLOCK_MS;
	look_at(scene, snapshots, 1);
	expect_judged(scene, VERDICT_LEAK, "L1");
	scene->pid1[1].ended_ns = T0 + 297 * CLOCK_MS;
	expect_judged(scene, VERDICT_CLEAN, "X0");
}

static void a_slow_teardown_hides_no_leak(void **state)
{
	struct scene *scene = *state;

	add_server(scene, 1, 320)->exit_ns = 0;
	scene->evidence.facts.dying_ns = T0 + 300 * CLOCK_MS;
	scene->evidence.facts.exit_ns = T0 + 900 * CLOCK_MS;
	expect_judged(scene, VERDICT_LEAK, "L1");
}

static void a_signal_that_nobody_heard_is_not_clean(void **state)
{
	struct scene *scene = *state;

	scene->evidence.facts.signal_fate = FATE_IGNORED;
	expect_judged(scene, VERDICT_DIRTY, NULL);
}

static void an_end_before_the_signal_is_a_crash(void **state)
{
	struct scene *scene = *state;

	scene->evidence.facts.exit_ns = T0 - CLOCK_MS;
	expect_judged(scene, VERDICT_CRASH, "X10");
	assert_int_equal(scene->judgement.stop_ns, -1);
}

static void a_request_that_failed_is_not_clean(void **state)
{
	struct scene *scene = *state;

	play_clean(scene);
	add_request(scene, REQUEST_TURN, 1, REQUEST_WRONG);
	expect_judged(scene, VERDICT_DIRTY, NULL);
}

static void a_crash_is_not_blamed_on_the_agent(void **state)
{
	struct scene *scene = *state;

	open_sessions(scene, 1);
	begin_shutdown(scene, "sequential", 2 * CLOCK_S);
	scene->evidence.facts.exit_code = 139;
	scene->evidence.facts.wait_status = SIGSEGV;
	expect_judged(scene, VERDICT_CRASH, "X7");
}

static void a_kept_session_needs_its_stream_closed(void **state)
{
	struct scene *scene = *state;

	open_sessions(scene, 1);
	begin_shutdown(scene, "parallel", 2 * CLOCK_S);
	hear(scene, EVENT_SERVICE, 5,
		"{\"event\":\"session.disconnected\",\"room\":\"1\",\"how\":\"keep\"}");
	expect_judged(scene, VERDICT_DIRTY, "H1");
	hear(scene, EVENT_LEDGER, 6,
		"{\"event\":\"agent.stream.closed\",\"session\":\"1\",\"by\":\"client\"}");
	expect_judged(scene, VERDICT_CLEAN, "X0");
}

static void a_143_of_its_own_is_not_the_default(void **state)
{
	struct scene *scene = *state;

	exit_with(scene, 143);
	expect_judged(scene, VERDICT_DIRTY, "X5");
}

static void a_process_that_the_service_reaped_is_no_leak(void **state)
{
	struct scene *scene = *state;

	play_clean(scene);
	add_server(scene, 1, 295)->exit_ns = 0;
	hear(scene, EVENT_SERVICE, 296, "{\"event\":\"mcp.reaped\",\"child\":11}");
	expect_judged(scene, VERDICT_CLEAN, "X0");
}

static void a_request_without_answer_is_a_loss(void **state)
{
	struct scene *scene = *state;

	play_clean(scene);
	add_request(scene, REQUEST_TURN, 1, REQUEST_BROKEN);
	expect_judged(scene, VERDICT_LOSS, "R1");
	assert_int_equal(scene->judgement.lost, 1);
}

static void a_request_that_was_turned_away_is_no_loss(void **state)
{
	struct scene *scene = *state;

	play_clean(scene);
	add_request(scene, REQUEST_TURN, 1, REQUEST_TURNED_AWAY);
	add_request(scene, REQUEST_TURN, 1, REQUEST_REFUSED);
	add_request(scene, REQUEST_IDLE, 0, REQUEST_BROKEN);
	expect_judged(scene, VERDICT_CLEAN, "X0");
}

static void what_is_proven_beats_what_is_unknown(void **state)
{
	struct scene *scene = *state;

	play_clean(scene);
	add_server(scene, 1, 301)->exit_ns = 0;
	scene->evidence.facts.wait_status_known = false;
	scene->evidence.facts.exit_code = 137;
	expect_judged(scene, VERDICT_LEAK, "L1");
}

static void a_time_that_nobody_saw_is_inconclusive(void **state)
{
	struct scene *scene = *state;

	play_clean(scene);
	scene->evidence.facts.signal_ns = 0;
	expect_judged(scene, VERDICT_INCONCLUSIVE, "Z0");
}

static void a_case_that_could_not_run_is_not_met(void **state)
{
	static const enum trouble troubles[] = {TROUBLE_NOT_UP, TROUBLE_NOT_READY,
		TROUBLE_LOAD, TROUBLE_WHEN, TROUBLE_INTERRUPTED};
	struct scene *scene = *state;

	play_clean(scene);
	for (size_t i = 0; i < COUNT(troubles); i++) {
		scene->evidence.trouble = troubles[i];
		judge(&scene->judgement, &scene->scenario, &scene->evidence);
		assert_false(scene->judgement.met);
		assert_false(scene->judgement.could_run);
	}
}

static void every_expectation_can_be_unmet(void **state)
{
	struct scene *scene = *state;
	struct expect_part *expect = &scene->scenario.expect;

	play_clean(scene);
	expect->exit_codes.code[0] = 7;
	expect->verdicts = 1u << VERDICT_KILLED;
	expect->within_ns = 1;
	expect->diagnosis = CAUSE_H2;
	expect->disconnected = 2;
	expect->orphans = 1;
	expect->lost = 1;
	words_add(&expect->log, "Shutdown complete");
	judge(&scene->judgement, &scene->scenario, &scene->evidence);
	assert_int_equal(scene->judgement.expectation_count, 8);
	for (unsigned i = 0; i < scene->judgement.expectation_count; i++)
		assert_false(scene->judgement.expectations[i].met);
	words_done(&expect->log);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, raise_curtain, drop_curtain)

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
		SCENE(a_143_is_dirty_and_told_apart),
		SCENE(a_137_without_proof_is_inconclusive),
		SCENE(a_137_of_its_own_is_no_sigkill),
		SCENE(the_oom_killer_is_not_the_grace),
		SCENE(somebody_elses_sigkill_is_not_the_engines),
		SCENE(a_segmentation_fault_is_a_crash),
		SCENE(an_end_before_the_stop_is_a_crash),
		SCENE(a_pid1_without_handler_is_named),
		SCENE(a_pid1_that_waits_for_signals_has_ears),
		SCENE(a_shell_as_pid1_is_named),
		SCENE(one_after_the_other_is_named),
		SCENE(one_stuck_session_is_named),
		SCENE(dropped_sessions_are_named),
		SCENE(a_belief_in_a_longer_grace_is_named),
		SCENE(a_deaf_server_is_named),
		SCENE(a_process_cut_with_pid1_is_a_leak),
		SCENE(a_process_that_exits_after_the_kill_was_left),
		SCENE(a_process_that_outlives_pid1_is_a_leak),
		SCENE(a_stranger_that_outlives_pid1_is_a_leak),
		SCENE(a_slow_teardown_hides_no_leak),
		SCENE(a_signal_that_nobody_heard_is_not_clean),
		SCENE(an_end_before_the_signal_is_a_crash),
		SCENE(a_request_that_failed_is_not_clean),
		SCENE(a_crash_is_not_blamed_on_the_agent),
		SCENE(a_kept_session_needs_its_stream_closed),
		SCENE(a_143_of_its_own_is_not_the_default),
		SCENE(a_process_that_the_service_reaped_is_no_leak),
		SCENE(a_request_without_answer_is_a_loss),
		SCENE(a_request_that_was_turned_away_is_no_loss),
		SCENE(what_is_proven_beats_what_is_unknown),
		SCENE(a_time_that_nobody_saw_is_inconclusive),
		SCENE(a_case_that_could_not_run_is_not_met),
		SCENE(every_expectation_can_be_unmet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
