#include "harness/compare/comparison.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

#define ROUNDS 20

/* Two runs, as results.h has them. */
struct scene {
	cJSON *base, *new;
};

static cJSON *run(const char *engine)
{
	cJSON *json = json_fill(NULL,
		"{'stopbench': '0.1', 'started': '2026-11-30T00:00:00.000Z', "
		"'host': {'kernel': '6.1', 'machine': 'x86_64', 'cpus': 2, "
		"'memory_bytes': 1024}}");
	cJSON *about = cJSON_AddObjectToObject(json, "engine");

	cJSON_AddStringToObject(about, "engine", engine);
	cJSON_AddArrayToObject(json, "cases");
	return json;
}

static int open_scene(void **state)
{
	struct scene *scene = mem_zeroed(sizeof *scene);

	*scene = (struct scene){.base = run("process"), .new = run("process")};
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	cJSON_Delete(scene->base);
	cJSON_Delete(scene->new);
	free(scene);
	return 0;
}

/* A round; the caller may change it. */
static cJSON *add_round(cJSON *results, const char *id, unsigned number,
	int64_t stop_ns, const char *verdict)
{
	cJSON *round = json_fill(NULL,
		"{'id': %s, 'half': 'main', 'axes': {}, 'round': %u, 'verdict': %s, "
		"'grace_ns': 1000000000, 'diagnoses': [], 'expectations': []}",
		id, number, verdict);

	cJSON_AddBoolToObject(round, "met", true);
	cJSON_AddBoolToObject(round, "could_run", true);
	json_add_int(round, "stop_ns", stop_ns);
	cJSON_AddItemToArray(cJSON_GetObjectItem(results, "cases"), round);
	return round;
}

static void set_cause(cJSON *round, const char *id)
{
	cJSON *diagnosis = json_fill(NULL, "{'id': %s, 'text': 'because'}", id);

	cJSON_AddItemToArray(cJSON_GetObjectItem(round, "diagnoses"), diagnosis);
}

/* Rounds of 100 ms and more, whose noise is within 1 ms. */
static void add_rounds(cJSON *results, const char *id, int64_t ns, const char *verdict)
{
	for (unsigned i = 1; i <= ROUNDS; i++)
		add_round(results, id, i, ns + (int64_t)(i * 7 % 10) * 100 * CLOCK_US,
			verdict);
}

static cJSON *compare(const struct scene *scene)
{
	return comparison_json(scene->base, scene->new, GATE_ONCE);
}

/* The difference of the first case with this kind, or NULL. */
static const cJSON *find(const cJSON *comparison, const char *kind)
{
	const cJSON *difference;

	cJSON_ArrayForEach(difference, json_at(comparison, "cases.0.differences")) {
		if (strcmp(json_text(difference, "kind"), kind) == 0)
			return difference;
	}
	return NULL;
}

static bool is_regression(const cJSON *comparison, const char *kind)
{
	const cJSON *found = find(comparison, kind);

	assert_non_null(found);
	assert_true(json_text(found, "text")[0]);
	return json_bool(found, "regression", false);
}

static bool has_caveat(const cJSON *comparison, const char *words)
{
	const cJSON *caveat;

	cJSON_ArrayForEach(caveat, json_get(comparison, "caveats")) {
		if (strstr(caveat->valuestring, words))
			return true;
	}
	return false;
}

/* --- times --- */

static void comparison_of_equal_runs_has_no_difference(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *comparison = NULL;

	add_rounds(scene->base, "a", 100 * CLOCK_MS, "clean");
	add_rounds(scene->new, "a", 100 * CLOCK_MS, "clean");
	comparison = compare(scene);
	assert_int_equal(json_int(comparison, "regressions", -1), 0);
	assert_null(json_at(comparison, "cases.0.differences.0"));
	assert_string_equal(json_text(json_at(comparison, "cases.0"), "time"), "same");
	assert_int_equal(
		json_int(json_at(comparison, "cases.0.base"), "times", 0), ROUNDS);
}

static void comparison_finds_a_slower_stop(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *comparison = NULL;

	add_rounds(scene->base, "a", 100 * CLOCK_MS, "clean");
	add_rounds(scene->new, "a", 106 * CLOCK_MS, "clean");
	comparison = compare(scene);
	assert_true(is_regression(comparison, "slower"));
	assert_int_equal(json_int(comparison, "regressions", -1), 1);
	assert_int_equal(
		json_int(json_at(comparison, "cases.0"), "shift_ns", 0), 6 * CLOCK_MS);
}

static void comparison_tells_a_faster_stop(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *comparison = NULL;

	add_rounds(scene->base, "a", 106 * CLOCK_MS, "clean");
	add_rounds(scene->new, "a", 100 * CLOCK_MS, "clean");
	comparison = compare(scene);
	assert_false(is_regression(comparison, "faster"));
	assert_int_equal(json_int(comparison, "regressions", -1), 0);
}

/* 4 ms of 100: over half the tolerance, but each side has one round. */
static void comparison_says_that_there_are_too_few_rounds(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *comparison = NULL;

	add_round(scene->base, "a", 1, 100 * CLOCK_MS, "clean");
	add_round(scene->new, "a", 1, 1000 * CLOCK_MS, "clean");
	comparison = compare(scene);
	assert_false(is_regression(comparison, "too few"));
	assert_true(json_int(json_at(comparison, "cases.0"), "rounds_needed", 0) > 1);
}

/* The time of a killed service is the grace's. */
static void comparison_takes_no_time_of_a_killed_service(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *comparison = NULL;

	add_rounds(scene->base, "a", 1000 * CLOCK_MS, "killed");
	add_rounds(scene->new, "a", 2000 * CLOCK_MS, "killed");
	comparison = compare(scene);
	assert_null(json_at(comparison, "cases.0.differences.0"));
	assert_true(cJSON_IsNull(json_at(comparison, "cases.0.time")));
	assert_true(has_caveat(comparison, "killed"));
}

/* Every second pair ran on a busy host: what both sides share is no difference. */
static void comparison_of_pairs_sees_through_common_noise(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *paired = NULL;
	SCOPED(json_free) cJSON *unpaired = NULL;

	for (unsigned i = 1; i <= ROUNDS; i++) {
		int64_t busy_ns = (int64_t)(i % 5) * 40 * CLOCK_MS;

		add_round(scene->base, "a", i, 100 * CLOCK_MS + busy_ns, "clean");
		add_round(scene->new, "a", i, 106 * CLOCK_MS + busy_ns + i * 1000,
			"clean");
	}
	unpaired = compare(scene);
	assert_null(find(unpaired, "slower"));
	assert_true(has_caveat(unpaired, "in turn"));
	cJSON_AddStringToObject(scene->base, "pairing", "1a2b");
	cJSON_AddStringToObject(scene->new, "pairing", "1a2b");
	paired = compare(scene);
	assert_true(is_regression(paired, "slower"));
	assert_false(has_caveat(paired, "in turn"));
}

/* --- verdicts --- */

static void comparison_finds_a_graver_verdict_in_one_round(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *comparison = NULL;

	add_rounds(scene->base, "a", 100 * CLOCK_MS, "clean");
	add_rounds(scene->new, "a", 100 * CLOCK_MS, "clean");
	add_round(scene->new, "a", ROUNDS + 1, 100 * CLOCK_MS, "leak");
	comparison = compare(scene);
	assert_true(is_regression(comparison, "less clean"));
}

static void comparison_finds_a_verdict_that_has_become_frequent(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *rare = NULL;
	SCOPED(json_free) cJSON *frequent = NULL;

	add_rounds(scene->base, "a", 100 * CLOCK_MS, "clean");
	add_round(scene->base, "a", ROUNDS + 1, 100 * CLOCK_MS, "leak");
	add_rounds(scene->new, "a", 100 * CLOCK_MS, "clean");
	add_round(scene->new, "a", ROUNDS + 1, 100 * CLOCK_MS, "leak");
	add_round(scene->new, "a", ROUNDS + 2, 100 * CLOCK_MS, "leak");
	rare = compare(scene);
	assert_null(find(rare, "less clean"));
	add_rounds(scene->new, "a", 100 * CLOCK_MS, "leak");
	frequent = compare(scene);
	assert_true(is_regression(frequent, "less clean"));
}

static void comparison_finds_an_expectation_that_is_met_no_more(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *comparison = NULL;
	cJSON *round;

	add_round(scene->base, "a", 1, 100 * CLOCK_MS, "clean");
	round = add_round(scene->new, "a", 1, 100 * CLOCK_MS, "clean");
	cJSON_ReplaceItemInObject(round, "met", cJSON_CreateFalse());
	cJSON_AddItemToArray(cJSON_GetObjectItem(round, "expectations"),
		json_fill(NULL,
			"{'what': 'log', 'wanted': 'saved', 'seen': 'nothing', "
			"'met': false}"));
	comparison = compare(scene);
	assert_true(is_regression(comparison, "unmet"));
	assert_non_null(strstr(json_text(find(comparison, "unmet"), "text"),
		"log: wanted saved, seen nothing"));
}

static void comparison_finds_a_case_that_could_not_run(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *comparison = NULL;
	cJSON *round;

	add_round(scene->base, "a", 1, 100 * CLOCK_MS, "clean");
	round = add_round(scene->new, "a", 1, 0, "inconclusive");
	cJSON_ReplaceItemInObject(round, "could_run", cJSON_CreateFalse());
	comparison = compare(scene);
	assert_true(is_regression(comparison, "less clean"));
}

static void comparison_tells_what_is_cleaner(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *comparison = NULL;

	add_round(scene->base, "a", 1, 100 * CLOCK_MS, "killed");
	add_round(scene->new, "a", 1, 100 * CLOCK_MS, "clean");
	comparison = compare(scene);
	assert_false(is_regression(comparison, "cleaner"));
}

static void comparison_tells_another_cause_of_the_same_verdict(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *comparison = NULL;

	set_cause(add_round(scene->base, "a", 1, CLOCK_S, "killed"), "H1");
	set_cause(add_round(scene->new, "a", 1, CLOCK_S, "killed"), "H3");
	comparison = compare(scene);
	assert_false(is_regression(comparison, "cause"));
	assert_non_null(strstr(json_text(find(comparison, "cause"), "text"), "H3"));
	assert_int_equal(json_int(comparison, "regressions", -1), 0);
}

static void comparison_tells_what_else_holds_the_stop_up(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *comparison = NULL;
	cJSON *base, *new;

	base = add_round(scene->base, "a", 1, CLOCK_S, "clean");
	json_fill(cJSON_AddObjectToObject(base, "held_up_by"), "{'what': %s}",
		"disconnect");
	new = add_round(scene->new, "a", 1, CLOCK_S, "clean");
	json_fill(cJSON_AddObjectToObject(new, "held_up_by"),
		"{'kind': 'phase', 'what': %s}", "drain");
	comparison = compare(scene);
	assert_false(is_regression(comparison, "phase"));
}

/* --- what cannot be compared --- */

static void comparison_tells_new_and_missing_cases(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *comparison = NULL;

	add_round(scene->base, "gone", 1, CLOCK_S, "clean");
	add_round(scene->new, "here", 1, CLOCK_S, "clean");
	comparison = compare(scene);
	assert_non_null(find(comparison, "new"));
	assert_string_equal(json_text(json_at(comparison, "cases.1"), "id"), "gone");
	assert_string_equal(
		json_text(json_at(comparison, "cases.1.differences.0"), "kind"),
		"missing");
}

static void comparison_of_other_hosts_has_times_where_a_latency_is_planted(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *seconds = NULL;
	SCOPED(json_free) cJSON *latencies = NULL;
	cJSON *round;

	cJSON_ReplaceItemInObject(cJSON_GetObjectItem(scene->new, "host"), "cpus",
		cJSON_CreateNumber(64));
	add_rounds(scene->base, "a", 100 * CLOCK_MS, "clean");
	add_rounds(scene->new, "a", 200 * CLOCK_MS, "clean");
	seconds = compare(scene);
	assert_null(find(seconds, "slower"));
	assert_true(has_caveat(seconds, "different hosts"));
	cJSON_ArrayForEach(round, cJSON_GetObjectItem(scene->new, "cases"))
		json_add_int(round, "limit_ns", 50 * CLOCK_MS);
	cJSON_ArrayForEach(round, cJSON_GetObjectItem(scene->base, "cases"))
		json_add_int(round, "limit_ns", 50 * CLOCK_MS);
	latencies = compare(scene);
	assert_true(is_regression(latencies, "slower"));
	assert_true(has_caveat(latencies, "different hosts"));
}

static void comparison_says_that_a_case_was_changed(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *comparison = NULL;
	cJSON *round;

	add_round(scene->base, "a", 1, CLOCK_S, "clean");
	round = add_round(scene->new, "a", 1, CLOCK_S, "clean");
	cJSON_ReplaceItemInObject(round, "grace_ns", cJSON_CreateNumber(5e9));
	comparison = compare(scene);
	assert_true(has_caveat(comparison, "another grace"));
}

static void comparison_is_of_one_engine_and_of_a_common_case(void **state)
{
	const struct scene *scene = *state;
	SCOPED(json_free) cJSON *docker = run("docker");
	struct err err;

	add_round(scene->base, "a", 1, CLOCK_S, "clean");
	add_round(docker, "a", 1, CLOCK_S, "clean");
	assert_false(comparison_check(scene->base, docker, &err));
	assert_non_null(strstr(err.text, "engine"));
	add_round(scene->new, "b", 1, CLOCK_S, "clean");
	assert_false(comparison_check(scene->base, scene->new, &err));
	assert_non_null(strstr(err.text, "no case in common"));
	add_round(scene->new, "a", 1, CLOCK_S, "clean");
	assert_true(comparison_check(scene->base, scene->new, &err));
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(comparison_of_equal_runs_has_no_difference),
		SCENE(comparison_finds_a_slower_stop),
		SCENE(comparison_tells_a_faster_stop),
		SCENE(comparison_says_that_there_are_too_few_rounds),
		SCENE(comparison_takes_no_time_of_a_killed_service),
		SCENE(comparison_of_pairs_sees_through_common_noise),
		SCENE(comparison_finds_a_graver_verdict_in_one_round),
		SCENE(comparison_finds_a_verdict_that_has_become_frequent),
		SCENE(comparison_finds_an_expectation_that_is_met_no_more),
		SCENE(comparison_finds_a_case_that_could_not_run),
		SCENE(comparison_tells_what_is_cleaner),
		SCENE(comparison_tells_another_cause_of_the_same_verdict),
		SCENE(comparison_tells_what_else_holds_the_stop_up),
		SCENE(comparison_tells_new_and_missing_cases),
		SCENE(comparison_of_other_hosts_has_times_where_a_latency_is_planted),
		SCENE(comparison_says_that_a_case_was_changed),
		SCENE(comparison_is_of_one_engine_and_of_a_common_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
