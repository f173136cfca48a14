#include "lib/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"

static void buf_is_valid_and_empty_when_zeroed(void **state UNUSED)
{
	struct buf buf = {0};

	assert_string_equal(buf_text(&buf), "");
	buf_drop(&buf, 0);
	buf_clear(&buf);
	assert_true(buf_adds(&buf, "text"));
	assert_string_equal(buf_text(&buf), "text");
	buf_done(&buf);
	buf_done(&buf);
	assert_null(buf.data);
}

static void buf_grows_and_always_ends_in_nul(void **state UNUSED)
{
	SCOPED(buf_done) struct buf buf = {0};

	for (unsigned i = 0; i < 10000; i++) {
		assert_true(buf_addf(&buf, "%u,", i % 10));
		assert_int_equal(buf.len, 2 * (i + 1));
		assert_int_equal(buf.data[buf.len], '\0');
	}
	assert_memory_equal(buf.data, "0,1,2,3,", 8);
	assert_memory_equal(buf.data + buf.len - 4, "8,9,", 4);
}

static void buf_takes_bytes_as_they_are(void **state UNUSED)
{
	SCOPED(buf_done) struct buf buf = {0};

	assert_true(buf_add(&buf, "a\0b", 3));
	assert_true(buf_add(&buf, NULL, 0));
	assert_int_equal(buf.len, 3);
	assert_memory_equal(buf.data, "a\0b", 4);
}

static void buf_fills_up_to_its_ceiling_and_no_further(void **state UNUSED)
{
	SCOPED(buf_done) struct buf buf;

	buf_init(&buf, 8);
	assert_true(buf_adds(&buf, "12345678"));
	assert_false(buf.full);
	assert_true(buf_adds(&buf, ""));
	assert_false(buf_adds(&buf, "9"));
	assert_true(buf.full);
	assert_string_equal(buf_text(&buf), "12345678");
}

static void buf_adds_nothing_of_what_does_not_fit(void **state UNUSED)
{
	SCOPED(buf_done) struct buf buf;

	buf_init(&buf, 100);
	assert_true(buf_adds(&buf, "whole"));
	assert_false(buf_addf(&buf, "%0200d", 1));
	assert_string_equal(buf_text(&buf), "whole");
	assert_false(buf_add(&buf, "x", SIZE_MAX));
	assert_string_equal(buf_text(&buf), "whole");
}

static void buf_stays_full_until_it_is_cleared(void **state UNUSED)
{
	SCOPED(buf_done) struct buf buf;

	buf_init(&buf, 4);
	assert_false(buf_adds(&buf, "12345"));
	assert_false(buf_adds(&buf, "1"));
	assert_false(buf_addf(&buf, "%d", 1));
	buf_drop(&buf, 0);
	assert_false(buf_adds(&buf, ""));
	buf_clear(&buf);
	assert_true(buf_adds(&buf, "1234"));
	assert_string_equal(buf_text(&buf), "1234");
}

static void buf_may_have_no_ceiling_at_all(void **state UNUSED)
{
	SCOPED(buf_done) struct buf buf = {.ceiling = SIZE_MAX};

	assert_true(buf_adds(&buf, "text"));
	assert_string_equal(buf_text(&buf), "text");
}

static void buf_has_a_ceiling_even_when_it_was_given_none(void **state UNUSED)
{
	SCOPED(buf_done) struct buf buf = {0};
	SCOPED(mem_free) char *big = mem_zeroed(BUF_CEILING);

	assert_true(buf_add(&buf, big, BUF_CEILING));
	assert_false(buf_add(&buf, big, 1));
}

static void buf_drops_from_the_front(void **state UNUSED)
{
	SCOPED(buf_done) struct buf buf = {0};

	buf_adds(&buf, "one two");
	buf_drop(&buf, 4);
	assert_string_equal(buf_text(&buf), "two");
	buf_drop(&buf, 3);
	assert_string_equal(buf_text(&buf), "");
	assert_int_equal(buf.len, 0);
}

static void buf_gives_its_text_away(void **state UNUSED)
{
	SCOPED(buf_done) struct buf buf;
	char *text;

	buf_init(&buf, 4);
	buf_adds(&buf, "mine");
	assert_false(buf_adds(&buf, "!"));
	text = buf_take(&buf);
	assert_string_equal(text, "mine");
	free(text);
	text = buf_take(&buf);
	assert_string_equal(text, "");
	free(text);
	assert_false(buf_adds(&buf, "12345"));
	buf_clear(&buf);
	assert_true(buf_adds(&buf, "1234"));
}

static void buf_writes_integers(void **state UNUSED)
{
	static const struct {
		int64_t number;
		const char *digits;
	} rows[] = {
		{0, "0"},
		{7, "7"},
		{-10, "-10"},
		{INT64_MAX, "9223372036854775807"},
		{INT64_MIN, "-9223372036854775808"},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(buf_done) struct buf buf = {0};

		assert_true(buf_addi(&buf, rows[i].number));
		assert_string_equal(buf_text(&buf), rows[i].digits);
	}
}

/* At its very end a buf has room for the NUL alone. */
static void check_formatting(size_t ceiling, size_t before)
{
	SCOPED(buf_done) struct buf buf;

	buf_init(&buf, ceiling);
	for (size_t i = 0; i < before; i++)
		assert_true(buf_add(&buf, "-", 1));
	assert_true(buf_addf(&buf, "%0*d", (int)(ceiling - before), 7));
	assert_int_equal(buf.len, ceiling);
	assert_int_equal(strlen(buf.data), ceiling);
	buf_clear(&buf);
	assert_true(buf_adds(&buf, "kept"));
	assert_false(buf_addf(&buf, "%0*d", (int)ceiling - 3, 7));
	assert_string_equal(buf.data, "kept");
	assert_false(buf_addf(&buf, "%d", 7));
	assert_string_equal(buf.data, "kept");
}

static void buf_formats_up_to_its_ceiling(void **state UNUSED)
{
	for (size_t before = 0; before < 140; before++)
		check_formatting(150, before);
	for (size_t before = 0; before < 9; before++)
		check_formatting(10, before);
}

static void buf_may_have_the_highest_ceiling(void **state UNUSED)
{
	struct buf buf;

	buf_init(&buf, SIZE_MAX);
	assert_true(buf_adds(&buf, "a"));
	assert_true(buf_addf(&buf, "%200d", 7));
	assert_int_equal(buf.len, 201);
	buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_is_valid_and_empty_when_zeroed),
		cmocka_unit_test(buf_writes_integers),
		cmocka_unit_test(buf_formats_up_to_its_ceiling),
		cmocka_unit_test(buf_may_have_the_highest_ceiling),
		cmocka_unit_test(buf_grows_and_always_ends_in_nul),
		cmocka_unit_test(buf_takes_bytes_as_they_are),
		cmocka_unit_test(buf_fills_up_to_its_ceiling_and_no_further),
		cmocka_unit_test(buf_adds_nothing_of_what_does_not_fit),
		cmocka_unit_test(buf_stays_full_until_it_is_cleared),
		cmocka_unit_test(buf_may_have_no_ceiling_at_all),
		cmocka_unit_test(buf_has_a_ceiling_even_when_it_was_given_none),
		cmocka_unit_test(buf_drops_from_the_front),
		cmocka_unit_test(buf_gives_its_text_away),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
