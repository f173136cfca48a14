#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/cc.h"
#include "lib/clock.h"
#include "mock-agent/faults/rate_limit.h"

#define NOW (1000 * CLOCK_S)

static int64_t take(
	struct rate_limit *limit, int64_t rate, int64_t burst_ns, int64_t ns)
{
	const struct rate_limit_behavior behavior = {
		.per_second[RATE_LIMITED_DISCONNECTS] = rate, .burst_ns = burst_ns};

	return rate_limit_take(limit, &behavior, RATE_LIMITED_DISCONNECTS, NOW + ns);
}

static void a_bucket_gives_its_burst_and_then_its_rate(void **state UNUSED)
{
	static const struct {
		int64_t rate, burst_ns, at_ns;
		unsigned taken; /* of 1000 that come then */
		int64_t wait_ns;
		const char *why;
	} rows[] = {
		{100, CLOCK_S, 0, 100, 10 * CLOCK_MS, "a second's worth is there"},
		{100, CLOCK_S, 250 * CLOCK_MS, 25, 10 * CLOCK_MS, "a quarter later"},
		{100, CLOCK_S, 255 * CLOCK_MS, 0, 5 * CLOCK_MS, "half a token"},
		{100, CLOCK_S, 1155 * CLOCK_MS, 90, 5 * CLOCK_MS, "the half stays"},
		{100, CLOCK_S, 9 * CLOCK_S, 100, 10 * CLOCK_MS,
			"it holds no more than its burst"},
	};
	struct rate_limit limit = {0};

	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned taken = 0;
		int64_t wait_ns;

		print_message("%s\n", rows[i].why);
		while ((wait_ns = take(&limit, rows[i].rate, rows[i].burst_ns,
				rows[i].at_ns)) == 0)
			taken++;
		assert_int_equal(taken, rows[i].taken);
		assert_in_range(wait_ns, rows[i].wait_ns - CLOCK_MS,
			rows[i].wait_ns + CLOCK_MS);
	}
}

static void a_bucket_without_burst_gives_one_at_a_time(void **state UNUSED)
{
	struct rate_limit limit = {0};

	assert_int_equal(take(&limit, 10, 0, 0), 0);
	assert_true(take(&limit, 10, 0, 99 * CLOCK_MS) > 0);
	assert_int_equal(take(&limit, 10, 0, 101 * CLOCK_MS), 0);
	assert_true(take(&limit, 10, 0, 102 * CLOCK_MS) > 0);
}

static void what_has_no_rate_is_not_limited(void **state UNUSED)
{
	const struct rate_limit_behavior behavior = {
		.per_second[RATE_LIMITED_DISCONNECTS] = 1};
	struct rate_limit limit = {0};

	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(
			rate_limit_take(&limit, &behavior, RATE_LIMITED_CONNECTS, NOW),
			0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
		cmocka_unit_test(a_bucket_without_burst_gives_one_at_a_time),
		cmocka_unit_test(what_has_no_rate_is_not_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
