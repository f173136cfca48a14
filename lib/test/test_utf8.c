#include "lib/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/mem.h"

#define BAD "\xef\xbf\xbd"

static void utf8_mend_replaces_bytes_of_no_character(void **state UNUSED)
{
	static const struct {
		const char *text, *whole, *why;
	} rows[] = {
		{"", "", "an empty text"},
		{"plain", "plain", "ASCII"},
		{"\u00e4\u2026\U0001f600", "\u00e4\u2026\U0001f600",
			"two, three and four bytes"},
		{"a\xff"
		 "b",
			"a" BAD "b", "no first byte"},
		{"a\xe2\x80", "a" BAD BAD, "cut at the end"},
		{"\xe2\x80"
		 "b",
			BAD BAD "b", "cut in the middle"},
		{"\xc0\x80", BAD BAD, "longer than need be"},
		{"\xe0\x80\xaf", BAD BAD BAD, "likewise, of three"},
		{"\xed\xa0\x80", BAD BAD BAD, "half a surrogate pair"},
		{"\xf4\x90\x80\x80", BAD BAD BAD BAD, "past the last character"},
		{"\x80", BAD, "a continuation without a first byte"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *whole = utf8_mend(rows[i].text, NULL);

		if (strcmp(whole, rows[i].whole) != 0)
			fail_msg("%s: %s", rows[i].why, whole);
	}
}

static void utf8_mend_leaves_nothing_that_a_terminal_acts_on(void **state UNUSED)
{
	static const struct {
		const char *text, *kept, *inert, *why;
	} rows[] = {
		{"a b\u00e4\U0001f600", "", "a b\u00e4\U0001f600", "letters stay"},
		{"\x1b[31mred", "", BAD "[31mred", "an escape sequence"},
		{"\a\b\x7f", "", BAD BAD BAD, "bell, backspace, DEL"},
		{"\xc2\x9b"
		 "2J",
			"", BAD "2J", "the CSI of C1"},
		{"a\nb\tc\rd", "", "a b c d", "white space becomes a blank"},
		{"a\nb\tc\rd", "\n\t", "a\nb\tc d", "what is kept stays"},
		{"a\xc2\x85"
		 "b\u2028c\u2029d",
			"\n", "a b c d", "other ends of lines"},
		{"\u061c\u200e\u200f", "", BAD BAD BAD, "marks of direction"},
		{"\u202a\u202e\u2066\u2069", "", BAD BAD BAD BAD,
			"the first and last that embed, override and isolate"},
		{"\u200d\u2010\u202f\u2065\u206a\u00a0", "",
			"\u200d\u2010\u202f\u2065\u206a\u00a0", "their neighbors stay"},
		{"\xff\x80", "\n", BAD BAD, "bytes of no character"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *inert = utf8_mend(rows[i].text, rows[i].kept);

		if (strcmp(inert, rows[i].inert) != 0)
			fail_msg("%s: %s", rows[i].why, inert);
	}
}

static void utf8_decode_gives_the_code_point_and_its_length(void **state UNUSED)
{
	static const struct {
		const char *text;
		size_t left, len;
		uint32_t point;
	} rows[] = {
		{"A", 1, 1, 'A'},
		{"\u00e4", 2, 2, 0xe4},
		{"\u2026x", SIZE_MAX, 3, 0x2026},
		{"\U0001f600", 4, 4, 0x1f600},
		{"\U0001f600", 3, 0, 0},
		{"A", 0, 0, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint32_t point = 0;

		assert_int_equal(
			utf8_decode(&point, rows[i].text, rows[i].left), rows[i].len);
		assert_int_equal(point, rows[i].point);
		assert_int_equal(
			utf8_decode(NULL, rows[i].text, rows[i].left), rows[i].len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_mend_replaces_bytes_of_no_character),
		cmocka_unit_test(utf8_mend_leaves_nothing_that_a_terminal_acts_on),
		cmocka_unit_test(utf8_decode_gives_the_code_point_and_its_length),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
