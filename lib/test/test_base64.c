#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lib/base64.h"
#include "lib/mem.h"

/* Those of RFC 4648, and all letters. */
static const struct row {
	const char *text, *encoded;
} rows[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xfb\xff\xbf", "+/+/"},
};

static void base64_gives_what_the_table_says(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free)
		char *text = base64_text(rows[i].text, strlen(rows[i].text));

		assert_string_equal(text, rows[i].encoded);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_gives_what_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
