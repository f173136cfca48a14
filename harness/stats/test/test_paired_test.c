#include "harness/stats/paired_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "harness/stats/paired.h"
#include "harness/stats/test/golden.h"
#include "lib/mem.h"

static void p_is_that_of_all_signs_in_r(void **state UNUSED)
{
	SCOPED(json_doc_done) struct json_doc golden = golden_read();
	const cJSON *row;

	cJSON_ArrayForEach(row, json_get(golden.root, "paired_test")) {
		unsigned count;
		SCOPED(mem_free) double *base = golden_values(row, "base", &count);
		SCOPED(mem_free) double *new = golden_values(row, "new", &count);

		golden_assert(row, "p_greater", paired_test(base, new, count));
		golden_assert(row, "p_less", paired_test(new, base, count));
	}
}

/* How often p is at most `level` where each sign is as likely: all 2^8 ways. */
static double rejected(const double *differences, double level)
{
	double zeros[8] = {0}, flipped[8];
	unsigned rejections = 0;

	for (unsigned signs = 0; signs < 256; signs++) {
		for (unsigned i = 0; i < 8; i++)
			flipped[i] = signs >> i & 1 ? -differences[i] : differences[i];
		rejections += paired_test(zeros, flipped, 8) <= level;
	}
	return rejections / 256.;
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
			assert_true(rejected(differences[i], levels[j]) <= levels[j]);
	assert_true(rejected(differences[0], 1 / 256.) == 1 / 256.);
}

/* Two of 20 stops of BASE waited for a core. The signed-rank sum alone is 39, and its p
 * 0.0065; 1 + 20 + 190 of 2^20 signs have at most two against. */
static void outliers_do_not_outweigh_all_others(void **state UNUSED)
{
	double base[20], new[20];
	struct rank_estimate shift;
	double p;

	for (unsigned i = 0; i < 20; i++) {
		base[i] = i < 2 ? 900 : 0;
		new[i] = 5 + i;
	}
	paired_init(&shift, base, new, 20);
	assert_true(rank_estimate_p_greater(&shift) > 0.006);
	p = paired_test(base, new, 20);
	assert_true(p >= 211 / 1048576. && p < 2 * 211 / 1048576.);
	rank_estimate_done(&shift);
}

/* Where both tests are near their approximations, so is this; and it ends at 1. */
static void bounds_join_the_exact_distribution(void **state UNUSED)
{
	static const unsigned counts[] = {PAIRED_TEST_EXACT_MAX, PAIRED_EXACT_MAX};
	double base[PAIRED_EXACT_MAX + 1] = {0}, new[PAIRED_EXACT_MAX + 1];

	for (size_t i = 0; i < COUNT(counts); i++) {
		double p, beyond;

		for (unsigned j = 0; j < counts[i]; j++)
			new[j] = j % 5 < 2 ? -1.0 - j : 1.0 + j;
		new[counts[i]] = 0.1; /* the lowest rank */
		p = paired_test(base, new, counts[i]);
		beyond = paired_test(base, new, counts[i] + 1);
		assert_true(p > 0 && p < 0.1);
		assert_true(beyond > 0.5 * p && beyond < 2 * p);
		assert_true(paired_test(new, base, counts[i]) == 1);
		assert_true(paired_test(new, base, counts[i] + 1) == 1);
	}
}

static void no_pairs_prove_nothing(void **state UNUSED)
{
	static const double same[8] = {7, 7, 7, 7, 7, 7, 7, 7};

	assert_true(paired_test(NULL, NULL, 0) == 1);
	assert_true(paired_test(same, same, 8) == 1);
}

static void fewest_pairs_of_a_level_are_known(void **state UNUSED)
{
	static const double zeros[20] = {0};
	double new[20];
	static const double levels[] = {1, 0.5, 0.05, 0.001, 0.01 / 120};
	static const unsigned needed[] = {0, 1, 5, 10, 14};

	for (unsigned i = 0; i < 20; i++)
		new[i] = 1 + i;
	for (size_t i = 0; i < COUNT(levels); i++) {
		assert_int_equal(paired_test_needed(levels[i]), needed[i]);
		assert_true(paired_test(zeros, new, needed[i]) <= levels[i]);
		if (needed[i])
			assert_true(paired_test(zeros, new, needed[i] - 1) > levels[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p_is_that_of_all_signs_in_r),
		cmocka_unit_test(p_is_never_too_small),
		cmocka_unit_test(outliers_do_not_outweigh_all_others),
		cmocka_unit_test(bounds_join_the_exact_distribution),
		cmocka_unit_test(no_pairs_prove_nothing),
		cmocka_unit_test(fewest_pairs_of_a_level_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
