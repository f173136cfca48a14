#include "harness/stats/sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "harness/stats/test/golden.h"
#include "lib/mem.h"

static void sample_is_described_as_by_r(void **state UNUSED)
{
	SCOPED(json_doc_done) struct json_doc golden = golden_read();
	const cJSON *row;

	cJSON_ArrayForEach(row, json_get(golden.root, "samples")) {
		unsigned count, shares_count;
		SCOPED(mem_free) double *values = golden_values(row, "values", &count);
		SCOPED(mem_free)
		double *shares = golden_values(row, "shares", &shares_count);
		struct sample sample;

		sample_init(&sample, values, count);
		for (unsigned i = 0; i < shares_count; i++) {
			SCOPED(mem_free) char *key = mem_textf("quantiles.%u", i);

			golden_assert(row, key, sample_quantile(&sample, shares[i]));
		}
		golden_assert(row, "median", sample_median(&sample));
		golden_assert(row, "spread", sample_spread(&sample));
		golden_assert_interval(
			row, "interval_95", sample_median_interval(&sample, 0.95));
		golden_assert_interval(
			row, "interval_99", sample_median_interval(&sample, 0.99));
		golden_assert_interval(row, "fences", sample_fences(&sample));
		sample_done(&sample);
	}
}

static void sample_is_a_sorted_copy(void **state UNUSED)
{
	const double values[] = {3, 1, 2};
	struct sample sample;

	sample_init(&sample, values, 3);
	assert_true(values[0] == 3);
	assert_true(sample.values[0] == 1 && sample.values[2] == 3);
	sample_done(&sample);
	sample_done(&sample);
}

static void sample_without_values_has_no_results(void **state UNUSED)
{
	struct sample sample;

	sample_init(&sample, NULL, 0);
	assert_true(isnan(sample_median(&sample)));
	assert_true(isnan(sample_quantile(&sample, 0.95)));
	assert_true(isnan(sample_spread(&sample)));
	assert_true(isnan(sample_median_interval(&sample, 0.95).low));
	assert_true(isnan(sample_fences(&sample).high));
	sample_done(&sample);
}

/* The fewest with which 2 * 2^-n is at most 5 %. */
static void interval_of_the_median_takes_six_values(void **state UNUSED)
{
	const double values[] = {1, 2, 3, 4, 5, 6};
	struct interval interval;
	struct sample sample;

	sample_init(&sample, values, 5);
	assert_true(isnan(sample_median_interval(&sample, 0.95).low));
	assert_true(isnan(sample_median_interval(&sample, 0.95).high));
	sample_done(&sample);
	sample_init(&sample, values, 6);
	interval = sample_median_interval(&sample, 0.95);
	assert_true(interval.low == 1 && interval.high == 6);
	sample_done(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_is_described_as_by_r),
		cmocka_unit_test(sample_is_a_sorted_copy),
		cmocka_unit_test(sample_without_values_has_no_results),
		cmocka_unit_test(interval_of_the_median_takes_six_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
