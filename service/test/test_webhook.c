#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lib/cc.h"
#include "service/webhook.h"

#define WHO "\"creator\":{\"id\":1,\"name\":\"Test\"}"

static bool read_text(struct webhook *webhook, const char *text, struct err *err)
{
	SCOPED(buf_done) struct buf body = {0};

	buf_adds(&body, text);
	return webhook_read(webhook, &body, err);
}

static void webhook_is_read_with_its_room_as_it_was_written(UNUSED void **state)
{
	static const struct {
		const char *text, *room;
		bool number;
		const char *content, *why;
	} rows[] = {
		{"{" WHO
		 ",\"room\":{\"id\":1,\"name\":\"Test\"},\"content\":\"hello\"}",
			"1", true, "hello", "the chat system's own"},
		{"{" WHO ",\"room\":{\"id\":\"a/b\",\"name\":\"\"},\"content\":\"x\"}",
			"a/b", false, "x", "an id may be a string"},
		{"{" WHO ",\"room\":{\"id\":-3,\"name\":\"\"},\"content\":\"x\"}", "-3",
			true, "x", "negative"},
		{"{" WHO
		 ",\"room\":{\"id\":9007199254740991,\"name\":\"\"},\"content\":\"x\"}",
			"9007199254740991", true, "x", "2^53 - 1"},
		{"{" WHO
		 ",\"room\":{\"id\":1234567890123456789,\"name\":\"\"},\"content\":\"x\"}",
			"1234567890123456789", true, "x", "64 bits, no double"},
		{"{" WHO
		 ",\"room\":{\"name\":\"\",\"i\\u0064\" :\n-99999999999999999999},"
		 "\"content\":\"x\"}",
			"-99999999999999999999", true, "x", "nor 64 bits"},
		{"{" WHO ",\"room\":{\"id\":1e3,\"name\":\"\"},\"content\":\"x\"}",
			"1000", true, "x", "written in its own way"},
		{"{" WHO ",\"room\":{\"id\":\"gr\xc3\xbcn\",\"name\":\"\"},"
		 "\"content\":\"\\u00e9\\n\"}",
			"gr\xc3\xbcn", false, "\xc3\xa9\n", "not ASCII, and escapes"},
		{"{\"content\":\"x\",\"more\":[{}],\"room\":{\"name\":\"\",\"id\":2,"
		 "\"x\":1}," WHO "}",
			"2", true, "x", "another order, and unknown members"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct webhook webhook;
		struct err err = {0};

		if (!read_text(&webhook, rows[i].text, &err))
			fail_msg("%s: %s", rows[i].why, err.text);
		assert_string_equal(webhook.room, rows[i].room);
		assert_int_equal(webhook.room_is_number, rows[i].number);
		assert_string_equal(webhook.content, rows[i].content);
		webhook_done(&webhook);
	}
}

static void webhook_says_what_is_wrong_and_where(UNUSED void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"", "body:1:1: expected a value"},
		{"{", "body:1:2: "},
		{"hello", "body:1:1: "},
		{"{}", "body:1:1: creator is missing"},
		{"[]", "body:1:1: expected an object, not an array"},
		{"{" WHO "}", "room is missing"},
		{"{" WHO ",\"room\":{\"id\":1,\"name\":\"\"}}", "content is missing"},
		{"{\"creator\":1}", "body:1:2: creator: expected an object"},
		{"{\"creator\":{\"id\":1}}", "creator.name is missing"},
		{"{\"creator\":{\"name\":\"\"}}", "creator.id is missing"},
		{"{" WHO ",\"room\":{\"id\":1,\"name\":3}}",
			"room.name: expected a string"},
		{"{" WHO ",\"room\":{\"id\":null,\"name\":\"\"}}",
			"room.id: expected a number or a string, not null"},
		{"{" WHO ",\"room\":{\"id\":1.5,\"name\":\"\"}}",
			"room.id: expected a whole number"},
		{"{" WHO ",\"room\":{\"id\":1e300,\"name\":\"\"}}",
			"room.id: expected a whole number"},
		{"{" WHO ",\"room\":{\"id\":1.5e15,\"name\":\"\"},\"content\":1}",
			"content: expected a string"},
		{"{" WHO ",\"room\":{\"id\":12345678901234567890.0,\"name\":\"\"}}",
			"room.id: expected a whole number"},
		{"{" WHO ",\"room\":{\"id\":\"\",\"name\":\"\"}}",
			"room.id: expected 1 to"},
		{"{" WHO ",\"room\":{\"id\":\"a\\nb\",\"name\":\"\"}}",
			"room.id: control characters"},
		{"{" WHO ",\"room\":{\"id\":1,\"name\":\"\"},\"content\":7}",
			"content: expected a string, not a number"},
		{"{" WHO ",\"room\":{\"id\":1,\"name\":\"\"},\"content\":\"\"}",
			"content: it is empty"},
		{"{" WHO ",\"room\":{\"id\":1,\"name\":\"\"},\"content\":\"\xff\"}",
			"byte 0xff is not UTF-8"},
		{"{" WHO
		 ",\"room\":{\"id\":1,\"name\":\"\"},\"content\":\"a\\u0000b\"}",
			"\\u0000"},
		{"{" WHO "," WHO "}", "stands in this object already"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct webhook webhook;
		struct err err = {0};

		if (read_text(&webhook, rows[i].text, &err))
			fail_msg("%s was taken", rows[i].text);
		if (!strstr(err.text, rows[i].says))
			fail_msg("%s: said \"%s\"", rows[i].text, err.text);
	}
}

static void webhook_does_not_take_an_endless_room(UNUSED void **state)
{
	SCOPED(buf_done) struct buf body = {0};
	struct webhook webhook;
	struct err err = {0};

	buf_adds(&body, "{" WHO ",\"room\":{\"name\":\"\",\"id\":\"");
	for (int i = 0; i < WEBHOOK_ROOM_MAX + 1; i++)
		buf_adds(&body, "x");
	buf_adds(&body, "\"},\"content\":\"x\"}");
	assert_false(webhook_read(&webhook, &body, &err));
	assert_non_null(strstr(err.text, "room.id: expected 1 to 200 bytes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(webhook_is_read_with_its_room_as_it_was_written),
		cmocka_unit_test(webhook_says_what_is_wrong_and_where),
		cmocka_unit_test(webhook_does_not_take_an_endless_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
