#include "lib/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"

#define DRAWS 20001

/* Reads the member "latency" of a document of that one member. */
static bool read_text(struct latency *latency, const char *text, struct err *err)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};

	if (!json_doc_parse(&doc, "t", text, strlen(text), err))
		return false;
	return latency_type.read(latency, &doc, json_get(doc.root, "latency"), err);
}

static struct latency made(const char *text)
{
	struct latency latency = {0};
	struct err err;

	if (!read_text(&latency, text, &err))
		fail_msg("%s", err.text);
	return latency;
}

static int compare_ns(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Sorted draws; [DRAWS / 2] is their median. */
static int64_t *drawn(const struct latency *latency)
{
	int64_t *draws = malloc(DRAWS * sizeof *draws);
	struct rng rng;

	assert_non_null(draws);
	rng_seed(&rng, 42);
	for (size_t i = 0; i < DRAWS; i++)
		draws[i] = latency_draw(latency, &rng);
	qsort(draws, DRAWS, sizeof *draws, compare_ns);
	return draws;
}

/* Within a twentieth: five times the spread of what 20001 draws give. */
static void assert_near(int64_t got, int64_t wanted)
{
	if (llabs(got - wanted) > wanted / 20)
		fail_msg("%lld is not near %lld", (long long)got, (long long)wanted);
}

static int64_t mean(const int64_t *draws)
{
	int64_t sum = 0;

	for (size_t i = 0; i < DRAWS; i++)
		sum += draws[i];
	return sum / DRAWS;
}

static void latency_is_fixed_when_it_is_a_duration(void **state UNUSED)
{
	struct latency latency = made("{\"latency\": \"250ms\"}"), zero = {0};
	struct rng rng, untouched;

	rng_seed(&rng, 1);
	untouched = rng;
	assert_int_equal(latency_draw(&latency, &rng), 250 * CLOCK_MS);
	assert_int_equal(latency_draw(&zero, &rng), 0);
	assert_memory_equal(&rng, &untouched, sizeof rng);
}

static void uniform_draws_from_min_to_max(void **state UNUSED)
{
	struct latency latency = made("{\"latency\": {\"distribution\": \"uniform\", "
				      "\"min\": \"50ms\", \"max\": \"400ms\"}}");
	int64_t *draws = drawn(&latency);

	assert_in_range(draws[0], 50 * CLOCK_MS, 52 * CLOCK_MS);
	assert_near(draws[DRAWS / 4], 137500 * CLOCK_US);
	assert_near(draws[DRAWS / 2], 225 * CLOCK_MS);
	assert_in_range(draws[DRAWS - 1], 398 * CLOCK_MS, 400 * CLOCK_MS);
	free(draws);
}

static void normal_draws_around_its_mean(void **state UNUSED)
{
	struct latency latency = made("{\"latency\": {\"distribution\": \"normal\", "
				      "\"mean\": \"200ms\", \"deviation\": \"30ms\"}}");
	int64_t *draws = drawn(&latency);

	assert_near(mean(draws), 200 * CLOCK_MS);
	assert_near(draws[(size_t)(DRAWS * 0.158655)], 170 * CLOCK_MS);
	assert_near(draws[(size_t)(DRAWS * 0.841345)], 230 * CLOCK_MS);
	free(draws);
}

static void normal_is_never_negative(void **state UNUSED)
{
	struct latency latency = made("{\"latency\": {\"distribution\": \"normal\", "
				      "\"mean\": \"1ms\", \"deviation\": \"1s\"}}");
	int64_t *draws = drawn(&latency);

	assert_int_equal(draws[0], 0);
	assert_true(draws[DRAWS - 1] > CLOCK_S);
	free(draws);
}

static void lognormal_draws_around_its_median(void **state UNUSED)
{
	struct latency latency = made("{\"latency\": {\"distribution\": \"lognormal\", "
				      "\"median\": \"200ms\", \"sigma\": 0.5}}");
	int64_t *draws = drawn(&latency);

	assert_near(draws[DRAWS / 2], 200 * CLOCK_MS);
	assert_near(draws[(size_t)(DRAWS * 0.841345)], 329744 * CLOCK_US);
	free(draws);
}

static void exponential_draws_around_its_mean(void **state UNUSED)
{
	struct latency latency = made("{\"latency\": {\"distribution\": "
				      "\"exponential\", \"mean\": \"200ms\"}}");
	int64_t *draws = drawn(&latency);

	assert_near(mean(draws), 200 * CLOCK_MS);
	assert_near(draws[DRAWS / 2], 138629 * CLOCK_US);
	free(draws);
}

static void pareto_draws_from_its_min_up(void **state UNUSED)
{
	struct latency latency = made("{\"latency\": {\"distribution\": \"pareto\", "
				      "\"min\": \"100ms\", \"shape\": 2.5}}");
	int64_t *draws = drawn(&latency);

	assert_true(draws[0] >= 100 * CLOCK_MS);
	assert_near(draws[DRAWS / 2], 131951 * CLOCK_US);
	assert_near(mean(draws), 166667 * CLOCK_US);
	free(draws);
}

static void draws_end_at_the_maximum(void **state UNUSED)
{
	struct latency latency = made("{\"latency\": {\"distribution\": \"pareto\", "
				      "\"min\": \"1s\", \"shape\": 0.01}}");
	int64_t *draws = drawn(&latency);

	assert_true(draws[0] >= CLOCK_S);
	assert_true(draws[DRAWS - 1] == LATENCY_MAX_NS);
	free(draws);
}

static void empirical_draws_each_of_its_values(void **state UNUSED)
{
	struct latency latency = made("{\"latency\": {\"distribution\": \"empirical\", "
				      "\"values\": [\"480ms\", \"10ms\", \"12ms\"]}}");
	int64_t *draws = drawn(&latency);
	size_t count[3] = {0};

	for (size_t i = 0; i < DRAWS; i++) {
		count[0] += draws[i] == 10 * CLOCK_MS;
		count[1] += draws[i] == 12 * CLOCK_MS;
		count[2] += draws[i] == 480 * CLOCK_MS;
	}
	assert_int_equal(count[0] + count[1] + count[2], DRAWS);
	for (size_t i = 0; i < 3; i++)
		assert_near((int64_t)count[i], DRAWS / 3);
	free(draws);
	latency_done(&latency);
}

static void latency_reports_an_error_with_its_position(void **state UNUSED)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"{\"latency\": 250}",
			"t:1:2: latency: expected a latency such as \"250ms\" or "
			"{\"distribution\": \"exponential\", \"mean\": \"200ms\"}, not a "
			"number"},
		{"{\"latency\": \"250\"}",
			"t:1:2: latency: \"250\": the unit is missing; expected a duration"},
		{"{\"latency\": \"25h\"}", "t:1:2: latency: longer than 24h"},
		{"{\"latency\": {}}",
			"t:1:2: latency: \"distribution\" is missing; there are: uniform, "
			"normal, lognormal, exponential, pareto, empirical"},
		{"{\"latency\": {\"distribution\": \"gauss\"}}",
			"t:1:14: distribution: expected one of uniform, normal, lognormal, "
			"exponential, pareto, empirical, not \"gauss\""},
		{"{\"latency\": {\"distribution\": 1}}",
			"t:1:14: distribution: expected one of uniform, normal, lognormal, "
			"exponential, pareto, empirical, not a number"},
		{"{\"latency\": {\"distribution\": \"normal\", \"mean\": \"1s\"}}",
			"t:1:2: latency: \"deviation\" is missing"},
		{"{\"latency\": {\"distribution\": \"exponential\",\n \"men\": \"1s\"}}",
			"t:2:2: latency.men: no such key; did you mean \"mean\"?"},
		{"{\"latency\": {\"distribution\": \"exponential\", \"mean\": 1}}",
			"t:1:45: latency.mean: expected a duration such as \"250ms\", not a number"},
		{"{\"latency\": {\"distribution\": \"uniform\", \"min\": \"2s\", "
		 "\"max\": \"1s\"}}",
			"t:1:54: max: less than min"},
		{"{\"latency\": {\"distribution\": \"lognormal\", \"median\": \"1s\", "
		 "\"sigma\": -1}}",
			"t:1:59: latency.sigma: expected a number from 0 to 10"},
		{"{\"latency\": {\"distribution\": \"pareto\", \"min\": \"1s\", "
		 "\"shape\": \"2\"}}",
			"t:1:53: latency.shape: expected a number such as 1.5, not a string"},
		{"{\"latency\": {\"distribution\": \"pareto\", \"min\": \"1s\", "
		 "\"shape\": 0}}",
			"t:1:53: latency.shape: expected a number from 0.01 to 1000"},
		{"{\"latency\": {\"distribution\": \"empirical\", \"values\": []}}",
			"t:1:43: values: expected a list of 1 to 256 durations, [\"10ms\", "
			"...]"},
		{"{\"latency\": {\"distribution\": \"empirical\", \"values\": \"1s\"}}",
			"t:1:43: values: expected a list of 1 to 256 durations, [\"10ms\", "
			"...]"},
		{"{\"latency\": {\"distribution\": \"empirical\", \"values\": [\"1s\", 2]}}",
			"t:1:60: expected a duration such as \"250ms\", not a number"},
	};
	struct latency latency = {.a_ns = 5};
	struct err err;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_false(read_text(&latency, rows[i].text, &err));
		if (strncmp(err.text, rows[i].why, strlen(rows[i].why)))
			fail_msg("%s says: %s", rows[i].text, err.text);
		assert_int_equal(latency.a_ns, 5);
	}
}

static void latency_is_replaced_by_reading(void **state UNUSED)
{
	const char *values = "{\"latency\": {\"distribution\": \"empirical\", "
			     "\"values\": [\"1s\", \"2s\"]}}";
	struct latency one = made(values);
	struct err err;

	assert_true(read_text(&one, values, &err));
	assert_true(read_text(&one, "{\"latency\": \"3s\"}", &err));
	assert_int_equal(one.kind, LATENCY_FIXED);
	assert_null(one.values_ns);
	assert_int_equal(one.a_ns, 3 * CLOCK_S);
	latency_done(&one);
	latency_done(&one);
}

static void schema_has_every_form(void **state UNUSED)
{
	static const char *const names[] = {
		"uniform", "normal", "lognormal", "exponential", "pareto", "empirical"};
	SCOPED(json_free) cJSON *schema = latency_type.schema();
	const cJSON *any = json_get(schema, "anyOf");

	assert_int_equal(cJSON_GetArraySize(any), 1 + COUNT(names));
	assert_string_equal(json_text(cJSON_GetArrayItem(any, 0), "type"), "string");
	for (int i = 0; i < (int)COUNT(names); i++) {
		const cJSON *form = cJSON_GetArrayItem(any, i + 1);

		assert_string_equal(
			json_at(form, "properties.distribution.const")->valuestring,
			names[i]);
		assert_int_equal(cJSON_GetArraySize(json_get(form, "required")),
			cJSON_GetArraySize(json_get(form, "properties")));
		assert_false(json_bool(form, "additionalProperties", true));
	}
	assert_int_equal(json_at(any, "6.properties.values.maxItems")->valueint,
		LATENCY_VALUES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(latency_is_fixed_when_it_is_a_duration),
		cmocka_unit_test(uniform_draws_from_min_to_max),
		cmocka_unit_test(normal_draws_around_its_mean),
		cmocka_unit_test(normal_is_never_negative),
		cmocka_unit_test(lognormal_draws_around_its_median),
		cmocka_unit_test(exponential_draws_around_its_mean),
		cmocka_unit_test(pareto_draws_from_its_min_up),
		cmocka_unit_test(draws_end_at_the_maximum),
		cmocka_unit_test(empirical_draws_each_of_its_values),
		cmocka_unit_test(latency_reports_an_error_with_its_position),
		cmocka_unit_test(latency_is_replaced_by_reading),
		cmocka_unit_test(schema_has_every_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
