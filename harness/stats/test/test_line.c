#include "harness/stats/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "harness/stats/test/golden.h"
#include "lib/mem.h"

static void line_is_that_of_r(void **state UNUSED)
{
	SCOPED(json_doc_done) struct json_doc golden = golden_read();
	const cJSON *row;

	cJSON_ArrayForEach(row, json_get(golden.root, "lines")) {
		unsigned count;
		SCOPED(mem_free) double *x = golden_values(row, "x", &count);
		SCOPED(mem_free) double *y = golden_values(row, "y", &count);
		struct line robust = line_theil_sen(x, y, count);
		struct line squares = line_least_squares(x, y, count);
		struct rank_estimate slope;

		line_slope_init(&slope, x, y, count);
		golden_assert(row, "slope", rank_estimate_value(&slope));
		golden_assert(row, "slope", robust.slope);
		golden_assert(row, "intercept", robust.intercept);
		golden_assert(row, "p_greater", rank_estimate_p_greater(&slope));
		golden_assert(row, "p_less", rank_estimate_p_less(&slope));
		if (cJSON_IsArray(json_get(row, "interval_95")))
			golden_assert_interval(row, "interval_95",
				rank_estimate_interval(&slope, 0.95));
		golden_assert(row, "least_squares.0", squares.intercept);
		golden_assert(row, "least_squares.1", squares.slope);
		rank_estimate_done(&slope);
	}
}

static void line_stays_where_an_outlier_is(void **state UNUSED)
{
	static const double x[] = {1, 2, 3, 4, 5, 6, 7};
	static const double y[] = {12, 14, 16, 18, 20, 22, 900};
	struct line line = line_theil_sen(x, y, 7);

	assert_true(line.slope == 2 && line.intercept == 10);
	assert_true(line_least_squares(x, y, 7).slope > 90);
}

static void points_of_one_x_have_no_line(void **state UNUSED)
{
	static const double x[] = {3, 3, 3}, y[] = {1, 2, 9};

	for (unsigned count = 0; count <= 3; count++) {
		struct rank_estimate slope;

		assert_true(isnan(line_theil_sen(x, y, count).slope));
		assert_true(isnan(line_theil_sen(x, y, count).intercept));
		assert_true(isnan(line_least_squares(x, y, count).slope));
		line_slope_init(&slope, x, y, count);
		assert_true(isnan(rank_estimate_interval(&slope, 0.95).low));
		assert_true(rank_estimate_p_greater(&slope) == 1);
		rank_estimate_done(&slope);
	}
}

static void level_points_have_a_slope_of_zero(void **state UNUSED)
{
	static const double x[] = {1, 1, 3, 3, 20, 20}, y[] = {5, 5, 5, 5, 5, 5};
	struct rank_estimate slope;

	line_slope_init(&slope, x, y, 6);
	assert_true(rank_estimate_value(&slope) == 0);
	assert_true(rank_estimate_p_greater(&slope) > 0.999);
	assert_true(line_theil_sen(x, y, 6).intercept == 5);
	rank_estimate_done(&slope);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_is_that_of_r),
		cmocka_unit_test(line_stays_where_an_outlier_is),
		cmocka_unit_test(points_of_one_x_have_no_line),
		cmocka_unit_test(level_points_have_a_slope_of_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
