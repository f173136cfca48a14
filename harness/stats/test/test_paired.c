#include "harness/stats/paired.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "harness/stats/test/golden.h"
#include "lib/mem.h"

static void shift_of_pairs_is_that_of_r(void **state UNUSED)
{
	SCOPED(json_doc_done) struct json_doc golden = golden_read();
	const cJSON *row;

	cJSON_ArrayForEach(row, json_get(golden.root, "paired")) {
		unsigned count;
		SCOPED(mem_free) double *base = golden_values(row, "base", &count);
		SCOPED(mem_free) double *new = golden_values(row, "new", &count);
		struct rank_estimate shift;

		paired_init(&shift, base, new, count);
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

static void ties_and_zeros_count_for_neither_side(void **state UNUSED)
{
	SCOPED(json_doc_done) struct json_doc golden = golden_read();
	const cJSON *row;

	cJSON_ArrayForEach(row, json_get(golden.root, "tied")) {
		unsigned count;
		SCOPED(mem_free) double *base = golden_values(row, "base", &count);
		SCOPED(mem_free) double *new = golden_values(row, "new", &count);
		struct rank_estimate shift;

		paired_init(&shift, base, new, count);
		golden_assert(row, "paired.0", rank_estimate_value(&shift));
		golden_assert(row, "paired.1", rank_estimate_p_greater(&shift));
		golden_assert(row, "paired.2", rank_estimate_p_less(&shift));
		rank_estimate_done(&shift);
	}
}

/* How often the p of these differences is at most `level` where each sign is as likely:
 * all 2^n ways are counted. */
static double rejected(const double *differences, unsigned count, double level)
{
	double zeros[16] = {0}, flipped[16] = {0};
	unsigned rejections = 0;

	for (unsigned signs = 0; signs < 1u << count; signs++) {
		struct rank_estimate shift;

		for (unsigned i = 0; i < count; i++)
			flipped[i] = signs >> i & 1 ? -differences[i] : differences[i];
		paired_init(&shift, zeros, flipped, count);
		rejections += rank_estimate_p_greater(&shift) <= level;
		rank_estimate_done(&shift);
	}
	return rejections / (double)(1u << count);
}

static void p_is_never_too_small(void **state UNUSED)
{
	static const double differences[][8] = {
		{1, 2, 3, 4, 5, 6, 7, 8},
		{1, 1, 1, 1, 1, 1, 1, 1},
		{0, 0, 0, 1, 1, 2, 2, 3},
		{1, 2, 2, 2, 3, 3, 9, 9},
		{0, 0, 0, 0, 0, 0, 0, 5},
	};
	static const double levels[] = {0.004, 0.01, 0.05, 0.1, 0.3, 0.5};

	for (size_t i = 0; i < COUNT(differences); i++)
		for (size_t j = 0; j < COUNT(levels); j++)
			assert_true(
				rejected(differences[i], 8, levels[j]) <= levels[j]);
	assert_true(rejected(differences[0], 8, 1 / 256.) == 1 / 256.);
}

static void pairs_without_noise_have_an_interval_of_one_value(void **state UNUSED)
{
	static const double base[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	static const double new[8] = {3, 4, 5, 6, 7, 8, 9, 10};
	struct rank_estimate shift;
	struct interval interval;

	paired_init(&shift, base, new, 8);
	interval = rank_estimate_interval(&shift, 0.95);
	assert_true(rank_estimate_value(&shift) == 2);
	assert_true(interval.low == 2 && interval.high == 2);
	rank_estimate_done(&shift);
}

static void no_pairs_say_nothing(void **state UNUSED)
{
	struct rank_estimate shift;

	paired_init(&shift, NULL, NULL, 0);
	assert_true(isnan(rank_estimate_value(&shift)));
	assert_true(isnan(rank_estimate_interval(&shift, 0.95).low));
	assert_true(rank_estimate_p_greater(&shift) == 1);
	assert_true(rank_estimate_p_less(&shift) == 1);
	rank_estimate_done(&shift);
}

static void approximation_joins_the_exact_distribution(void **state UNUSED)
{
	double base[PAIRED_EXACT_MAX + 1] = {0}, new[PAIRED_EXACT_MAX + 1];
	double p[2];

	for (unsigned i = 0; i <= PAIRED_EXACT_MAX; i++)
		new[i] = i % 5 < 2 ? -1.0 - i : 1.0 + i;
	new[PAIRED_EXACT_MAX] = 0.1; /* the lowest rank: it changes next to nothing */
	for (unsigned i = 0; i < 2; i++) {
		struct rank_estimate shift;

		paired_init(&shift, base, new, PAIRED_EXACT_MAX + i);
		p[i] = rank_estimate_p_greater(&shift);
		rank_estimate_done(&shift);
	}
	assert_true(p[0] > 0 && p[0] < 0.05);
	assert_true(fabs(p[1] / p[0] - 1) < 0.02);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shift_of_pairs_is_that_of_r),
		cmocka_unit_test(ties_and_zeros_count_for_neither_side),
		cmocka_unit_test(p_is_never_too_small),
		cmocka_unit_test(pairs_without_noise_have_an_interval_of_one_value),
		cmocka_unit_test(no_pairs_say_nothing),
		cmocka_unit_test(approximation_joins_the_exact_distribution),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
