#include "harness/report/artifacts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/run/run_dir.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/utf8.h"

#define T0 INT64_C(2000000000000000) /* cJSON alone would write 2e+15 */

/* A case whose only session was released too late, and the report it goes into. */
struct artifacts_scene {
	char report[32];
	struct plan_case plan_case;
	struct evidence evidence;
	struct judgement judgement;
};

static int64_t at_us(int64_t us)
{
	return T0 + us * CLOCK_US;
}

/* The last event's: of a case that is not now. */
static void stamp_event(struct artifacts_scene *scene, int64_t us)
{
	scene->evidence.events[scene->evidence.event_count - 1].ns = at_us(us);
}

static void hear(struct artifacts_scene *scene, enum event_source source, int lifeline,
	int64_t us, const char *text)
{
	cJSON *json = json_parse(text, strlen(text));

	assert_non_null(json);
	cJSON_AddNumberToObject(json, "ns", (double)at_us(us));
	evidence_add_event(&scene->evidence, source, lifeline, json);
	stamp_event(scene, us);
}

static int add_lifeline(struct artifacts_scene *scene, const char *role,
	const char *name, const char *session)
{
	int index = evidence_add_lifeline(&scene->evidence, 0);
	struct lifeline *lifeline = &scene->evidence.lifelines[index];

	lifeline->role = mem_text(role);
	lifeline->name = mem_text(name);
	lifeline->session = mem_text(session);
	lifeline->own_pid = 7;
	return index;
}

static void print_line(struct artifacts_scene *scene, int64_t us, const char *text)
{
	evidence_add_log(&scene->evidence, at_us(us), text, strlen(text));
}

static struct load_request *add_request(struct artifacts_scene *scene,
	enum request_kind kind, int64_t sent_us, int64_t ended_us, enum request_end end)
{
	unsigned index = evidence_add_request(
		&scene->evidence, kind, 1, "1", "personal_assistant");
	struct load_request *request = &scene->evidence.requests[index];

	request->sent_ns = at_us(sent_us);
	request->ended_ns = at_us(ended_us);
	request->end = end;
	return request;
}

static void fill_evidence(struct artifacts_scene *scene)
{
	struct evidence *evidence = &scene->evidence;
	int agent = add_lifeline(scene, "mock-agent", NULL, NULL);
	int server = add_lifeline(scene, "mock-mcp", "skills", "1");
	struct snapshot snapshot = {.ns = at_us(100000), .count = 1};

	hear(scene, EVENT_LEDGER, server, -300000,
		"{\"event\":\"process.start\",\"role\":\"mock-mcp\",\"name\":\"skills\","
		"\"session\":\"1\",\"pid\":7}");
	add_request(scene, REQUEST_OPEN, -400000, -200000, REQUEST_ANSWERED);
	add_request(scene, REQUEST_TURN, -100000, 2010500, REQUEST_BROKEN)->why =
		mem_text("Empty reply from server");
	print_line(scene, -250000, "plain \033[31mwords");
	print_line(scene, 300,
		"{\"event\":\"shutdown.begin\",\"signal\":15,\"why\":\"a b\","
		"\"ns\":2000000000300000}");
	stamp_event(scene, 300);
	print_line(scene, 400, "{\"no\":\"event\"}");
	hear(scene, EVENT_LEDGER, agent, 1500,
		"{\"event\":\"agent.disconnect.begin\",\"session\":\"1\",\"id\":null}");
	evidence->lifelines[server].ended_ns = at_us(2009900);
	snapshot.procs = mem_zeroed(sizeof *snapshot.procs);
	snapshot.procs[0] = (struct proc){.pid = 4711,
		.ns_pid = 1,
		.state = 'S',
		.name = "service",
		.wchan = "do_wait"};
	evidence_add_snapshot(evidence, &snapshot);
}

static int open_scene(void **state)
{
	struct artifacts_scene *scene = mem_zeroed(sizeof *scene);

	strcpy(scene->report, "/tmp/test_folder.XXXXXX");
	if (!mkdtemp(scene->report))
		return -1;
	scene->plan_case = (struct plan_case){
		.id = mem_text("kill/10-x"),
		.axes = mem_text(""),
		.alone = mem_text("scenarios/kill/10-x.json --half main"),
		.json = mem_text("{\n\t\"name\":\t\"too late\"\n}"),
		.scenario = {.name = mem_text("too late"),
			.why = mem_text("It happens."),
			.repeat = 3},
	};
	scene->evidence = (struct evidence){
		.engine = "process",
		.seed = 42,
		.capabilities = {.note = "no kernel trace of signals (not root)"},
		.began_ns = at_us(-500000),
		.up_ns = at_us(-450000),
		.ready_ns = at_us(-420000),
		.loaded_ns = at_us(-50000),
		.stopped_ns = at_us(2011000),
		.ended_ns = at_us(2020000),
		.facts = {.asked_ns = at_us(-40),
			.stop_signal = SIGTERM,
			.signal_ns = T0,
			.signal_source = STAMP_KERNEL,
			.kill_ns = at_us(2000100),
			.kill_source = STAMP_SELF,
			.kill_by_engine = true,
			.exit_ns = at_us(2010000),
			.exit_source = STAMP_KERNEL,
			.wait_status_known = true,
			.wait_status = SIGKILL,
			.exit_code = 137,
			.returned_ns = at_us(2010900)},
	};
	scene->judgement = (struct judgement){
		.verdict = VERDICT_KILLED,
		.reason = "137: the grace expired",
		.could_run = true,
		.diagnosis_count = 2,
		.diagnoses = {{DIAGNOSIS_H1, "waited for the agent API"},
			{DIAGNOSIS_X1, "the grace expired"}},
		.expectation_count = 2,
		.expectations = {{"exit_code", "0", "137", false},
			{"lost", "1", "1", true}},
	};
	fill_evidence(scene);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct artifacts_scene *scene = *state;

	fs_remove_tree(scene->report);
	free(scene->plan_case.id);
	free(scene->plan_case.axes);
	free(scene->plan_case.alone);
	free(scene->plan_case.json);
	free(scene->plan_case.scenario.name);
	free(scene->plan_case.scenario.why);
	evidence_done(&scene->evidence);
	free(scene);
	return 0;
}

static char *write_round(struct artifacts_scene *scene, unsigned round)
{
	struct err err;
	char *folder = artifacts_write(scene->report, &scene->plan_case, round,
		&scene->evidence, &scene->judgement, &err);

	if (!folder)
		fail_msg("%s", err.text);
	return folder;
}

/* A file of the folder; to free(). */
static char *text_of(const char *folder, const char *name)
{
	SCOPED(mem_free) char *path = mem_textf("%s/%s", folder, name);
	struct buf text = {0};
	FILE *file = fopen(path, "r");
	char block[4096];
	size_t len;

	if (!file)
		fail_msg("no %s", path);
	while ((len = fread(block, 1, sizeof block, file)) > 0)
		buf_add(&text, block, len);
	fclose(file);
	return buf_take(&text);
}

static void assert_file(
	struct artifacts_scene *scene, const char *name, const char *wanted)
{
	SCOPED(mem_free) char *folder = write_round(scene, 1);
	SCOPED(mem_free) char *text = text_of(folder, name);

	assert_string_equal(text, wanted);
}

static void why_begins_with_the_cause_its_cure_and_the_last_words(void **state)
{
	SCOPED(mem_free) char *wanted = mem_textf(
		"H1 waited for the agent API\n"
		"\n"
		"Cure: %s\n"
		"\n"
		"Last words, 400us after the stop signal:\n"
		"  {\"no\":\"event\"}\n"
		"\n"
		"Verdict: killed: 137: the grace expired\n"
		"\n"
		"kill/10-x (main): too late\n"
		"It happens.\n"
		"\n"
		"Diagnoses, the deepest cause first:\n"
		"  H1   waited for the agent API\n"
		"  X1   the grace expired\n"
		"\n"
		"Expectations:\n"
		"  NOT MET  exit_code: wanted 0, seen 137\n"
		"  met      lost: wanted 1, seen 1\n"
		"\n"
		"Not seen here: no kernel trace of signals (not root)\n"
		"\n"
		"This case alone:\n"
		"  stopbench run scenarios/kill/10-x.json --half main --engine process --seed "
		"42 --repeat 1\n",
		diagnosis_cure(DIAGNOSIS_H1));

	assert_file(*state, "why.txt", wanted);
}

static void why_without_a_diagnosis_begins_with_the_verdicts_reason(void **state)
{
	struct artifacts_scene *scene = *state;
	SCOPED(mem_free) char *folder = NULL, *text = NULL;

	scene->judgement.diagnosis_count = 0;
	scene->evidence.facts.signal_ns = at_us(500); /* after its last line */
	folder = write_round(scene, 1);
	text = text_of(folder, "why.txt");
	assert_memory_equal(text,
		"137: the grace expired\n\n"
		"Last words: it logged nothing after the stop signal.\n\n"
		"Verdict: killed: 137: the grace expired\n",
		117);
}

static void why_says_what_kept_a_case_from_running(void **state)
{
	struct artifacts_scene *scene = *state;
	SCOPED(mem_free) char *folder = NULL, *text = NULL;

	scene->judgement.could_run = false;
	scene->evidence.log_dropped = 3;
	scene->evidence.events_dropped = 2;
	strcpy(scene->evidence.trouble_text, "not ready in time");
	folder = write_round(scene, 1);
	text = text_of(folder, "why.txt");
	assert_memory_equal(text, "could not run: not ready in time\n", 33);
	assert_non_null(
		strstr(text, "\n3 lines of the service's log were not kept.\n"));
	assert_non_null(strstr(text, "\n2 events and 0 lifelines were not kept.\n"));
}

static void timeline_begins_with_the_signal_and_has_everything(void **state)
{
	assert_file(*state, "timeline.txt",
		"Milliseconds from the stop signal (CLOCK_MONOTONIC 2000000000000000 ns). "
		"Lines of the service's log that are no events begin with \"|\".\n"
		"\n"
		"        +0.0  kernel              SIGTERM to PID 1\n"
		"        +0.3  service             shutdown.begin signal=15 why=\"a b\"\n"
		"        +0.4  service             | {\"no\":\"event\"}\n"
		"        +1.5  mock-agent          agent.disconnect.begin session=1\n"
		"      +100.0  harness             snapshot 1: 1 process, PID 1 is service, "
		"state S in do_wait\n"
		"     +2000.1  harness             SIGKILL to PID 1, sent by the engine\n"
		"     +2009.9  mock-mcp skills s1  lifeline cut: pid 7 was killed\n"
		"     +2010.0  kernel              PID 1 ended: SIGKILL, exit code 137\n"
		"     +2010.5  load                turn of session 1: lost: Empty reply from "
		"server\n"
		"     +2010.9  engine              the stop has returned\n"
		"     +2011.0  harness             the stop is over\n"
		"     +2020.0  harness             the case is over\n"
		"\n"
		"Before that:\n"
		"\n"
		"      -500.0  harness             the case begins\n"
		"      -450.0  harness             the service is up\n"
		"      -420.0  harness             the service is ready\n"
		"      -400.0  load                session 1 (room 1, bot personal_assistant): "
		"sent\n"
		"      -300.0  mock-mcp skills s1  process.start\n"
		"      -250.0  service             | plain " UTF8_REPLACEMENT
		"[31mwords\n"
		"      -200.0  load                session 1 (room 1, bot personal_assistant): "
		"answered\n"
		"      -100.0  load                turn of session 1: sent\n"
		"       -50.0  harness             the moment of the stop\n"
		"        -0.0  harness             the stop is asked for\n");
}

static void timeline_has_the_further_signals_of_the_stop(void **state)
{
	struct artifacts_scene *scene = *state;
	SCOPED(mem_free) char *folder = NULL, *text = NULL;

	scene->evidence.sent_signals[0] = (struct sent_signal){at_us(500000), SIGINT};
	scene->evidence.sent_signal_count = 1;
	folder = write_round(scene, 1);
	text = text_of(folder, "timeline.txt");
	assert_non_null(strstr(text,
		"\n      +500.0  harness             SIGINT to PID 1 (stop.signals)\n"));
}

static void timeline_counts_from_what_there_is(void **state)
{
	struct artifacts_scene *scene = *state;
	SCOPED(mem_free) char *asked = NULL, *never = NULL, *folder = NULL,
			      *other = NULL;

	scene->evidence.facts.signal_ns = 0;
	folder = write_round(scene, 1);
	asked = text_of(folder, "timeline.txt");
	scene->evidence.facts.asked_ns = 0;
	other = write_round(scene, 2);
	never = text_of(other, "timeline.txt");
	assert_memory_equal(
		asked, "Milliseconds from the request to stop, for no signal", 52);
	assert_non_null(
		strstr(asked, "\n        +0.0  harness             the stop is asked"));
	assert_null(strstr(asked, "SIGTERM"));
	assert_memory_equal(
		never, "Milliseconds from the beginning, for there was no", 49);
	assert_non_null(
		strstr(never, "\n        +0.0  harness             the case begins\n"));
}

static void ledger_has_its_events_as_they_were_written(void **state)
{
	assert_file(*state, "ledger.jsonl",
		"{\"event\":\"process.start\",\"role\":\"mock-mcp\",\"name\":\"skills\","
		"\"session\":\"1\",\"pid\":7,\"ns\":1999999700000000}\n"
		"{\"event\":\"agent.disconnect.begin\",\"session\":\"1\",\"id\":null,"
		"\"ns\":2000000001500000}\n");
}

static void log_is_what_the_service_printed(void **state)
{
	assert_file(*state, "service.log",
		"plain \033[31mwords\n"
		"{\"event\":\"shutdown.begin\",\"signal\":15,\"why\":\"a b\","
		"\"ns\":2000000000300000}\n"
		"{\"no\":\"event\"}\n");
}

/* Every one of them would have it. */
static void no_file_has_a_secret(void **state)
{
	static const char *const names[] = {"why.txt", "scenario.json", "timeline.txt",
		"ledger.jsonl", "service.log", "snapshots.json", "engine.json"};
	struct artifacts_scene *scene = *state;
	SCOPED(mem_free) char *folder = NULL;

	strlist_add(&scene->plan_case.scenario.service.env, "API_TOKEN=hunter2");
	free(scene->plan_case.json);
	scene->plan_case.json = mem_text("{\"name\":\"hunter2\"}");
	strcpy(scene->judgement.reason, "hunter2");
	print_line(scene, 500, "hunter2");
	hear(scene, EVENT_LEDGER, 0, 1600, "{\"event\":\"x\",\"a\":\"hunter2\"}");
	strcpy(scene->evidence.snapshots[0].procs[0].command, "x hunter2");
	scene->evidence.engine_events = json_parse("{\"a\":\"hunter2\"}", 15);
	folder = write_round(scene, 1);
	for (size_t i = 0; i < COUNT(names); i++) {
		SCOPED(mem_free) char *text = text_of(folder, names[i]);

		if (strstr(text, "hunter2") || !strstr(text, "***"))
			fail_msg("%s: %s", names[i], text);
	}
	strlist_done(&scene->plan_case.scenario.service.env);
}

static void scenario_is_the_resolved_one(void **state)
{
	assert_file(*state, "scenario.json", "{\n\t\"name\":\t\"too late\"\n}\n");
}

static void snapshots_are_json_with_whole_stamps(void **state)
{
	SCOPED(mem_free) char *folder = write_round(*state, 1);
	SCOPED(mem_free) char *text = text_of(folder, "snapshots.json");
	SCOPED(json_free) cJSON *json = json_parse(text, strlen(text));

	assert_non_null(strstr(text, "2000000100000000"));
	assert_int_equal(json_int(json_at(json, "0.processes.0"), "ns_pid", 0), 1);
}

static void engine_file_is_there_when_the_engine_has_events(void **state)
{
	struct artifacts_scene *scene = *state;
	SCOPED(mem_free) char *without = write_round(scene, 1);
	SCOPED(mem_free) char *absent = mem_textf("%s/engine.json", without);
	SCOPED(mem_free) char *with = NULL, *text = NULL;

	assert_int_equal(access(absent, F_OK), -1);
	scene->evidence.engine_events = json_parse("{\"kill\":1}", 10);
	with = write_round(scene, 2);
	text = text_of(with, "engine.json");
	assert_string_equal(text, "{\n\t\"kill\":\t1\n}\n");
}

static void folder_has_a_name_that_every_shell_likes(void **state)
{
	static const struct {
		const char *id, *axes;
		enum half half;
		unsigned round;
		const char *name;
	} rows[] = {
		{"kill/10-x", "", HALF_MAIN, 1, "kill-10-x"},
		{"kill/10-x", "", HALF_TWIN, 1, "kill-10-x_twin"},
		{"kill/10-x", "", HALF_TWIN, 3, "kill-10-x_twin_round-3"},
		{"h", "load.sessions=3 service.env.A=none", HALF_MAIN, 1,
			"h_load.sessions=3_service.env.A=none"},
		{"h", "service.command=[\"sh\",\"-c\",\"a; b\"]", HALF_MAIN, 1,
			"h_service.command=--sh-,--c-,-a-_b--"},
		{"../../etc/x", "", HALF_MAIN, 1, "_.-..-etc-x"},
		{"/tmp/x", "", HALF_MAIN, 1, "_tmp-x"},
		{"-rf", "", HALF_MAIN, 1, "_rf"},
		{"\u00e4", "", HALF_MAIN, 1, "_-"},
	};
	struct artifacts_scene *scene = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *folder = NULL;
		struct plan_case plan_case = scene->plan_case;
		SCOPED(mem_free) char *id = mem_text(rows[i].id);
		SCOPED(mem_free) char *axes = mem_text(rows[i].axes);
		struct err err;

		plan_case.id = id;
		plan_case.axes = axes;
		plan_case.half = rows[i].half;
		folder = artifacts_write(scene->report, &plan_case, rows[i].round,
			&scene->evidence, &scene->judgement, &err);
		assert_non_null(folder);
		assert_string_equal(strrchr(folder, '/') + 1, rows[i].name);
	}
}

static void folder_of_another_case_is_never_taken(void **state)
{
	struct artifacts_scene *scene = *state;
	SCOPED(mem_free) char *one = write_round(scene, 1);
	SCOPED(mem_free) char *other = NULL;

	scene->plan_case.id[4] = '-'; /* kill-10-x, which ends up with the same name */
	other = write_round(scene, 1);
	assert_string_not_equal(one, other);
	assert_string_equal(strrchr(other, '/') + 1, "kill-10-x.2");
}

static void folder_of_a_long_name_is_made_all_the_same(void **state)
{
	struct artifacts_scene *scene = *state;
	SCOPED(mem_free) char *one = NULL, *other = NULL;

	free(scene->plan_case.axes);
	scene->plan_case.axes = mem_textf("service.env.A=%01000d", 7);
	one = write_round(scene, 1);
	other = write_round(scene, 2);
	assert_string_not_equal(one, other);
	assert_true(strlen(strrchr(other, '/')) < 200);
}

static bool is_there(const char *report, const char *path)
{
	SCOPED(mem_free) char *whole = mem_textf("%s/failed/%s", report, path);
	struct stat found;

	return lstat(whole, &found) == 0;
}

static void make(const char *report, const char *path)
{
	SCOPED(mem_free) char *whole = mem_textf("%s/failed/%s", report, path);
	struct err err;

	if (!fs_write_file(whole, "", 0, &err))
		fail_msg("%s", err.text);
}

static void failed_cases_of_the_last_runs_are_kept(void **state)
{
	struct artifacts_scene *scene = *state;
	const char *report = scene->report;
	SCOPED(mem_free) char *link =
		mem_textf("%s/failed/2020-01-01T00.00.00", report);
	SCOPED(mem_free) char *run = NULL;

	for (unsigned i = 1; i <= ARTIFACTS_RUNS; i++) {
		SCOPED(mem_free) char *why =
			mem_textf("2026-11-22T22.05.0%u/a/why.txt", i);

		make(report, why);
	}
	make(report, "mine/why.txt");
	make(report, "note");
	make(report, "../elsewhere/note");
	assert_int_equal(symlink("../elsewhere", link), 0);
	run = artifacts_open(report);
	assert_false(is_there(report, "2026-11-22T22.05.01"));
	assert_true(is_there(report, "2026-11-22T22.05.02/a/why.txt"));
	assert_true(is_there(report, "2026-11-22T22.05.05/a/why.txt"));
	assert_true(is_there(report, "mine/why.txt"));
	assert_true(is_there(report, "note"));
	assert_true(is_there(report, "../elsewhere/note"));
	/* The run itself has a folder once a case of it fails. */
	assert_int_equal(access(run, F_OK), -1);
	assert_int_equal(strlen(strrchr(run, '/')), sizeof "/2026-11-22T22.05.00" - 1);
}

static void nothing_is_removed_where_there_is_nothing(void **state UNUSED)
{
	SCOPED(mem_free) char *run = artifacts_open("/nowhere");

	assert_non_null(strstr(run, "/nowhere/failed/"));
}

static void folder_that_cannot_be_made_says_where(void **state)
{
	struct artifacts_scene *scene = *state;
	struct err err = {0};

	assert_null(artifacts_write("/dev/null", &scene->plan_case, 1, &scene->evidence,
		&scene->judgement, &err));
	assert_string_equal(err.text, "/dev/null: is no folder");
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)
	const struct CMUnitTest tests[] = {
		SCENE(why_begins_with_the_cause_its_cure_and_the_last_words),
		SCENE(why_without_a_diagnosis_begins_with_the_verdicts_reason),
		SCENE(why_says_what_kept_a_case_from_running),
		SCENE(timeline_begins_with_the_signal_and_has_everything),
		SCENE(timeline_has_the_further_signals_of_the_stop),
		SCENE(timeline_counts_from_what_there_is),
		SCENE(ledger_has_its_events_as_they_were_written),
		SCENE(log_is_what_the_service_printed),
		SCENE(no_file_has_a_secret),
		SCENE(scenario_is_the_resolved_one),
		SCENE(snapshots_are_json_with_whole_stamps),
		SCENE(engine_file_is_there_when_the_engine_has_events),
		SCENE(folder_has_a_name_that_every_shell_likes),
		SCENE(folder_of_another_case_is_never_taken),
		SCENE(folder_of_a_long_name_is_made_all_the_same),
		SCENE(failed_cases_of_the_last_runs_are_kept),
		SCENE(nothing_is_removed_where_there_is_nothing),
		SCENE(folder_that_cannot_be_made_says_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
