#include "lib/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void err_holds_the_text_it_was_given(void **state UNUSED)
{
	struct err err;

	assert_false(err_set(&err, "port %d is taken", 80));
	assert_string_equal(err.text, "port 80 is taken");
	assert_false(err_set(&err, "no"));
	assert_string_equal(err.text, "no");
}

static void err_adds_the_text_of_errno(void **state UNUSED)
{
	struct err err;

	errno = ENOENT;
	assert_false(err_sys(&err, "open %s", "a.json"));
	assert_string_equal(err.text, "open a.json: No such file or directory");
}

static void err_puts_each_caller_in_front(void **state UNUSED)
{
	struct err err;

	err_set(&err, "expected a name");
	assert_false(err_while(&err, "stop.%s", "signal"));
	assert_false(err_while(&err, "load a.json"));
	assert_string_equal(err.text, "load a.json: stop.signal: expected a name");
}

static void err_may_be_made_of_its_own_text(void **state UNUSED)
{
	struct err err;

	err_set(&err, "inner");
	err_set(&err, "<%s>", err.text);
	assert_string_equal(err.text, "<inner>");
	err_while(&err, "%s again", err.text);
	assert_string_equal(err.text, "<inner> again: <inner>");
}

static void err_cuts_what_is_too_long_at_the_end(void **state UNUSED)
{
	char big[2 * sizeof(struct err)];
	struct err err;

	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	err_set(&err, "%s", big);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	err_while(&err, "load");
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	assert_memory_equal(err.text, "load: xxx", 9);
	err_while(&err, "%s", big);
	assert_memory_equal(err.text, "xxx", 3);
	errno = EACCES;
	err_sys(&err, "%s", big);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_holds_the_text_it_was_given),
		cmocka_unit_test(err_adds_the_text_of_errno),
		cmocka_unit_test(err_puts_each_caller_in_front),
		cmocka_unit_test(err_may_be_made_of_its_own_text),
		cmocka_unit_test(err_cuts_what_is_too_long_at_the_end),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
