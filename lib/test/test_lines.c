#include "lib/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CEILING 8

/* Lines received, each as "[text]", or "[text]!" when it was cut. */
struct lines_scene {
	struct lines lines;
	struct buf received;
};

static void on_line(void *arg, char *line, size_t len, bool cut)
{
	struct lines_scene *scene = arg;

	assert_int_equal(line[len], '\0');
	buf_adds(&scene->received, "[");
	buf_add(&scene->received, line, len);
	buf_adds(&scene->received, cut ? "]!" : "]");
	memset(line, '#', len); /* the callback may write to it */
}

static void open_scene(struct lines_scene *scene)
{
	*scene = (struct lines_scene){0};
	lines_init(&scene->lines, CEILING, on_line, scene);
}

static void close_scene(struct lines_scene *scene)
{
	lines_done(&scene->lines);
	buf_done(&scene->received);
}

static const struct {
	const char *fed;
	const char *received;
	const char *why;
} rows[] = {
	{"", "", "nothing"},
	{"one\n", "[one]", "a line"},
	{"one\r\n", "[one]", "ends in CRLF as well"},
	{"one\ntwo\n", "[one][two]", "two of them"},
	{"one\ntwo", "[one][two]", "the last one without an end"},
	{"\n\r\n\n", "[][][]", "empty lines are lines"},
	{"a\rb\n", "[a\rb]", "a CR inside is a byte as others are"},
	{"a\r\r\n", "[a\r]", "one CR belongs to the end"},
	{"a\r", "[a\r]", "a CR alone is no end"},
	{"12345678\n", "[12345678]", "as long as may be"},
	{"12345678\r\n", "[12345678]", "with CRLF too"},
	{"12345678", "[12345678]", "and without an end"},
	{"123456789\n", "[12345678]!", "one byte too long"},
	{"123456789\r\n", "[12345678]!", "with CRLF too"},
	{"123456789", "[12345678]!", "and without an end"},
	{"12345678\r", "[12345678]!", "a ninth byte that is no line end"},
	{"12345678\rx\n", "[12345678]!", "a CR that turns out to be a byte"},
	{"1234567890123456789012345\nok\n", "[12345678]![ok]", "the rest is dropped"},
	{"12345678\r\r\n12\n", "[12345678]![12]", "only one CR is the end's"},
};

static void check(const struct lines_scene *scene, size_t row, size_t size)
{
	if (strcmp(buf_text(&scene->received), rows[row].received) != 0)
		fail_msg("\"%s\" by %zu: %s instead of %s: %s", rows[row].fed, size,
			buf_text(&scene->received), rows[row].received, rows[row].why);
}

static void lines_are_the_same_however_they_arrive(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t len = strlen(rows[i].fed);

		for (size_t size = 1; size <= len + 1; size++) {
			SCOPED(close_scene) struct lines_scene scene;

			open_scene(&scene);
			for (size_t at = 0; at < len; at += size)
				lines_feed(&scene.lines, rows[i].fed + at,
					len - at < size ? len - at : size);
			lines_end(&scene.lines);
			check(&scene, i, size);
		}
	}
}

static void lines_keep_nul_bytes(void **state UNUSED)
{
	SCOPED(close_scene) struct lines_scene scene;

	open_scene(&scene);
	lines_feed(&scene.lines, "a\0b\n", 4);
	assert_int_equal(scene.received.len, 5);
	assert_memory_equal(scene.received.data, "[a\0b]", 5);
}

static void lines_are_handed_over_as_soon_as_they_are_whole(void **state UNUSED)
{
	SCOPED(close_scene) struct lines_scene scene;

	open_scene(&scene);
	lines_feed(&scene.lines, "one\ntw", 6);
	assert_string_equal(buf_text(&scene.received), "[one]");
	lines_feed(&scene.lines, "o and much more", 15);
	assert_string_equal(buf_text(&scene.received), "[one][two and ]!");
	lines_feed(&scene.lines, " and more", 9);
	lines_end(&scene.lines);
	assert_string_equal(buf_text(&scene.received), "[one][two and ]!");
}

static void on_large_line(void *arg, char *line UNUSED, size_t len, bool cut)
{
	assert_false(cut);
	*(size_t *)arg = len;
}

static void lines_keep_no_room_for_a_large_one(void **state UNUSED)
{
	enum { SIZE = 1 << 20 };
	struct lines lines;
	char piece[4096];
	size_t received = 0;

	memset(piece, 'x', sizeof piece);
	lines_init(&lines, SIZE, on_large_line, &received);
	for (size_t len = 0; len < SIZE; len += sizeof piece)
		lines_feed(&lines, piece, sizeof piece);
	lines_feed(&lines, "\n", 1);
	assert_int_equal(received, SIZE);
	assert_int_equal(lines.held.room, 0);
	lines_feed(&lines, "again\n", 6);
	assert_int_equal(received, 5);
	lines_done(&lines);
}

static void lines_start_again_after_their_end(void **state UNUSED)
{
	SCOPED(close_scene) struct lines_scene scene;

	open_scene(&scene);
	lines_feed(&scene.lines, "123456789", 9);
	lines_end(&scene.lines);
	lines_feed(&scene.lines, "new\n", 4);
	lines_end(&scene.lines);
	assert_string_equal(buf_text(&scene.received), "[12345678]![new]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_the_same_however_they_arrive),
		cmocka_unit_test(lines_keep_nul_bytes),
		cmocka_unit_test(lines_are_handed_over_as_soon_as_they_are_whole),
		cmocka_unit_test(lines_keep_no_room_for_a_large_one),
		cmocka_unit_test(lines_start_again_after_their_end),
	};

	return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
