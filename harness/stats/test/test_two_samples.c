#include "harness/stats/two_samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "harness/stats/test/golden.h"
#include "lib/mem.h"

static void shift_of_two_samples_is_that_of_r(void **state UNUSED)
{
	SCOPED(json_doc_done) struct json_doc golden = golden_read();
	const cJSON *row;

	cJSON_ArrayForEach(row, json_get(golden.root, "two_samples")) {
		unsigned base_count, new_count;
		SCOPED(mem_free) double *base = golden_values(row, "base", &base_count);
		SCOPED(mem_free) double *new = golden_values(row, "new", &new_count);
		struct rank_estimate shift;

		two_samples_init(&shift, base, base_count, new, new_count);
		golden_assert(row, "estimate", rank_estimate_value(&shift));
		golden_assert(row, "p_greater", rank_estimate_p_greater(&shift));
		golden_assert(row, "p_less", rank_estimate_p_less(&shift));
		if (cJSON_IsArray(json_get(row, "interval_95"))) {
			golden_assert_interval(row, "interval_95",
				rank_estimate_interval(&shift, 0.95));
			golden_assert_interval(row, "interval_999",
				rank_estimate_interval(&shift, 0.999));
		}
		rank_estimate_done(&shift);
	}
}

static void ties_count_for_neither_side(void **state UNUSED)
{
	SCOPED(json_doc_done) struct json_doc golden = golden_read();
	const cJSON *row;

	cJSON_ArrayForEach(row, json_get(golden.root, "tied")) {
		unsigned count;
		SCOPED(mem_free) double *base = golden_values(row, "base", &count);
		SCOPED(mem_free) double *new = golden_values(row, "new", &count);
		struct rank_estimate shift;

		two_samples_init(&shift, base, count, new, count);
		golden_assert(row, "two_samples.0", rank_estimate_value(&shift));
		golden_assert(row, "two_samples.1", rank_estimate_p_greater(&shift));
		golden_assert(row, "two_samples.2", rank_estimate_p_less(&shift));
		rank_estimate_done(&shift);
	}
}

static void one_empty_sample_says_nothing(void **state UNUSED)
{
	static const double values[] = {1, 2, 3};
	struct rank_estimate shift;

	two_samples_init(&shift, values, 3, NULL, 0);
	assert_true(isnan(rank_estimate_value(&shift)));
	assert_true(rank_estimate_p_greater(&shift) == 1);
	rank_estimate_done(&shift);
	two_samples_init(&shift, NULL, 0, values, 3);
	assert_true(isnan(rank_estimate_interval(&shift, 0.95).high));
	assert_true(rank_estimate_p_less(&shift) == 1);
	rank_estimate_done(&shift);
}

/* Whatever the sum of a distribution is rounded to. */
static void p_is_at_most_one(void **state UNUSED)
{
	double base[30], new[30];

	for (unsigned i = 0; i < 30; i++) {
		base[i] = 100;
		new[i] = i;
	}
	for (unsigned m = 1; m <= 30; m++)
		for (unsigned n = 1; n <= 30; n++) {
			struct rank_estimate shift;

			two_samples_init(&shift, base, m, new, n);
			assert_true(rank_estimate_p_greater(&shift) <= 1);
			rank_estimate_done(&shift);
		}
}

static void fewest_values_of_a_level_are_known(void **state UNUSED)
{
	/* C(2n, n) = 2, 6, 20, 70, 252, 924, 3432, 12870 */
	assert_int_equal(two_samples_needed(1), 0);
	assert_int_equal(two_samples_needed(0.5), 1);
	assert_int_equal(two_samples_needed(0.05), 3);
	assert_int_equal(two_samples_needed(0.001), 7);
	assert_int_equal(two_samples_needed(0.01 / 120), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shift_of_two_samples_is_that_of_r),
		cmocka_unit_test(ties_count_for_neither_side),
		cmocka_unit_test(one_empty_sample_says_nothing),
		cmocka_unit_test(p_is_at_most_one),
		cmocka_unit_test(fewest_values_of_a_level_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
