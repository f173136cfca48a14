#include "lib/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define WRONG INT64_C(-1)

struct text_row {
	const char *text;
	int64_t ns;
	const char *why;
};

static void check(const struct text_row *row, bool parsed, int64_t ns, const char *err)
{
	if (parsed != (row->ns != WRONG) || (parsed && ns != row->ns))
		fail_msg("\"%s\" (%s): %s, %lld ns, %s", row->text, row->why,
			parsed ? "taken" : "refused", (long long)ns, err);
	if (!parsed) {
		assert_int_equal(ns, 77); /* written on success only */
		assert_non_null(
			strstr(err, "expected ") ? err : strstr(err, "not between"));
	}
}

static void clock_reads_durations(void **state UNUSED)
{
	static const struct text_row rows[] = {
		{"250ms", 250 * CLOCK_MS, "the usual"},
		{"1.5s", 1500 * CLOCK_MS, "a fraction"},
		{"1m30s", 90 * CLOCK_S, "two units"},
		{"1h2m3s4ms5us6ns", 3723 * CLOCK_S + 4005006, "all of them"},
		{"0s", 0, "nothing"},
		{"0.3h", 1080 * CLOCK_S, "no double could hold 0.3"},
		{"1.123456789s", 1123456789, "to the nanosecond"},
		{"0.9999999999999999999999s", 999999999, "finer than a ns is dropped"},
		{"007ms", 7 * CLOCK_MS, "zeroes in front"},
		{"1000h", 3600000 * CLOCK_S, "the longest"},
		{"", WRONG, "empty"},
		{"5", WRONG, "no unit"},
		{"0", WRONG, "no unit, not even here"},
		{"-5s", WRONG, "negative"},
		{"+5s", WRONG, "a sign"},
		{"5 s", WRONG, "a space inside"},
		{" 5s", WRONG, "a space in front"},
		{"5s ", WRONG, "a space behind"},
		{"5sec", WRONG, "no such unit"},
		{"5S", WRONG, "units are small letters"},
		{"s", WRONG, "no number"},
		{".5s", WRONG, "no digit before the point"},
		{"5.s", WRONG, "no digit after the point"},
		{"1.2.3s", WRONG, "two points"},
		{"1m30", WRONG, "the second unit is missing"},
		{"30s1m", WRONG, "the smaller unit first"},
		{"1s1s", WRONG, "a unit twice"},
		{"1000h1ns", WRONG, "longer than 1000h by parts"},
		{"1000.1h", WRONG, "longer than 1000h by a fraction"},
		{"99999999999999999999999h", WRONG, "more than an int64 holds"},
		{"9223372036854775808ns", WRONG, "more than an int64 holds, in ns"},
		{"1e3s", WRONG, "an exponent"},
		{"infs", WRONG, "not a number"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ns = 77;
		struct err err = {0};
		bool parsed = clock_parse(&ns, rows[i].text, &err);

		check(&rows[i], parsed, ns, err.text);
	}
}

static void clock_names_the_mistake_in_a_duration(void **state UNUSED)
{
	struct err err;
	int64_t ns;

	assert_false(clock_parse(&ns, "5", &err));
	assert_string_equal(err.text,
		"\"5\": the unit is missing; expected a duration such as \"250ms\" or "
		"\"1m30s\" (units ns us ms s m h)");
	assert_false(clock_parse(&ns, "5sec", &err));
	assert_non_null(strstr(err.text, "unknown unit"));
}

static void clock_reads_times_as_docker_writes_them(void **state UNUSED)
{
	static const struct text_row rows[] = {
		{"1970-01-01T00:00:00Z", 0, "the first"},
		{"2026-11-22T22:05:00.123456789Z", 1795385100123456789,
			"all nine digits"},
		{"2026-11-22T22:05:00.5Z", 1795385100500000000, "one digit is tenths"},
		{"2026-11-22T22:05:00.000000001Z", 1795385100000000001,
			"the last digit"},
		{"2026-11-22T23:05:00+01:00", 1795385100000000000, "east of Greenwich"},
		{"2026-11-22T16:35:00-05:30", 1795385100000000000, "west of it"},
		{"2024-02-29T00:00:00Z", 1709164800000000000, "a leap year"},
		{"2016-12-31T23:59:60Z", 1483228800000000000, "a leap second"},
		{"2262-04-11T23:47:15.9Z", 9223372035900000000,
			"the last whole second"},
		{"0001-01-01T00:00:00Z", WRONG, "Docker's never"},
		{"1969-12-31T23:59:59Z", WRONG, "before the first"},
		{"2262-04-11T23:47:17Z", WRONG, "more than an int64 holds"},
		{"9999-12-31T23:59:59Z", WRONG, "much more"},
		{"2025-02-29T00:00:00Z", WRONG, "not a leap year"},
		{"2026-00-10T00:00:00Z", WRONG, "month zero"},
		{"2026-13-10T00:00:00Z", WRONG, "month 13"},
		{"2026-11-00T00:00:00Z", WRONG, "day zero"},
		{"2026-11-31T00:00:00Z", WRONG, "day 31 of 30"},
		{"2026-11-22T24:00:00Z", WRONG, "hour 24"},
		{"2026-11-22T22:60:00Z", WRONG, "minute 60"},
		{"2026-11-22T22:05:61Z", WRONG, "second 61"},
		{"2026-11-22T22:05:00", WRONG, "no zone"},
		{"2026-11-22T22:05:00.Z", WRONG, "no digits after the point"},
		{"2026-11-22T22:05:00.1234567890Z", WRONG, "ten digits"},
		{"2026-11-22T22:05:00+1:00", WRONG, "a short offset"},
		{"2026-11-22T22:05:00+24:00", WRONG, "an offset of a day"},
		{"2026-11-22T22:05:00Z ", WRONG, "something behind"},
		{"2026-11-22 22:05:00Z", WRONG, "no T"},
		{"2026-1-22T22:05:00Z", WRONG, "a short month"},
		{"2026-11-22T22:05", WRONG, "cut"},
		{"+026-11-22T22:05:00Z", WRONG, "a sign"},
		{"", WRONG, "empty"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ns = 77;
		struct err err = {0};
		bool parsed = clock_parse_rfc3339(&ns, rows[i].text, &err);

		check(&rows[i], parsed, ns, err.text);
	}
}

static void clock_writes_three_figures(void **state UNUSED)
{
	static const struct text_row rows[] = {
		{"0", 0, "nothing"},
		{"1ns", 1, "nothing is smaller"},
		{"999ns", 999, "the most ns"},
		{"1.00us", 1000, "the least us"},
		{"310us", 310 * CLOCK_US, "no digits after the point"},
		{"82.0ms", 82 * CLOCK_MS, "one"},
		{"4.51s", 4510 * CLOCK_MS, "two"},
		{"9.99us", 9994, "rounded down"},
		{"10.0us", 9995, "rounded up to fewer digits"},
		{"1.00ms", 999600, "rounded up to the next unit"},
		{"999us", 999499, "not rounded up"},
		{"90.0s", 90 * CLOCK_S, "seconds say more than minutes"},
		{"999s", 999 * CLOCK_S, "the most seconds"},
		{"16.7m", 1000 * CLOCK_S, "minutes"},
		{"100h", 360000 * CLOCK_S, "hours"},
		{"2562048h", INT64_MAX, "the longest there is"},
		{"-4.51s", -4510 * CLOCK_MS, "negative"},
		{"-2562048h", INT64_MIN, "as negative as can be"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[CLOCK_TEXT_SIZE];

		assert_ptr_equal(clock_format(rows[i].ns, text), text);
		if (strcmp(text, rows[i].text) != 0)
			fail_msg("%lld: %s instead of %s: %s", (long long)rows[i].ns,
				text, rows[i].text, rows[i].why);
	}
}

static void clock_gives_timers_no_less_than_their_time(void **state UNUSED)
{
	assert_int_equal(clock_ms_up(INT64_MIN), 0);
	assert_int_equal(clock_ms_up(-1), 0);
	assert_int_equal(clock_ms_up(0), 0);
	assert_int_equal(clock_ms_up(1), 2);
	assert_int_equal(clock_ms_up(5 * CLOCK_MS), 6);
	assert_int_equal(clock_ms_up(5 * CLOCK_MS + 1), 7);
	assert_int_equal(clock_ms_up(INT64_MAX), INT64_MAX / CLOCK_MS + 2);
}

static void clock_never_goes_back(void **state UNUSED)
{
	int64_t before = clock_now();

	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_now();

		assert_true(now >= before);
		before = now;
	}
}

static void clock_reads_the_wall_clock_that_it_writes(void **state UNUSED)
{
	char text[CLOCK_WALL_SIZE];
	time_t before = time(NULL);
	struct err err;
	int64_t ns;

	clock_wall(text);
	assert_int_equal(strlen(text), strlen("2026-11-22T22:05:00.123Z"));
	assert_true(clock_parse_rfc3339(&ns, text, &err));
	assert_true(ns / CLOCK_S >= before - 1);
	assert_true(ns / CLOCK_S <= time(NULL) + 1);
}

static void clock_has_a_stamp_for_a_wall_time(void **state UNUSED)
{
	struct timespec now;
	int64_t before_ns = clock_now(), ns;

	clock_gettime(CLOCK_REALTIME, &now);
	ns = clock_of_wall(now.tv_sec * CLOCK_S + now.tv_nsec - 3 * CLOCK_S) +
		3 * CLOCK_S;
	assert_true(ns >= before_ns - CLOCK_MS);
	assert_true(ns <= clock_now() + CLOCK_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_reads_durations),
		cmocka_unit_test(clock_names_the_mistake_in_a_duration),
		cmocka_unit_test(clock_reads_times_as_docker_writes_them),
		cmocka_unit_test(clock_writes_three_figures),
		cmocka_unit_test(clock_gives_timers_no_less_than_their_time),
		cmocka_unit_test(clock_never_goes_back),
		cmocka_unit_test(clock_reads_the_wall_clock_that_it_writes),
		cmocka_unit_test(clock_has_a_stamp_for_a_wall_time),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
