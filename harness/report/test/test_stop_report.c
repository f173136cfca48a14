/*
 * What `stopbench stop` prints, of evidence made up here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/stop_report.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

struct scene {
	struct subject_about about;
	struct scenario scenario;
	struct evidence evidence;
	struct judgement judgement;
	struct stop_report report;
	struct terminal terminal;
	char *text; /* what was printed */
};

/* A shell in front of node, which was killed 10 s after the signal. */
static int set_up(void **state)
{
	static const char last[] = "listening on 3000";
	struct scene *scene = mem_zeroed(sizeof *scene);

	scene->about = (struct subject_about){
		.name = mem_text("shop-api"),
		.image = mem_text("shop/api:1.2"),
		.grace_ns = 10 * CLOCK_S,
		.restart_policy = mem_text("no"),
		.exit_code = -1,
	};
	scene->scenario.stop.grace_ns = 10 * CLOCK_S;
	evidence_add_log(&scene->evidence, 88 * CLOCK_S, last, strlen(last));
	scene->evidence.up_ns = 1;
	scene->evidence.capabilities.pid1_rules = true;
	scene->evidence.facts = (struct stop_facts){
		.asked_ns = 100 * CLOCK_S,
		.stop_signal = SIGTERM,
		.signal_ns = 100 * CLOCK_S,
		.signal_source = STAMP_KERNEL,
		.signal_delivery = DELIVERY_IGNORED,
		.kill_ns = 110 * CLOCK_S,
		.kill_source = STAMP_KERNEL,
		.kill_by_engine = true,
		.exit_ns = 110 * CLOCK_S + 2 * CLOCK_MS,
		.exit_source = STAMP_KERNEL,
		.exit_code = 137,
	};
	scene->judgement = (struct judgement){
		.verdict = VERDICT_KILLED,
		.reason = "137: the grace expired",
		.diagnoses = {{DIAGNOSIS_W3,
			"PID 1 is a shell that did not pass SIGTERM on, "
			"so node (pid 7) never received it"}},
		.diagnosis_count = 1,
		.could_run = true,
		.stop_ns = 10 * CLOCK_S + 2 * CLOCK_MS,
	};
	scene->report = (struct stop_report){
		.about = &scene->about,
		.own_grace = true,
		.scenario = &scene->scenario,
		.evidence = &scene->evidence,
		.judgement = &scene->judgement,
	};
	scene->terminal = terminal_of(stdout);
	scene->terminal.width = 80;
	scene->terminal.red = scene->terminal.green = scene->terminal.plain = "";
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	evidence_done(&scene->evidence);
	free(scene->about.name);
	free(scene->about.image);
	free(scene->about.restart_policy);
	free(scene->about.no_log);
	free(scene->text);
	free(scene);
	return 0;
}

static void print(struct scene *scene)
{
	size_t len;
	FILE *out;

	free(scene->text);
	out = open_memstream(&scene->text, &len);
	assert_non_null(out);
	stop_report_print(&scene->report, &scene->terminal, out);
	fclose(out);
}

static void expect(struct scene *scene, const char *words)
{
	print(scene);
	if (!strstr(scene->text, words))
		fail_msg("missing: %s\nin: %s", words, scene->text);
}

static void expect_not(struct scene *scene, const char *words)
{
	print(scene);
	if (strstr(scene->text, words))
		fail_msg("unwanted: %s\nin: %s", words, scene->text);
}

static void stop_report_begins_with_the_verdict(void **state)
{
	struct scene *scene = *state;

	expect(scene,
		"shop-api  killed  137  after 10.0s (its grace: 10s) by the kernel's "
		"clock\n\n  W3  PID 1 is a shell");
	scene->report.own_grace = false;
	expect(scene, "after 10.0s (grace: 10s)");
	scene->scenario.stop.grace_ns = 300 * CLOCK_MS;
	expect(scene, "(grace: 300ms)");
	scene->scenario.stop.grace_ns = ATTACH_NO_GRACE_NS;
	expect(scene, "(grace: none)");
	scene->evidence.facts.signal_source = STAMP_ENGINE;
	scene->judgement.stop_error_ns = 12 * CLOCK_MS;
	expect(scene,
		"killed  137  after 10.0s +-12.0ms (grace: none) by the engine's "
		"clock\n");
	scene->judgement.stop_ns = -1;
	expect(scene, "killed  137  after an unknown time (grace: none)\n");
	scene->evidence.facts.exit_code = -1;
	scene->evidence.facts.exited_before_stop = true;
	expect(scene, "killed  before the stop\n");
}

/* In the last snapshot before the SIGKILL. */
static void see(struct scene *scene, const struct proc *pid1)
{
	struct snapshot snapshot = {
		.ns = 109 * CLOCK_S,
		.procs = mem_grown(NULL, 1, sizeof *pid1),
		.count = 1,
	};

	snapshot.procs[0] = *pid1;
	evidence_add_snapshot(&scene->evidence, &snapshot);
}

static void stop_report_says_what_became_of_the_signals(void **state)
{
	struct scene *scene = *state;

	expect(scene,
		"Signals: SIGTERM to PID 1 was discarded by the kernel; SIGKILL from "
		"the engine\n      came 10.0s later\n");
	scene->evidence.facts.kill_by_engine = false;
	strcpy(scene->evidence.facts.kill_sender, "node");
	scene->evidence.facts.signal_delivery = DELIVERY_DELIVERED;
	expect(scene, "SIGTERM to PID 1 was delivered; SIGKILL from node came");
	scene->evidence.facts.signal_delivery = DELIVERY_UNKNOWN;
	scene->evidence.facts.kill_source = STAMP_NONE;
	expect(scene, "Signals: SIGTERM to PID 1 was sent\n");
	scene->evidence.capabilities.pid1_rules = false;
	expect(scene, "Signals: SIGTERM was sent\n");
}

static void stop_report_names_sigkill_once_where_it_is_the_stop_signal(void **state)
{
	struct scene *scene = *state;

	scene->evidence.facts.stop_signal = SIGKILL;
	scene->evidence.facts.signal_delivery = DELIVERY_DELIVERED;
	expect(scene, "Signals: SIGKILL from the engine\n");
}

static void stop_report_says_of_a_pending_signal_that_it_was_not_taken(void **state)
{
	struct scene *scene = *state;

	scene->evidence.facts.signal_delivery = DELIVERY_DELIVERED;
	see(scene,
		&(struct proc){
			.pid = 400, .shared_pending = UINT64_C(1) << (SIGTERM - 1)});
	expect(scene, "SIGTERM to PID 1 stayed pending; SIGKILL from the engine");
}

static void stop_report_has_the_last_words(void **state)
{
	static const char bye[] = "bye\033[2J";
	struct scene *scene = *state;

	expect(scene, "Last words: \"listening on 3000\" 12.0s before the signal\n");
	evidence_add_log(&scene->evidence, 101 * CLOCK_S, bye, strlen(bye));
	expect(scene, "1.00s after the signal\n");
	expect_not(scene, "\033");
	/* A daemon whose clock is not ours. */
	scene->evidence.log[1].ns = 0;
	expect_not(scene, "the signal\n  Restart");
}

static void stop_report_has_a_cure_for_what_is_not_clean(void **state)
{
	struct scene *scene = *state;

	expect(scene, "  Cure: Make the program PID 1.");
	scene->judgement.verdict = VERDICT_CLEAN;
	expect_not(scene, "Cure:");
	expect_not(scene, "Signals:");
	scene->judgement.verdict = VERDICT_DIRTY;
	scene->judgement.diagnosis_count = 0;
	expect(scene, "the grace expired");
	expect_not(scene, "Cure:");
}

static void stop_report_says_what_the_restart_policy_does(void **state)
{
	static const char *const policies[] = {
		"always", "unless-stopped", "on-failure"};
	struct scene *scene = *state;

	expect_not(scene, "Restart policy");
	for (size_t i = 0; i < COUNT(policies); i++) {
		SCOPED(mem_free) char *words =
			mem_textf("Restart policy: %s: it stays stopped", policies[i]);

		free(scene->about.restart_policy);
		scene->about.restart_policy = mem_text(policies[i]);
		expect(scene, words);
	}
	scene->about.auto_remove = true;
	expect(scene, "Restart policy: none, but --rm");
}

static void stop_report_says_how_it_was_before(void **state)
{
	struct scene *scene = *state;

	expect_not(scene, "Before:");
	scene->about.paused = true;
	expect(scene, "Before: it was paused");
	scene->about.restarting = true;
	scene->about.restarts = 7;
	expect(scene, "Before: it was waiting to be started again, as 7 times before");
}

static void stop_report_says_what_was_not_seen(void **state)
{
	struct scene *scene = *state;

	expect_not(scene, "Not seen");
	scene->about.no_log = mem_text("its log (none)");
	expect(scene, "  Not seen: its log (none)\n");
	strcpy(scene->evidence.capabilities.note, "no kernel trace of signals");
	expect(scene, "  Not seen: no kernel trace of signals. As root");
	expect(scene, "; its log (none)");
	scene->evidence.unsettled = true;
	expect(scene, "whether it was ready: its");
}

static void what_clients_of_a_unix_socket_got_was_not_seen(void **state)
{
	struct scene *scene = *state;
	struct snapshot snapshot = {.ns = 99 * CLOCK_S, .count = 2};

	snapshot.procs = mem_zeroed(sizeof *snapshot.procs * 2);
	strcpy(snapshot.procs[1].unix_path, "/run/app.sock");
	evidence_add_snapshot(&scene->evidence, &snapshot);
	expect(scene,
		"  Not seen: whether the clients of the unix socket /run/app.sock got");
}

/* Where it had clients, and nothing else was wrong. */
static void what_clients_of_a_clean_stop_were_answered_was_not_seen(void **state)
{
	struct scene *scene = *state;
	struct snapshot snapshot = {.ns = 99 * CLOCK_S, .count = 2};

	scene->judgement.verdict = VERDICT_CLEAN;
	snapshot.procs = mem_zeroed(sizeof *snapshot.procs * 2);
	snapshot.procs[0].pid = 1;
	snapshot.procs[1].pid = 7;
	snapshot.procs[1].ppid = 1;
	evidence_add_snapshot(&scene->evidence, &snapshot);
	expect_not(scene, "Not seen");
	scene->evidence.snapshots[0].procs[1].clients = 1;
	expect(scene, "  Not seen: what its clients were answered, and whether");
	scene->judgement.verdict = VERDICT_KILLED;
	expect_not(scene, "Not seen");
}

static void stop_report_lists_the_processes(void **state)
{
	struct scene *scene = *state;
	struct snapshot snapshot = {.ns = 109 * CLOCK_S, .count = 10};
	struct proc *procs = mem_zeroed(sizeof *procs * 10);

	for (int i = 0; i < 10; i++)
		procs[i] =
			(struct proc){.pid = 1000 + i, .ns_pid = i + 1, .state = 'S'};
	strcpy(procs[0].command, "sh -c node server.js; true");
	procs[1].caught = UINT64_C(1) << (SIGTERM - 1);
	procs[2].ignored = UINT64_C(1) << (SIGTERM - 1);
	procs[3].blocked = UINT64_C(1) << (SIGTERM - 1);
	procs[4].state = 'Z';
	/* In sigwait; and its main thread alone has ended. */
	strcpy(procs[6].wchan, "do_sigtimedwait");
	procs[7].state = 'Z';
	procs[7].threads = 2;
	memset(procs[5].command, 'x', sizeof procs[5].command - 1);
	snapshot.procs = procs;
	evidence_add_snapshot(&scene->evidence, &snapshot);
	expect(scene,
		"  Processes 9.00s after the signal, and SIGTERM:\n"
		"        1  no handler     sh -c node server.js; true\n"
		"        2  has a handler  \n"
		"        3  ignores it     \n"
		"        4  blocks it      \n"
		"        5  zombie         \n");
	expect(scene,
		"        7  waits for it   \n"
		"        8  no handler     \n");
	expect(scene, "... and 2 more\n");
}

static void stop_report_fits_80_columns(void **state)
{
	struct scene *scene = *state;

	stop_report_lists_the_processes(state);
	scene->scenario.stop.grace_ns = ATTACH_NO_GRACE_NS;
	scene->judgement.stop_error_ns = 12 * CLOCK_MS;
	print(scene);
	assert_non_null(strstr(scene->text, "xxxx"));
	for (char *rest = scene->text, *line; (line = strsep(&rest, "\n"));)
		if (terminal_columns(line) > 80)
			fail_msg("%u columns: %s", terminal_columns(line), line);
}

static void stop_report_is_json_as_well(void **state)
{
	struct scene *scene = *state;
	SCOPED(json_free) cJSON *json = stop_report_json(&scene->report);
	static const struct {
		const char *path, *text;
	} texts[] = {
		{"name", "shop-api"},
		{"image", "shop/api:1.2"},
		{"verdict", "killed"},
		{"diagnoses.0.id", "W3"},
		{"signal_source", "kernel"},
		{"stop_signal", "SIGTERM"},
		{"last_words.text", "listening on 3000"},
		{"restart_policy", "no"},
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		const cJSON *node = json_at(json, texts[i].path);

		if (!cJSON_IsString(node) ||
			strcmp(node->valuestring, texts[i].text) != 0)
			fail_msg("%s is not \"%s\"", texts[i].path, texts[i].text);
	}
	assert_true(cJSON_IsString(json_at(json, "diagnoses.0.cure")));
	assert_int_equal(json_int(json, "exit_code", -1), 137);
	assert_true(cJSON_IsNull(json_get(json, "not_seen")));
	assert_true(cJSON_IsNull(json_get(json, "after_the_stop")));
	assert_true(cJSON_IsNull(json_get(json, "last_snapshot")));
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(stop_report_begins_with_the_verdict),
		SCENE(stop_report_says_what_became_of_the_signals),
		SCENE(stop_report_names_sigkill_once_where_it_is_the_stop_signal),
		SCENE(stop_report_says_of_a_pending_signal_that_it_was_not_taken),
		SCENE(stop_report_has_the_last_words),
		SCENE(stop_report_has_a_cure_for_what_is_not_clean),
		SCENE(stop_report_says_what_the_restart_policy_does),
		SCENE(stop_report_says_how_it_was_before),
		SCENE(stop_report_says_what_was_not_seen),
		SCENE(what_clients_of_a_unix_socket_got_was_not_seen),
		SCENE(what_clients_of_a_clean_stop_were_answered_was_not_seen),
		SCENE(stop_report_lists_the_processes),
		SCENE(stop_report_fits_80_columns),
		SCENE(stop_report_is_json_as_well),
	};
#undef SCENE

	return cmocka_run_group_tests_name("stop_report", tests, NULL, NULL);
}
