#include "harness/stats/signed_rank.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "lib/mem.h"

/* All eight signs of the ranks 1, 2 and 3, by hand: 0 1 2 3 3 4 5 6. */
static void distribution_of_the_sum_counts_all_signs(void **state UNUSED)
{
	static const double eighths[] = {1, 1, 1, 2, 1, 1, 1};
	SCOPED(mem_free) double *probability = signed_rank_distribution(3);

	for (unsigned sum = 0; sum <= 6; sum++)
		assert_true(probability[sum] == eighths[sum] / 8);
}

static void distribution_of_the_sum_adds_up_and_is_symmetric(void **state UNUSED)
{
	SCOPED(mem_free) double *probability = signed_rank_distribution(200);
	double total = 0;

	for (unsigned sum = 0; sum <= 20100; sum++) {
		total += probability[sum];
		assert_true(fabs(probability[sum] - probability[20100 - sum]) < 1e-15);
	}
	assert_true(fabs(total - 1) < 1e-12);
	assert_true(probability[0] == ldexp(1, -200));
}

static void sum_of_no_ranks_is_zero(void **state UNUSED)
{
	SCOPED(mem_free) double *probability = signed_rank_distribution(0);

	assert_true(probability[0] == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distribution_of_the_sum_counts_all_signs),
		cmocka_unit_test(distribution_of_the_sum_adds_up_and_is_symmetric),
		cmocka_unit_test(sum_of_no_ranks_is_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
