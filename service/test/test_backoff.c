#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/cc.h"
#include "service/agent/backoff.h"

static void backoff_doubles_up_to_its_maximum(void **state UNUSED)
{
	static const int64_t pauses_ns[] = {50, 100, 200, 250, 250};
	struct backoff backoff = {50, 250};

	for (size_t i = 0; i < COUNT(pauses_ns); i++)
		assert_int_equal(backoff_next(&backoff), pauses_ns[i]);
}

static void backoff_reaches_a_maximum_that_is_a_power(void **state UNUSED)
{
	struct backoff backoff = {5, 20};

	assert_int_equal(backoff_next(&backoff), 5);
	assert_int_equal(backoff_next(&backoff), 10);
	assert_int_equal(backoff_next(&backoff), 20);
	assert_int_equal(backoff_next(&backoff), 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backoff_doubles_up_to_its_maximum),
		cmocka_unit_test(backoff_reaches_a_maximum_that_is_a_power),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
