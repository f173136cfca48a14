#include "lib/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/cc.h"

static void rng_repeats_its_numbers_from_the_same_seed(void **state UNUSED)
{
	struct rng one, same, other;
	unsigned alike = 0;

	rng_seed(&one, 7);
	rng_seed(&same, 7);
	rng_seed(&other, 8);
	for (size_t i = 0; i < 1000; i++) {
		double number = rng_next(&one);

		assert_true(number >= 0 && number < 1);
		assert_true(number == rng_next(&same));
		alike += (int)(number * 10) == (int)(rng_next(&other) * 10);
	}
	assert_in_range(alike, 50, 150); /* one in ten, as for unrelated numbers */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rng_repeats_its_numbers_from_the_same_seed),
	};

	return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
