#include "harness/results/results.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/results/round.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/utf8.h"
#include "lib/version.h"

#define T0 (1000 * CLOCK_S)

/* One case whose PID 1 was killed when the grace of 2 s had expired. */
struct results_scene {
	struct plan_case plan_case;
	struct evidence evidence;
	struct judgement judgement;
	struct results *results;
};

static void expect_that(struct judgement *judgement, const char *what,
	const char *wanted, const char *seen, bool met)
{
	struct expectation *expectation =
		&judgement->expectations[judgement->expectation_count++];

	snprintf(expectation->what, sizeof expectation->what, "%s", what);
	snprintf(expectation->wanted, sizeof expectation->wanted, "%s", wanted);
	snprintf(expectation->seen, sizeof expectation->seen, "%s", seen);
	expectation->met = met;
}

static int open_scene(void **state)
{
	struct results_scene *scene = mem_zeroed(sizeof *scene);

	scene->plan_case = (struct plan_case){
		.id = mem_text("history/10-matrix"),
		.axes = mem_text("load.sessions=3"),
		.values = json_parse("{\"load.sessions\":3}", 19),
		.path = mem_text("scenarios/history/10-matrix.json"),
		.line = 9,
		.alone = mem_text("x.json --half twin"),
		.half = HALF_TWIN,
		.scenario = {.name = mem_text("the story"),
			.agent_json =
				mem_text("{\"disconnect\": {\"latency\": \"500ms\"}}"),
			.service = {.mocks = true},
			.load = {.sessions = 3},
			.stop = {.grace_ns = 2 * CLOCK_S}},
	};
	scene->evidence = (struct evidence){
		.engine = "docker",
		.seed = UINT64_MAX - 1,
		.began_ns = T0 - 5 * CLOCK_S,
		.up_ns = T0 - 4 * CLOCK_S,
		.ready_ns = T0 - 3 * CLOCK_S,
		.loaded_ns = T0 - 1,
		.stopped_ns = T0 + 2100 * CLOCK_MS,
		.ended_ns = T0 + 2200 * CLOCK_MS,
		.facts = {.asked_ns = T0 - CLOCK_MS,
			.returned_ns = T0 + 2100 * CLOCK_MS,
			.stop_signal = SIGTERM,
			.signal_ns = T0,
			.signal_error_ns = 7,
			.signal_source = STAMP_KERNEL,
			.signal_delivery = DELIVERY_DELIVERED,
			.kill_ns = T0 + 2028 * CLOCK_MS,
			.kill_source = STAMP_ENGINE,
			.kill_by_engine = true,
			.kill_sender = "runc",
			.exit_ns = T0 + 2030 * CLOCK_MS,
			.exit_source = STAMP_SELF,
			.wait_status_known = true,
			.wait_status = SIGKILL,
			.exit_code = 137},
	};
	scene->judgement = (struct judgement){
		.verdict = VERDICT_KILLED,
		.reason = "137: the grace expired",
		.met = true,
		.could_run = true,
		.stop_ns = INT64_C(2030000001),
		.stop_error_ns = 7,
		.sessions = 3,
		.disconnected = 1,
		.orphans = 2,
		.lost = 0,
		.turned_away = 4,
		.margin_ns = -30 * CLOCK_MS - 1,
		.engine_late_ns = 28 * CLOCK_MS,
		.call_ns = 2101 * CLOCK_MS,
		.diagnosis_count = 2,
		.diagnoses = {{DIAGNOSIS_H2, "sequential teardown"},
			{DIAGNOSIS_X1, "the grace expired"}},
	};
	expect_that(&scene->judgement, "exit_code", "137", "137", true);
	expect_that(&scene->judgement, "verdict", "clean", "killed: 137", false);
	scene->results = results_create(
		json_parse("{\"engine\":\"docker\",\"daemon_version\":\"1\"}", 40),
		UINT64_MAX);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct results_scene *scene = *state;

	free(scene->plan_case.id);
	free(scene->plan_case.axes);
	free(scene->plan_case.alone);
	free(scene->plan_case.path);
	free(scene->plan_case.scenario.agent_json);
	free(scene->plan_case.scenario.name);
	cJSON_Delete(scene->plan_case.values);
	results_destroy(scene->results);
	free(scene);
	return 0;
}

static void add(struct results_scene *scene, const char *folder)
{
	results_add(scene->results,
		round_json(&scene->plan_case, 1, &scene->evidence, &scene->judgement,
			folder));
}

/* As somebody reads it who has the file alone; to cJSON_Delete(). */
static cJSON *read_back(const struct results_scene *scene)
{
	SCOPED(mem_free) char *text = NULL;
	cJSON *json;

	results_summarise(scene->results);
	text = cJSON_Print(scene->results->json);
	json = json_parse(text, strlen(text));
	assert_non_null(json);
	return json;
}

static void assert_text(const cJSON *json, const char *path, const char *wanted)
{
	const cJSON *node = json_at(json, path);

	if (!node || !cJSON_GetStringValue(node))
		fail_msg("%s: no text", path);
	assert_string_equal(cJSON_GetStringValue(node), wanted);
}

static void assert_number(const cJSON *json, const char *path, int64_t wanted)
{
	int64_t value;

	if (!json_whole(json_at(json, path), &value))
		fail_msg("%s: no whole number", path);
	if (value != wanted)
		fail_msg("%s: %" PRId64, path, value);
}

static void assert_null_at(const cJSON *json, const char *path)
{
	if (!cJSON_IsNull(json_at(json, path)))
		fail_msg("%s: not null", path);
}

/* Keys with points in them are no paths: json_at() can't ask for them. */
static void results_have_the_axes_as_values(void **state)
{
	struct results_scene *scene = *state;
	SCOPED(json_free) cJSON *json = NULL;

	add(scene, NULL);
	json = read_back(scene);
	assert_int_equal(
		json_int(json_at(json, "cases.0.axes"), "load.sessions", -1), 3);
}

static const struct {
	const char *path;
	int64_t value;
} numbers[] = {
	{"cases.0.round", 1},
	{"cases.0.stop_ns", INT64_C(2030000001)},
	{"cases.0.stop_error_ns", 7},
	{"cases.0.grace_ns", 2 * CLOCK_S},
	{"cases.0.margin_ns", -30 * CLOCK_MS - 1},
	{"cases.0.engine_late_ns", 28 * CLOCK_MS},
	{"cases.0.call_ns", 2101 * CLOCK_MS},
	{"cases.0.phases_ns.up", 1 * CLOCK_S},
	{"cases.0.phases_ns.ready", 2 * CLOCK_S},
	{"cases.0.phases_ns.loaded", 5 * CLOCK_S - 1},
	{"cases.0.phases_ns.stopped", 7100 * CLOCK_MS},
	{"cases.0.phases_ns.ended", 7200 * CLOCK_MS},
	{"cases.0.line", 9},
	{"cases.0.limit_ns", 500 * CLOCK_MS},
	{"cases.0.sessions", 3},
	{"cases.0.disconnected", 1},
	{"cases.0.orphans", 2},
	{"cases.0.lost", 0},
	{"cases.0.turned_away", 4},
	{"cases.0.exit_code", 137},
	{"cases.0.kill.after_signal_ns", 2028 * CLOCK_MS},
	{"summary.cases", 1},
	{"summary.rounds", 1},
};

static const struct {
	const char *path, *text;
} texts[] = {
	{"stopbench", STOPBENCH_VERSION},
	{"engine.engine", "docker"},
	{"seed", "18446744073709551615"},
	{"cases.0.id", "history/10-matrix"},
	{"cases.0.half", "twin"},
	{"cases.0.file", "scenarios/history/10-matrix.json"},
	{"cases.0.name", "the story"},
	{"cases.0.engine", "docker"},
	{"cases.0.seed", "18446744073709551614"},
	{"cases.0.verdict", "killed"},
	{"cases.0.reason", "137: the grace expired"},
	{"cases.0.signal_source", "kernel"},
	{"cases.0.exit_source", "harness"},
	{"cases.0.signal_delivery", "delivered"},
	{"cases.0.wait_status", "SIGKILL"},
	{"cases.0.kill.source", "engine"},
	{"cases.0.kill.sender", "runc"},
	{"cases.0.diagnoses.1.id", "X1"},
	{"cases.0.diagnoses.1.text", "the grace expired"},
	{"cases.0.expectations.1.what", "verdict"},
	{"cases.0.expectations.1.wanted", "clean"},
	{"cases.0.expectations.1.seen", "killed: 137"},
	{"cases.0.command",
		"stopbench run x.json --half twin --engine docker --seed "
		"18446744073709551614"},
	{"cases.0.folder", "reports/failed/x"},
};

static void results_have_every_member_of_a_round(void **state)
{
	struct results_scene *scene = *state;
	SCOPED(json_free) cJSON *json = NULL;

	add(scene, "reports/failed/x");
	json = read_back(scene);
	for (size_t i = 0; i < COUNT(numbers); i++)
		assert_number(json, numbers[i].path, numbers[i].value);
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_text(json, texts[i].path, texts[i].text);
	assert_true(fabs(json_at(json, "cases.0.stop_over_limit")->valuedouble - 4.06) <
		1e-9);
	assert_true(cJSON_IsTrue(json_at(json, "cases.0.met")));
	assert_true(cJSON_IsTrue(json_at(json, "cases.0.could_run")));
	assert_true(cJSON_IsTrue(json_at(json, "cases.0.kill.by_engine")));
	assert_true(cJSON_IsFalse(json_at(json, "cases.0.expectations.1.met")));
	assert_null_at(json, "cases.0.trouble");
	assert_null_at(json, "cases.0.trouble_text");
	assert_true(json_int(json_get(json, "host"), "cpus", 0) > 0);
	assert_true(json_int(json_get(json, "host"), "memory_bytes", 0) > 1 << 20);
	assert_non_null(json_text(json_get(json, "host"), "kernel"));
	assert_int_equal(cJSON_GetArraySize(json_at(json, "host.load")), 3);
}

static void results_say_null_of_what_is_not_known(void **state)
{
	static const char *const unknown[] = {"stop_ns", "stop_error_ns", "margin_ns",
		"engine_late_ns", "call_ns", "sessions", "disconnected", "herd",
		"exit_code", "wait_status", "kill", "folder", "stop_over_limit",
		"phases_ns.up", "phases_ns.stopped"};
	struct results_scene *scene = *state;
	SCOPED(json_free) cJSON *json = NULL;

	/* It never came up: the facts are as they were made. */
	scene->evidence = (struct evidence){
		.engine = "docker",
		.began_ns = T0,
		.ended_ns = T0 + 1,
		.trouble = TROUBLE_NOT_UP,
		.trouble_text = "no such image",
	};
	scene->judgement = (struct judgement){
		.verdict = VERDICT_INCONCLUSIVE,
		.stop_ns = -1,
		.margin_ns = -1,
		.engine_late_ns = -1,
		.call_ns = -1,
		.sessions = -1,
		.disconnected = -1,
	};
	add(scene, NULL);
	json = read_back(scene);
	for (size_t i = 0; i < COUNT(unknown); i++) {
		SCOPED(mem_free) char *path = mem_textf("cases.0.%s", unknown[i]);

		assert_null_at(json, path);
	}
	assert_text(json, "cases.0.trouble", "not-up");
	assert_text(json, "cases.0.trouble_text", "no such image");
	assert_text(json, "cases.0.signal_source", "none");
	assert_int_equal(scene->results->counts[OUTCOME_NOT_RUN], 1);
}

static void results_tell_an_exit_from_a_signal(void **state)
{
	struct results_scene *scene = *state;
	SCOPED(json_free) cJSON *json = NULL;

	scene->evidence.facts.wait_status = 137 << 8; /* exit(137) */
	scene->evidence.facts.kill_source = STAMP_NONE;
	add(scene, NULL);
	json = read_back(scene);
	assert_text(json, "cases.0.wait_status", "exit 137");
	assert_null_at(json, "cases.0.kill");
}

/* --- counting --- */

enum { MET, UNMET, NOT_RUN };

static void add_round(struct results_scene *scene, char id, unsigned round, int outcome)
{
	scene->plan_case.id[0] = id;
	scene->judgement.met = outcome == MET;
	scene->judgement.could_run = outcome != NOT_RUN;
	results_add(scene->results,
		round_json(&scene->plan_case, round, &scene->evidence,
			&scene->judgement, NULL));
}

static void results_count_cases_and_not_their_rounds(void **state)
{
	struct results_scene *scene = *state;

	add_round(scene, 'a', 1, MET);
	add_round(scene, 'a', 2, MET);
	add_round(scene, 'b', 1, MET);
	add_round(scene, 'b', 2, UNMET);
	add_round(scene, 'b', 3, MET);
	add_round(scene, 'c', 1, UNMET);
	add_round(scene, 'c', 2, NOT_RUN); /* proven is proven */
	add_round(scene, 'd', 1, NOT_RUN);
	add_round(scene, 'd', 2, MET);
	results_pass_over(scene->results);
	results_summarise(scene->results);
	assert_int_equal(scene->results->counts[OUTCOME_MET], 1);
	assert_int_equal(scene->results->counts[OUTCOME_UNMET], 2);
	assert_int_equal(scene->results->counts[OUTCOME_NOT_RUN], 1);
	assert_number(scene->results->json, "summary.cases", 4);
	assert_number(scene->results->json, "summary.rounds", 9);
	assert_number(scene->results->json, "summary.met", 1);
	assert_number(scene->results->json, "summary.unmet", 2);
	assert_number(scene->results->json, "summary.not_run", 1);
	assert_number(scene->results->json, "summary.passed_over", 1);
}

static void results_put_the_rounds_of_a_case_together(void **state)
{
	struct results_scene *scene = *state;
	static const struct {
		char id;
		unsigned round;
	} wanted[] = {{'b', 1}, {'b', 2}, {'a', 1}, {'a', 2}};

	add_round(scene, 'b', 1, MET);
	add_round(scene, 'a', 1, MET);
	add_round(scene, 'b', 2, MET);
	add_round(scene, 'a', 2, MET);
	results_summarise(scene->results);
	for (int i = 0; i < (int)COUNT(wanted); i++) {
		const cJSON *round =
			cJSON_GetArrayItem(json_get(scene->results->json, "cases"), i);

		assert_int_equal(json_text(round, "id")[0], wanted[i].id);
		assert_int_equal(json_int(round, "round", 0), wanted[i].round);
	}
	/* Another summary is in place of the first. */
	add_round(scene, 'a', 3, UNMET);
	results_summarise(scene->results);
	assert_number(scene->results->json, "summary.met", 1);
	assert_number(scene->results->json, "summary.rounds", 5);
}

static void results_count_halves_apart(void **state)
{
	struct results_scene *scene = *state;

	scene->plan_case.half = HALF_MAIN;
	add_round(scene, 'a', 1, MET);
	scene->plan_case.half = HALF_TWIN;
	add_round(scene, 'a', 1, UNMET);
	results_summarise(scene->results);
	assert_int_equal(scene->results->counts[OUTCOME_MET], 1);
	assert_int_equal(scene->results->counts[OUTCOME_UNMET], 1);
}

static void results_of_nothing_are_good_json(void **state)
{
	struct results_scene *scene = *state;
	SCOPED(json_free) cJSON *json = read_back(scene);

	assert_int_equal(cJSON_GetArraySize(json_get(json, "cases")), 0);
	assert_number(json, "summary.cases", 0);
}

/* --- digits and characters --- */

static void results_are_json_whatever_the_service_printed(void **state)
{
	struct results_scene *scene = *state;
	SCOPED(json_free) cJSON *json = NULL;

	snprintf(scene->judgement.reason, sizeof scene->judgement.reason,
		"last line: \xff\x1b[31m\n\"");
	add(scene, NULL);
	json = read_back(scene);
	assert_text(
		json, "cases.0.reason", "last line: " UTF8_REPLACEMENT "\x1b[31m\n\"");
}

/* --- the file --- */

static void results_are_written_with_the_folders_on_the_way(void **state)
{
	struct results_scene *scene = *state;
	char folder[] = "/tmp/test_results.XXXXXX";
	SCOPED(mem_free) char *path = NULL, *young = NULL;
	SCOPED(json_doc_done) struct json_doc doc = {0};
	struct err err;

	assert_non_null(mkdtemp(folder));
	path = mem_textf("%s/a/b/results.json", folder);
	young = mem_textf("%s.new", path);
	add(scene, NULL);
	assert_true(results_write(scene->results, path, &err));
	assert_true(results_write(scene->results, path, &err)); /* over what is there */
	if (!json_doc_read(&doc, path, &err))
		fail_msg("%s", err.text);
	assert_text(doc.root, "cases.0.verdict", "killed");
	assert_int_equal(access(young, F_OK), -1);
	unlink(path);
	for (int i = 0; i < 3; i++) {
		*strrchr(path, '/') = '\0';
		assert_int_equal(rmdir(path), 0);
	}
}

static void results_that_cannot_be_written_say_where(void **state)
{
	struct results_scene *scene = *state;
	struct err err = {0};

	assert_false(results_write(scene->results, "/dev/null/x/results.json", &err));
	assert_string_equal(err.text, "/dev/null: is no folder");
	assert_false(results_write(scene->results, "/proc/results.json", &err));
	assert_memory_equal(err.text, "/proc/results.json.new: ", 24);
}

/* Every member is in docs/results.md, in backquotes. */
static void assert_described(const cJSON *object, const char *text)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, object) {
		SCOPED(mem_free) char *key =
			member->string ? mem_textf("`%s`", member->string) : NULL;

		if (key && !strchr(key, '.') && !strstr(text, key))
			fail_msg("%s is not described", key);
		/* An engine's fingerprint is its own business. */
		if (!key || strcmp(key, "`engine`") != 0)
			assert_described(member, text);
	}
}

static void results_are_described_member_by_member(void **state)
{
	struct results_scene *scene = *state;
	FILE *file = fopen("docs/results.md", "r");
	SCOPED(buf_done) struct buf text = {0};
	char block[4096];
	size_t len;

	if (!file)
		skip(); /* run from another folder than the project's */
	while ((len = fread(block, 1, sizeof block, file)) > 0)
		buf_add(&text, block, len);
	fclose(file);
	add(scene, NULL);
	assert_described(scene->results->json, buf_text(&text));
}

static void round_has_no_secret_in_its_words(void **state)
{
	struct results_scene *scene = *state;
	SCOPED(mem_free) char *text = NULL;

	strlist_add(&scene->plan_case.scenario.service.env, "API_TOKEN=hunter2");
	free(scene->plan_case.scenario.name);
	free(scene->plan_case.alone);
	scene->plan_case.scenario.name = mem_text("hunter2");
	scene->plan_case.alone = mem_text("x.json --set API_TOKEN=hunter2");
	scene->evidence.trouble = TROUBLE_NOT_READY;
	strcpy(scene->evidence.trouble_text, "last line: hunter2");
	strcpy(scene->judgement.reason, "last line: hunter2");
	strcpy(scene->judgement.diagnoses[0].text, "PID 1 is x (hunter2)");
	expect_that(&scene->judgement, "log", "hunter2", "hunter2", true);
	add(scene, NULL);
	text = json_print(scene->results->json);
	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "\"trouble_text\":\"last line: ***\""));
	strlist_done(&scene->plan_case.scenario.service.env);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)
	const struct CMUnitTest tests[] = {
		SCENE(results_have_every_member_of_a_round),
		SCENE(results_have_the_axes_as_values),
		SCENE(results_say_null_of_what_is_not_known),
		SCENE(results_tell_an_exit_from_a_signal),
		SCENE(results_count_cases_and_not_their_rounds),
		SCENE(results_count_halves_apart),
		SCENE(results_put_the_rounds_of_a_case_together),
		SCENE(results_of_nothing_are_good_json),
		SCENE(results_are_json_whatever_the_service_printed),
		SCENE(results_are_written_with_the_folders_on_the_way),
		SCENE(results_that_cannot_be_written_say_where),
		SCENE(results_are_described_member_by_member),
		SCENE(round_has_no_secret_in_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
