#include "harness/results/case_statistics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

struct scene {
	cJSON *results;
	struct case_list list;
};

static int open_scene(void **state)
{
	struct scene *scene = mem_zeroed(sizeof *scene);

	scene->results = cJSON_CreateObject();
	cJSON_AddArrayToObject(scene->results, "cases");
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	case_list_done(&scene->list);
	cJSON_Delete(scene->results);
	free(scene);
	return 0;
}

static cJSON *add(struct scene *scene, unsigned number, int64_t ms)
{
	cJSON *round =
		json_fill(NULL, "{'id': %s, 'half': %s, 'round': %u, 'verdict': %s}",
			"a", "main", number, "clean");

	cJSON_AddObjectToObject(round, "axes");
	cJSON_AddTrueToObject(round, "could_run");
	json_add_int(round, "stop_ns", ms * CLOCK_MS);
	cJSON_AddItemToArray(cJSON_GetObjectItem(scene->results, "cases"), round);
	return round;
}

static cJSON *statistics(struct scene *scene)
{
	case_list_fill(&scene->list, scene->results);
	assert_int_equal(scene->list.count, 1);
	return case_statistics_json(&scene->list.item[0]);
}

static void statistics_are_those_of_the_times(void **state)
{
	static const int64_t ms[] = {51, 50, 53, 52, 54, 55, 56, 900};
	struct scene *scene = *state;
	SCOPED(json_free) cJSON *json = NULL;
	SCOPED(mem_free) char *text = NULL;

	for (unsigned i = 0; i < COUNT(ms); i++)
		json_add_int(add(scene, i + 1, ms[i]), "limit_ns", 50 * CLOCK_MS);
	json = statistics(scene);
	text = case_statistics_text(json);
	assert_string_equal(text,
		"median 53.5ms (95 %: 50.0ms to 900ms), p95 605ms, spread 2.97ms, 1.07 x its "
		"limit; outlier: round 8 (900ms)");
}

static void statistics_of_few_times_have_no_interval(void **state)
{
	struct scene *scene = *state;
	SCOPED(json_free) cJSON *json = NULL;
	SCOPED(mem_free) char *text = NULL;

	add(scene, 1, 10);
	add(scene, 2, 20);
	json = statistics(scene);
	text = case_statistics_text(json);
	assert_true(cJSON_IsNull(json_get(json, "low_ns")));
	assert_string_equal(text, "median 15.0ms, p95 19.5ms, spread 7.41ms");
}

static void statistics_need_two_times_that_count(void **state)
{
	struct scene *scene = *state;
	cJSON *killed;

	add(scene, 1, 10);
	killed = add(scene, 2, 10000);
	cJSON_ReplaceItemInObject(killed, "verdict", cJSON_CreateString("killed"));
	cJSON_AddTrueToObject(add(scene, 3, 90), "warm_up");
	cJSON_ReplaceItemInObject(add(scene, 4, 5), "could_run", cJSON_CreateFalse());
	cJSON_ReplaceItemInObject(add(scene, 5, 5), "stop_ns", cJSON_CreateNull());
	assert_null(statistics(scene));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			statistics_are_those_of_the_times, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(
			statistics_of_few_times_have_no_interval, open_scene,
			close_scene),
		cmocka_unit_test_setup_teardown(
			statistics_need_two_times_that_count, open_scene, close_scene),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
