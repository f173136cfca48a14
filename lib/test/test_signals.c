#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>

#include "lib/cc.h"
#include "lib/signals.h"

static void a_signal_has_many_names(void **state UNUSED)
{
	const struct {
		const char *name;
		int number;
		const char *why;
	} rows[] = {
		{"SIGTERM", SIGTERM, "as people write it"},
		{"TERM", SIGTERM, "as kill(1) has it"},
		{"15", SIGTERM, "its number"},
		{"SIGRTMIN", SIGRTMIN, "the least of real time"},
		{"SIGRTMIN+3", SIGRTMIN + 3, "what stops systemd"},
		{"RTMIN+3", SIGRTMIN + 3, "the same without SIG"},
		{"SIGRTMAX-2", SIGRTMAX - 2, "counted from the other end"},
		{"SIGTEM", 0, "none"},
		{"0", 0, "not one that asks whether it is there"},
		{"99", 0, "past the last"},
		{"15x", 0, "half a number"},
		{"SIGRTMIN+99", 0, "past the last of real time"},
		{"SIGRTMIN+", 0, "half a distance"},
		{"SIGRTMIN+-1", 0, "a distance back"},
		{"SIGRTMIN-1", 0, "below the least"},
		{"SIGRTMAX+1", 0, "above the most"},
		{"SIGRTMIN+3x", 0, "something behind it"},
		{"", 0, "nothing"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (signal_number(rows[i].name) != rows[i].number)
			fail_msg("%s: %s", rows[i].name, rows[i].why);
	}
}

static void a_signal_is_named_as_it_is_written(void **state UNUSED)
{
	char text[SIGNAL_TEXT_SIZE];

	assert_string_equal(signal_name(SIGTERM, text), "SIGTERM");
	assert_string_equal(signal_name(SIGRTMIN, text), "SIGRTMIN");
	assert_string_equal(signal_name(SIGRTMIN + 3, text), "SIGRTMIN+3");
	assert_string_equal(signal_name(32, text), "signal 32");
	for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
		assert_int_equal(signal_number(signal_name(number, text)), number);
}

static void signals_are_blocked_as_listed_and_no_others(void **state UNUSED)
{
	static const int listed[] = {SIGUSR1, SIGCHLD, 0};
	sigset_t before, now;

	sigemptyset(&now);
	sigaddset(&now, SIGUSR2);
	sigprocmask(SIG_BLOCK, &now, &before);
	signals_block_only(listed);
	sigprocmask(SIG_BLOCK, NULL, &now);
	assert_true(sigismember(&now, SIGUSR1) && sigismember(&now, SIGCHLD));
	assert_false(sigismember(&now, SIGUSR2) || sigismember(&now, SIGTERM));
	signals_block_only(NULL);
	sigprocmask(SIG_BLOCK, NULL, &now);
	assert_true(sigisemptyset(&now));
	sigprocmask(SIG_SETMASK, &before, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_has_many_names),
		cmocka_unit_test(a_signal_is_named_as_it_is_written),
		cmocka_unit_test(signals_are_blocked_as_listed_and_no_others),
	};

	return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
