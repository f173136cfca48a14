#include "lib/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cc.h"

static const char *const names[] = {
	"grace",
	"when",
	"signal",
	"sessions",
	"disconnect",
	"exit_code",
	"a",
};

static void suggest_finds_the_nearest_name(void **state UNUSED)
{
	static const struct {
		const char *word;
		const char *name;
		const char *why;
	} rows[] = {
		{"grace", "grace", "the name itself"},
		{"gracee", "grace", "a letter too many"},
		{"grce", "grace", "a letter too few"},
		{"grbce", "grace", "another letter"},
		{"garce", "grace", "two letters swapped count one"},
		{"wehn", "when", "swapped, and a third of four letters is one"},
		{"wxxn", NULL, "two of four are too many"},
		{"disconect", "disconnect", "a long word"},
		{"dsconnectz", "disconnect", "two of ten"},
		{"dscnnectxx", NULL, "four of ten"},
		{"exitcode", "exit_code", "a missing mark"},
		{"session", "sessions", "singular"},
		{"b", "a", "one letter may be another"},
		{"", "a", "or none"},
		{"replicas", NULL, "nothing like it"},
		{"Grace", "grace", "a capital is another letter"},
		{"GRACE", NULL, "five are five"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *name = suggest_name(rows[i].word, names, COUNT(names));

		if (name != rows[i].name &&
			(!name || !rows[i].name || strcmp(name, rows[i].name) != 0))
			fail_msg("%s: %s instead of %s: %s", rows[i].word,
				name ? name : "none",
				rows[i].name ? rows[i].name : "none", rows[i].why);
	}
}

static void suggest_prefers_the_closest_then_the_first(void **state UNUSED)
{
	static const char *const similar[] = {"on_turn", "on_term", "on_tarm"};

	assert_string_equal(suggest_name("on_tern", similar, 3), "on_turn");
	assert_string_equal(suggest_name("on_tarmm", similar, 3), "on_tarm");
	assert_null(suggest_name("on_term", similar, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suggest_finds_the_nearest_name),
		cmocka_unit_test(suggest_prefers_the_closest_then_the_first),
	};

	return cmocka_run_group_tests_name("suggest", tests, NULL, NULL);
}
