#include "harness/compare/saving.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "lib/cc.h"
#include "lib/rng.h"

static const double without[] = {300, 301, 305, 299, 302, 303, 298, 300};

static struct saving of(const double *saved, unsigned pairs)
{
	double with[COUNT(without)] = {0};
	struct saving saving;

	for (unsigned i = 0; i < pairs; i++)
		with[i] = without[i] - saved[i];
	saving_find(&saving, with, without, pairs);
	return saving;
}

static void three_pairs_that_agree_are_enough(void **state UNUSED)
{
	struct saving saving = of((const double[]){100, 98, 102}, 3);

	assert_true(saving.proven);
	assert_true(saving.ns == 100);
	assert_true(saving.range_ns.low == 98 && saving.range_ns.high == 102);
}

static void longer_is_proven_as_shorter_is(void **state UNUSED)
{
	struct saving saving = of((const double[]){-100, -98, -102}, 3);

	assert_true(saving.proven);
	assert_true(saving.ns == -100);
}

static void three_pairs_of_one_sign_alone_prove_nothing(void **state UNUSED)
{
	assert_false(of((const double[]){1, 2, 3}, 3).proven);
	assert_false(of((const double[]){-1, -2, -3}, 3).proven);
	assert_false(of((const double[]){100, 100}, 2).proven);
}

static void of_eight_pairs_the_interval_counts(void **state UNUSED)
{
	struct saving saving = of((const double[]){10, 14, 8, 12, 9, 11, 30, 10}, 8);

	assert_true(saving.proven);
	assert_true(saving.range_ns.low > 0 && saving.range_ns.low < saving.ns);
	saving = of((const double[]){10, -14, 8, 12, -9, 11, 30, -10}, 8);
	assert_false(saving.proven);
	assert_true(saving.range_ns.low < 0 && saving.range_ns.high > 0);
}

/* All above zero, and as far apart as they are above. */
static void a_saving_below_the_spread_is_noise(void **state UNUSED)
{
	struct saving saving = of((const double[]){1, 2, 3, 40, 41, 80, 81, 82}, 8);

	assert_true(saving.range_ns.low > 0);
	assert_false(saving.proven);
}

/* Sums of twelve draws are near to normal. */
static double draw(struct rng *rng)
{
	double sum = -6;

	for (unsigned i = 0; i < 12; i++)
		sum += rng_next(rng);
	return sum;
}

/* As the pairs are made: three, and if those are not plain, eight. */
static void of_changes_that_change_nothing_few_are_a_saving(void **state UNUSED)
{
	enum { TRIALS = 4000 };
	unsigned alarms = 0, early = 0;
	struct rng rng;

	rng_seed(&rng, 8);
	for (unsigned trial = 0; trial < TRIALS; trial++) {
		double saved[COUNT(without)];

		for (size_t i = 0; i < COUNT(saved); i++)
			saved[i] = draw(&rng);
		if (of(saved, SAVING_LEAST).proven)
			early++;
		else
			alarms += of(saved, COUNT(saved)).proven;
	}
	assert_in_range(early, 1, TRIALS / 100);
	assert_in_range(alarms + early, 1, TRIALS * 4 / 100);
}

static void without_pairs_there_is_none(void **state UNUSED)
{
	struct saving saving = of(NULL, 0);

	assert_true(isnan(saving.ns));
	assert_false(saving.proven);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_pairs_that_agree_are_enough),
		cmocka_unit_test(longer_is_proven_as_shorter_is),
		cmocka_unit_test(three_pairs_of_one_sign_alone_prove_nothing),
		cmocka_unit_test(of_eight_pairs_the_interval_counts),
		cmocka_unit_test(a_saving_below_the_spread_is_noise),
		cmocka_unit_test(of_changes_that_change_nothing_few_are_a_saving),
		cmocka_unit_test(without_pairs_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
