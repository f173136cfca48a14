#include "harness/stats/mann_whitney.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "lib/mem.h"

/* All ten ways to choose three of five ranks, by hand. */
static void distribution_of_u_counts_all_orders(void **state UNUSED)
{
	static const double tenths[] = {1, 1, 2, 2, 2, 1, 1};
	SCOPED(mem_free) double *probability = mann_whitney_distribution(3, 2);

	for (unsigned u = 0; u <= 6; u++)
		assert_true(fabs(probability[u] - tenths[u] / 10) < 1e-15);
}

static void distribution_of_u_adds_up_and_is_symmetric(void **state UNUSED)
{
	SCOPED(mem_free) double *probability = mann_whitney_distribution(7, 100);
	double sum = 0;

	for (unsigned u = 0; u <= 700; u++) {
		sum += probability[u];
		assert_true(fabs(probability[u] - probability[700 - u]) < 1e-15);
	}
	assert_true(fabs(sum - 1) < 1e-12);
}

static void u_of_an_empty_sample_is_zero(void **state UNUSED)
{
	SCOPED(mem_free) double *none = mann_whitney_distribution(0, 0);
	SCOPED(mem_free) double *first = mann_whitney_distribution(5, 0);
	SCOPED(mem_free) double *second = mann_whitney_distribution(0, 5);

	assert_true(none[0] == 1 && first[0] == 1 && second[0] == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distribution_of_u_counts_all_orders),
		cmocka_unit_test(distribution_of_u_adds_up_and_is_symmetric),
		cmocka_unit_test(u_of_an_empty_sample_is_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
