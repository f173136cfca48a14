#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/cc.h"
#include "lib/mem.h"
#include "mock-mcp/http/header_value.h"
#include "mock-mcp/http/replay_log.h"

static void replay_log_gives_what_is_behind_an_event(void **state)
{
	size_t total = 0;
	struct replay_log log = {.total = &total, .total_most = SIZE_MAX};
	const struct replay_event *event;

	(void)state;
	replay_log_add(&log, 1, 0, NULL);
	replay_log_add(&log, 2, 0, "other stream");
	replay_log_add(&log, 1, 1, "one");
	replay_log_add(&log, 1, 2, "two");
	assert_true(replay_log_has(&log, 1, 0));
	assert_false(replay_log_has(&log, 1, 3));
	assert_false(replay_log_has(&log, 3, 0));
	event = replay_log_next(&log, 1, 0);
	assert_string_equal(event->message, "one");
	event = replay_log_next(&log, 1, 1);
	assert_string_equal(event->message, "two");
	assert_null(replay_log_next(&log, 1, 2));
	replay_log_clear(&log);
	assert_int_equal(total, 0);
}

static void replay_log_forgets_the_oldest(void **state)
{
	size_t total = 0, half = REPLAY_LOG_MAX / 2;
	struct replay_log log = {.total = &total, .total_most = SIZE_MAX};
	SCOPED(mem_free) char *message = mem_zeroed(half + 1);

	(void)state;
	memset(message, 'x', half);
	replay_log_add(&log, 1, 0, "first");
	replay_log_add(&log, 1, 1, message);
	assert_true(replay_log_has(&log, 1, 0));
	replay_log_add(&log, 1, 2, message);
	assert_false(replay_log_has(&log, 1, 0));
	assert_false(replay_log_has(&log, 1, 1));
	assert_true(replay_log_has(&log, 1, 2));
	assert_true(log.size <= REPLAY_LOG_MAX);
	replay_log_clear(&log);
}

static void replay_logs_have_a_limit_together(void **state)
{
	size_t total = 0;
	struct replay_log one = {.total = &total, .total_most = 1000};
	struct replay_log other = {.total = &total, .total_most = 1000};
	SCOPED(mem_free) char *message = mem_zeroed(801);

	(void)state;
	memset(message, 'x', 800);
	replay_log_add(&one, 1, 0, message);
	replay_log_add(&other, 1, 0, message);
	assert_true(replay_log_has(&one, 1, 0));
	assert_false(replay_log_has(&other, 1, 0));
	replay_log_clear(&one);
	replay_log_add(&other, 1, 0, message);
	assert_true(replay_log_has(&other, 1, 0));
	replay_log_clear(&other);
	assert_int_equal(total, 0);
}

static void header_value_means_a_text(void **state)
{
	static const struct {
		const char *header, *text;
		bool same;
		const char *why;
	} rows[] = {
		{"echo", "echo", true, "plain"},
		{"  echo\t ", "echo", true, "white space is no part of it"},
		{"Echo", "echo", false, "case counts"},
		{"ech", "echo", false, "shorter"},
		{"echoo", "echo", false, "longer"},
		{"", "", true, "nothing"},
		{"=?base64?ZWNobw==?=", "echo", true, "two pads"},
		{"=?base64?SGVsbG8=?=", "Hello", true, "one pad"},
		{"=?base64?w4bDuA==?=", "\xc3\x86\xc3\xb8", true, "UTF-8"},
		{" =?base64?ZWNobw==?= ", "echo", true, "white space around"},
		{"=?base64?ZWNobw?=", "echo", false, "no pads"},
		{"=?base64?ZWN!bw==?=", "echo", false, "no digit"},
		{"=?base64?Z===?=", "", false, "three pads"},
		{"=?base64?ZWNobw==", "=?base64?ZWNobw==", true, "no end: plain"},
		{"ZWNobw==", "echo", false, "no beginning: plain"},
		{"=?base64?"
		 "?=",
			"", true, "nothing, encoded"},
		{"=?base64?AGVjaG8=?=", "", false, "a NUL"},
		{"=?base64?=", "=?base64?=", true, "beginning and end overlap"},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++)
		if (header_value_is(rows[i].header, rows[i].text) != rows[i].same)
			fail_msg("%s: %s", rows[i].header, rows[i].why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replay_log_gives_what_is_behind_an_event),
		cmocka_unit_test(replay_log_forgets_the_oldest),
		cmocka_unit_test(replay_logs_have_a_limit_together),
		cmocka_unit_test(header_value_means_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
