#include "harness/stats/rank_estimate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "lib/cc.h"
#include "lib/mem.h"

/* Ten candidates from `first` on, of four numbers: the signed-rank test's distribution. */
static struct rank_estimate made(double first)
{
	static const double sixteenths[] = {1, 1, 1, 2, 2, 2, 2, 2, 1, 1, 1};
	double *candidates = mem_grown(NULL, 10, sizeof *candidates);
	double *probability = mem_grown(NULL, 11, sizeof *probability);
	struct rank_estimate estimate;

	for (unsigned i = 0; i < 11; i++)
		probability[i] = sixteenths[i] / 16;
	for (unsigned i = 0; i < 10; i++)
		candidates[i] = first + (7 * i) % 10; /* not in order */
	rank_estimate_init(&estimate, candidates, 10, probability);
	return estimate;
}

static void interval_leaves_out_what_the_test_rejects(void **state UNUSED)
{
	static const struct {
		double confidence, low, high;
	} rows[] = {
		{0.875, 1, 10}, /* 1 / 16 on each side */
		{0.88, NAN, NAN},
		{0.75, 2, 9},
		{0.7, 2, 9}, /* at least */
		{0.625, 3, 8},
		{0.4, 3, 8}, /* 5 / 16 would be too much */
		{0.375, 4, 7},
		{0.1, 5, 6},
	};
	struct rank_estimate estimate = made(1);

	assert_true(rank_estimate_value(&estimate) == 5.5);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct interval interval =
			rank_estimate_interval(&estimate, rows[i].confidence);

		if (isnan(rows[i].low))
			assert_true(isnan(interval.low) && isnan(interval.high));
		else
			assert_true(interval.low == rows[i].low &&
				interval.high == rows[i].high);
	}
	rank_estimate_done(&estimate);
}

static void interval_excludes_zero_where_the_p_says_so(void **state UNUSED)
{
	for (int first = -12; first <= 3; first++) {
		struct rank_estimate estimate = made(first);

		for (int i = 1; i < 200; i++) {
			double level = i / 400.;
			struct interval interval =
				rank_estimate_interval(&estimate, 1 - 2 * level);

			assert_int_equal(interval.low > 0,
				rank_estimate_p_greater(&estimate) <= level);
			assert_int_equal(interval.high < 0,
				rank_estimate_p_less(&estimate) <= level);
		}
		rank_estimate_done(&estimate);
	}
}

/* Of -1, 0, 1, ... nine are not below zero, and eight are above. */
static void zero_counts_for_neither_side(void **state UNUSED)
{
	struct rank_estimate estimate = made(-1);

	assert_true(fabs(rank_estimate_p_greater(&estimate) - 3 / 16.) < 1e-15);
	assert_true(fabs(rank_estimate_p_less(&estimate) - 15 / 16.) < 1e-15);
	rank_estimate_done(&estimate);
}

/* For 10 of standard deviation 2: P(at most 4) is P(Z < -0.25). */
static void approximation_is_corrected_for_continuity(void **state UNUSED)
{
	double *candidates = mem_grown(NULL, 10, sizeof *candidates);
	struct rank_estimate estimate;

	for (unsigned i = 0; i < 10; i++)
		candidates[i] = i < 4 ? -1 : 1;
	rank_estimate_init_normal(&estimate, candidates, 10, 4);
	assert_true(fabs(rank_estimate_p_greater(&estimate) - 0.4012936743) < 1e-9);
	rank_estimate_done(&estimate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interval_leaves_out_what_the_test_rejects),
		cmocka_unit_test(interval_excludes_zero_where_the_p_says_so),
		cmocka_unit_test(zero_counts_for_neither_side),
		cmocka_unit_test(approximation_is_corrected_for_continuity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
