#include "lib/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/mem.h"

/* Arrays, to count the bytes with the NULs among them. */
#define TEXT(literal) literal, sizeof literal - 1

struct json_refusal {
	const char *text;
	size_t len;
	const char *why; /* what must be said */
};

static void doc_refuses_what_is_not_json(void **state UNUSED)
{
	static const struct json_refusal rows[] = {
		{TEXT(""), "t:1:1: expected a value, found the end of the text"},
		{TEXT(" \n "), "t:2:2: expected a value, found the end of the text"},
		{TEXT("{\"a\": 1,\n  \"b\": }"), "t:2:8: expected a value, found '}'"},
		{TEXT("{\"a\": 1,}"),
			"t:1:9: expected a key in double quotes, found '}' behind a comma"},
		{TEXT("{a: 1}"), "t:1:2: expected a key in double quotes, found 'a'"},
		{TEXT("{\"a\" 1}"), "t:1:6: expected ':' after the key, found '1'"},
		{TEXT("{\"a\": 1 \"b\": 2}"), "t:1:9: expected ',' or '}', found '\"'"},
		{TEXT("[1 2]"), "t:1:4: expected ',' or ']', found '2'"},
		{TEXT("[1,]"), "t:1:4: expected a value, found ']' behind a comma"},
		{TEXT("{\"a\": 1,\n}"),
			"t:2:1: expected a key in double quotes, found '}' behind a comma"},
		{TEXT("// x\n{}"), "t:1:1: a comment: JSON has none"},
		{TEXT("{ /* x */ }"), "t:1:3: a comment: JSON has none"},
		{TEXT("{} // x"), "t:1:4: a comment: JSON has none"},
		{TEXT("/"), "t:1:1: expected a value, found '/'"},
		{TEXT("\xff\xfe{"),
			"t:1:1: a byte order mark: save the text as UTF-8 without one"},
		{TEXT("[1}"), "t:1:3: expected ',' or ']', found '}'"},
		{TEXT("[1"), "t:1:3: expected ',' or ']', found the end of the text"},
		{TEXT("{\"a"), "t:1:4: expected '\"', found the end of the text"},
		{TEXT("{} {}"), "t:1:4: expected nothing more, found '{'"},
		{TEXT("1\n2"), "t:2:1: expected nothing more, found '2'"},
		{TEXT("True"), "t:1:1: expected a value, found 'T'"},
		{TEXT("tru"), "t:1:1: expected a value, found 't'"},
		{TEXT("nulll"), "t:1:5: expected nothing more, found 'l'"},
		{TEXT("'a'"), "t:1:1: expected a value, found '''"},
		{TEXT("\xc3\xa9"), "t:1:1: expected a value, found '\xc3\xa9'"},
		{TEXT("01"), "t:1:2: expected nothing more, found '1'"},
		{TEXT("+1"), "t:1:1: expected a value, found '+'"},
		{TEXT("1."), "t:1:3: expected a digit, found the end of the text"},
		{TEXT("[.5]"), "t:1:2: expected a value, found '.'"},
		{TEXT("[-]"), "t:1:3: expected a digit, found ']'"},
		{TEXT("[1e+]"), "t:1:5: expected a digit, found ']'"},
		{TEXT("\"a\nb\""),
			"t:1:3: byte 0x0a in a string: write it as an escape"},
		{TEXT("\"\\x\""), "t:1:3: expected one of"},
		{TEXT("\"\\u12g4\""), "t:1:6: expected four hexadecimal digits"},
		{TEXT("\"\\u0000\""), "t:1:2: \\u0000 is not allowed in a string"},
		{TEXT("\"a\\ud800b\""), "t:1:3: half a surrogate pair"},
		{TEXT("\"\\udc00\""), "t:1:2: half a surrogate pair"},
		{TEXT("{\"a\": \0 1}"), "t:1:7: expected a value, found byte 0x00"},
		{TEXT("\"a\0b\""), "t:1:3: byte 0x00 in a string"},
		{TEXT("1\0"), "t:1:2: expected nothing more, found byte 0x00"},
		{TEXT("\xef\xbb\xbf{}"), "t:1:1: a byte order mark"},
		{TEXT("\"\xff\""), "t:1:2: byte 0xff is not UTF-8 here"},
		{TEXT("\"\xc3\""), "t:1:2: byte 0xc3 is not UTF-8 here"},
		{TEXT("\"\xc3"), "t:1:2: byte 0xc3 is not UTF-8 here"},
		{TEXT("\"\xc0\xaf\""), "byte 0xc0 is not UTF-8"},
		{TEXT("\"\xe0\x80\xaf\""), "byte 0xe0 is not UTF-8"},
		{TEXT("\"\xe0\x9f\xbf\""), "byte 0xe0 is not UTF-8"},
		{TEXT("\"\xf0\x8f\xbf\xbf\""), "byte 0xf0 is not UTF-8"},
		{TEXT("\"\xed\xa0\x80\""), "byte 0xed is not UTF-8"},
		{TEXT("\"\xf0\x80\x80\x80\""), "byte 0xf0 is not UTF-8"},
		{TEXT("\"\xf4\x90\x80\x80\""), "byte 0xf4 is not UTF-8"},
		{TEXT("{\"a\": 1,\n \"\xc3\xa9\xc3\xa9\": x}"),
			"t:2:8: expected a value"},
		{TEXT("{\"a\": 1, \"b\": 2,\n \"a\": 3}"),
			"t:2:2: the key \"a\" stands in this object already"},
		{TEXT("[{\"b\": [{\"x\": 1, \"\\u0078\": 2}]}]"),
			"t:1:18: the key \"x\" stands"},
	};
	struct json_doc doc;
	struct err err;

	for (size_t i = 0; i < COUNT(rows); i++) {
		/* Of exactly this length, so that the sanitizer finds a read past it. */
		char *text = malloc(rows[i].len + 1);

		assert_non_null(text);
		text = realloc(text, rows[i].len ? rows[i].len : 1);
		assert_non_null(text);
		memcpy(text, rows[i].text, rows[i].len);
		if (json_doc_parse(&doc, "t", text, rows[i].len, &err))
			fail_msg("row %zu was taken: %s", i, rows[i].text);
		if (!strstr(err.text, rows[i].why))
			fail_msg("row %zu says: %s", i, err.text);
		free(text);
	}
}

static void doc_takes_what_is_json(void **state UNUSED)
{
	static const char *const rows[] = {
		"{}",
		"[]",
		" \t\r\n{ } ",
		"null",
		"\"\"",
		"-0",
		"0.5e-7",
		"1E9",
		"[true, false, null]",
		"{\"a\": {\"A\": 1}, \"A\": 2}",
		"\"\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u00e9 \\ud83d\\ude00\"",
		"\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \x7f\"",
	};
	struct json_doc doc;
	struct err err;

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (!json_doc_parse(&doc, "t", rows[i], strlen(rows[i]), &err))
			fail_msg("row %zu: %s", i, err.text);
		assert_string_equal(doc.name, "t");
		assert_string_equal(doc.text, rows[i]);
		json_doc_done(&doc);
		assert_null(doc.root);
	}
}

static char *nested(unsigned depth)
{
	char *text = malloc(2 * depth + 1);

	assert_non_null(text);
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	text[2 * depth] = '\0';
	return text;
}

static void doc_refuses_to_nest_deeper_than_a_hundred(void **state UNUSED)
{
	char *deep = nested(100), *deeper = nested(101), *far = nested(200000);
	struct json_doc doc;
	struct err err;

	assert_true(json_doc_parse(&doc, "t", deep, strlen(deep), &err));
	json_doc_done(&doc);
	assert_false(json_doc_parse(&doc, "t", deeper, strlen(deeper), &err));
	assert_string_equal(err.text, "t:1:101: nested more than 100 deep");
	assert_false(json_doc_parse(&doc, "t", far, strlen(far), &err));
	assert_null(json_parse(far, strlen(far)));
	free(deep);
	free(deeper);
	free(far);
}

static void doc_refuses_a_number_that_cjson_would_cut(void **state UNUSED)
{
	char text[] =
		"[0.00000000000000000000000000000000000000000000000000000000000001]";
	struct json_doc doc;
	struct err err;

	assert_false(json_doc_parse(&doc, "t", text, strlen(text), &err));
	assert_string_equal(err.text, "t:1:2: a number of more than 63 characters");
	memmove(text + 3, text + 4, strlen(text + 3));
	assert_true(json_doc_parse(&doc, "t", text, strlen(text), &err));
	json_doc_done(&doc);
}

static void doc_finds_one_duplicate_among_many_keys(void **state UNUSED)
{
	SCOPED(buf_done) struct buf text = {0};
	struct json_doc doc;
	struct err err;

	buf_adds(&text, "{\n");
	for (int i = 0; i < 100000; i++)
		buf_addf(&text, "\"k%d\": 0,\n", i);
	buf_adds(&text, " \"k77777\": 1}");
	assert_false(json_doc_parse(&doc, "t", text.data, text.len, &err));
	assert_string_equal(err.text,
		"t:100002:2: the key \"k77777\" stands in this object already");
}

static const char placed[] = "{\n"
			     "\t\"a\": 1, \"\xc3\xa9\": {\"b\\\"{[,:\": [10,\n"
			     "  {\"c\": \"]}\", \"d\" : null}]},\r\n"
			     "  \"e\": [], \"f\": {}, \"g\":\n"
			     "     -1.5}\n";

static void doc_gives_the_place_of_a_node(void **state UNUSED)
{
	struct json_doc doc;
	struct err err;

	assert_true(json_doc_parse(&doc, "f.json", TEXT(placed), &err));

#define assert_stands(node, where)                                                     \
	do {                                                                           \
		assert_non_null(node);                                                 \
		assert_false(json_doc_wrong(&doc, node, &err, "%s %d", "no", 7));      \
		assert_string_equal(err.text, "f.json:" where ": no 7");               \
	} while (0)

	assert_stands(doc.root, "1:1");
	assert_stands(json_at(doc.root, "a"), "2:2");
	assert_stands(json_at(doc.root, "\xc3\xa9"), "2:10");
	assert_stands(json_at(doc.root, "\xc3\xa9.b\"{[,:"), "2:16");
	assert_stands(json_at(doc.root, "\xc3\xa9.b\"{[,:.0"), "2:28");
	assert_stands(json_at(doc.root, "\xc3\xa9.b\"{[,:.1"), "3:3");
	assert_stands(json_at(doc.root, "\xc3\xa9.b\"{[,:.1.c"), "3:4");
	assert_stands(json_at(doc.root, "\xc3\xa9.b\"{[,:.1.d"), "3:15");
	assert_stands(json_at(doc.root, "e"), "4:3");
	assert_stands(json_at(doc.root, "f"), "4:12");
	assert_stands(json_at(doc.root, "g"), "4:21");
	json_doc_done(&doc);
}

static void doc_gives_the_text_of_a_node(void **state UNUSED)
{
	static const char *const rows[][2] = {
		{"a", "12345678901234567890"},
		{"b.1", "1.50e+02"},
		{"b.2", "{\"c\" : null}"},
		{"d", "\"\\u00e9\""},
	};
	SCOPED(json_doc_done) struct json_doc doc = {0};
	SCOPED(json_free) cJSON *stranger = cJSON_CreateNull();
	struct err err;

	assert_true(json_doc_parse(&doc, "x",
		TEXT("{\"a\": 12345678901234567890 ,\n\"b\":[1, 1.50e+02, {\"c\" : null}],"
		     "\"d\":\"\\u00e9\"}"),
		&err));
	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *text =
			json_doc_text(&doc, json_at(doc.root, rows[i][0]));

		assert_string_equal(text, rows[i][1]);
	}
	assert_null(json_doc_text(&doc, stranger));
}

static void doc_has_no_place_for_a_node_of_another_tree(void **state UNUSED)
{
	cJSON *stranger = cJSON_CreateNull();
	char name[] = "t";
	struct json_doc doc, by_hand = {.name = name, .root = stranger};
	struct err err;

	assert_true(json_doc_parse(&doc, "t", TEXT("{\"a\": 1, \"b\": 2}"), &err));
	json_doc_wrong(&doc, stranger, &err, "no");
	assert_string_equal(err.text, "t: no");
	json_doc_wrong(&doc, NULL, &err, "no");
	assert_string_equal(err.text, "t: no");
	json_doc_wrong(&by_hand, by_hand.root, &err, "no");
	assert_string_equal(err.text, "t: no");

	/* Counting would now give another place. */
	assert_true(json_put_at(doc.root, "c", stranger, &err));
	json_doc_wrong(&doc, json_get(doc.root, "a"), &err, "no");
	assert_string_equal(err.text, "t: no");
	json_doc_done(&doc);
}

static void doc_wrong_may_be_made_of_its_own_err(void **state UNUSED)
{
	struct json_doc doc;
	struct err err;

	assert_true(json_doc_parse(&doc, "t", TEXT("[5]"), &err));
	err_set(&err, "the reason");
	json_doc_wrong(&doc, json_at(doc.root, "0"), &err, "five: %s", err.text);
	assert_string_equal(err.text, "t:1:2: five: the reason");
	json_doc_done(&doc);
}

static void doc_reads_files(void **state UNUSED)
{
	char path[] = "/tmp/test_json.XXXXXX", piece[1 << 16], why[128];
	int fd = mkstemp(path);
	struct json_doc doc;
	struct err err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, TEXT("{\"a\":\n 1]")), 9);
	assert_false(json_doc_read(&doc, path, &err));
	snprintf(why, sizeof why, "%s:2:3: expected ',' or '}', found ']'", path);
	assert_string_equal(err.text, why);

	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, TEXT("{\"a\": 1}\n"), 0), 9);
	assert_true(json_doc_read(&doc, path, &err));
	assert_string_equal(doc.name, path);
	assert_int_equal(json_int(doc.root, "a", 0), 1);
	json_doc_done(&doc);

	memset(piece, ' ', sizeof piece);
	for (size_t len = 0; len < JSON_FILE_CEILING; len += sizeof piece)
		assert_int_equal(write(fd, piece, sizeof piece), sizeof piece);
	assert_false(json_doc_read(&doc, path, &err));
	snprintf(why, sizeof why, "%s: larger than 4 MiB", path);
	assert_string_equal(err.text, why);

	close(fd);
	unlink(path);
	assert_false(json_doc_read(&doc, path, &err));
	snprintf(why, sizeof why, "%s: No such file or directory", path);
	assert_string_equal(err.text, why);
	assert_false(json_doc_read(&doc, "/tmp", &err));
	assert_string_equal(err.text, "/tmp: Is a directory");
}

static void doc_is_given_as_a_text_or_as_a_path(void **state UNUSED)
{
	static const char *const rows[][2] = {
		{"[1", "--x:1:3: expected ',' or ']', found the end of the text"},
		{"\"x", "--x:1:3: expected '\"', found the end of the text"},
		{" ", "--x:1:2: expected a value, found the end of the text"},
		{"", "--x:1:1: expected a value, found the end of the text"},
		{"/nonexistent", "/nonexistent: No such file or directory"},
	};
	struct json_doc doc;
	struct err err;

	assert_true(json_doc_given(&doc, "--x", "\n{\"a\": 1}", &err));
	assert_int_equal(json_int(doc.root, "a", 0), 1);
	json_doc_done(&doc);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		assert_false(json_doc_given(&doc, "--x", rows[i][0], &err));
		assert_string_equal(err.text, rows[i][1]);
	}
}

static void parse_takes_exactly_one_value(void **state UNUSED)
{
	SCOPED(json_free) cJSON *tree = NULL;

	assert_null(json_parse(TEXT("{} x")));
	assert_null(json_parse(TEXT("")));
	assert_null(json_parse(TEXT("{\"a\": \"\\ud800\"}")));
	assert_null(json_parse("{\"a\": 1}", 7));
	tree = json_parse("[1, 2]garbage", 6);
	assert_int_equal(cJSON_GetArraySize(tree), 2);
	json_free(&tree);
	assert_null(tree);
	tree = json_parse(TEXT("{\"a\": 1, \"a\": 2}"));
	assert_int_equal(json_int(tree, "a", 0), 1);
}

static void reads_fall_back_when_a_member_is_missing_or_of_another_type(
	void **state UNUSED)
{
	SCOPED(json_free) cJSON *tree = json_parse(TEXT(
		"{\"text\": \"x\", \"int\": -7, \"half\": 0.5, \"yes\": true, "
		"\"null\": null, \"large\": 1761000000123456789, \"huge\": 1e300, "
		"\"over\": 9223372036854775808, \"least\": -9223372036854775808}"));

	assert_string_equal(json_text(tree, "text"), "x");
	assert_null(json_text(tree, "Text"));
	assert_null(json_text(tree, "int"));
	assert_null(json_text(NULL, "int"));
	assert_null(json_get(json_get(tree, "text"), "x"));
	assert_int_equal(json_int(tree, "int", 3), -7);
	assert_int_equal(json_int(tree, "half", 3), 3);
	assert_int_equal(json_int(tree, "text", 3), 3);
	assert_int_equal(json_int(tree, "huge", 3), 3);
	assert_int_equal(json_int(tree, "over", 3), 3);
	assert_true(json_int(tree, "least", 3) == INT64_MIN);
	assert_int_equal(json_int(tree, "large", 3) / 1000000, 1761000000123);
	assert_true(json_bool(tree, "yes", false));
	assert_true(json_bool(tree, "int", true));
	assert_false(json_bool(tree, "none", false));
	assert_true(cJSON_IsNull(json_get(tree, "null")));
}

static void kind_names_what_is_there(void **state UNUSED)
{
	SCOPED(json_free) cJSON *tree =
		json_parse(TEXT("[\"\", 1, {}, [], true, false, null]"));
	static const char *const kinds[] = {"a string", "a number", "an object",
		"an array", "true", "false", "null", "nothing"};

	for (int i = 0; i < (int)COUNT(kinds); i++)
		assert_string_equal(json_kind(cJSON_GetArrayItem(tree, i)), kinds[i]);
}

static void at_follows_a_path(void **state UNUSED)
{
	SCOPED(json_free) cJSON *tree =
		json_parse(TEXT("{\"a\": {\"b\": [5, {\"c\": 6}]}, \"A\": 0}"));

	assert_int_equal(json_at(tree, "a.b.0")->valueint, 5);
	assert_int_equal(json_at(tree, "a.b.1.c")->valueint, 6);
	assert_int_equal(json_at(tree, "A")->valueint, 0);
	assert_null(json_at(tree, "a.B"));
	assert_null(json_at(tree, "a.b.2"));
	assert_null(json_at(tree, "a.b.-1"));
	assert_null(json_at(tree, "a.b.x"));
	assert_null(json_at(tree, "a.b."));
	assert_null(json_at(tree, "a.b.99999999999999999999"));
	assert_null(json_at(tree, "a.b.4294967296"));
	assert_null(json_at(tree, "A.b"));
	assert_null(json_at(tree, ""));
	assert_null(json_at(NULL, "a"));
}

static void put_at_replaces_and_makes_what_is_missing(void **state UNUSED)
{
	SCOPED(json_free) cJSON *tree = json_parse(TEXT("{\"a\": 1, \"l\": [1, {}]}"));
	char *text;
	struct err err;

	assert_true(json_put_at(tree, "a", cJSON_CreateNumber(2), &err));
	assert_true(json_put_at(tree, "b.c.d", cJSON_CreateTrue(), &err));
	assert_true(json_put_at(tree, "b.c.e", cJSON_CreateNull(), &err));
	assert_true(json_put_at(tree, "l.0", cJSON_CreateString("x"), &err));
	assert_true(json_put_at(tree, "l.1.m", cJSON_CreateFalse(), &err));
	text = json_print(tree);
	assert_string_equal(text,
		"{\"a\":2,\"l\":[\"x\",{\"m\":false}],"
		"\"b\":{\"c\":{\"d\":true,\"e\":null}}}");
	free(text);
}

static void put_at_that_fails_changes_nothing(void **state UNUSED)
{
	static const struct {
		const char *path, *why;
	} rows[] = {
		{"a.b", "a.b: a is a number, not an object"},
		{"a.b.c", "a.b.c: a is a number, not an object"},
		{"l.2", "l.2: no member 2: l has 2"},
		{"l.x", "l.x: no member x: l has 2"},
		{"l.2.y", "l.2.y: no member 2: l has 2"},
		{"l.1.y", "l.1.y: l.1 is null, not an object"},
	};
	SCOPED(json_free) cJSON *tree =
		json_parse(TEXT("{\"a\": 1, \"l\": [1, null]}"));
	SCOPED(json_free) cJSON *number = cJSON_CreateNumber(1);
	struct err err;
	char *text;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_false(json_put_at(tree, rows[i].path, cJSON_CreateTrue(), &err));
		assert_string_equal(err.text, rows[i].why);
	}
	assert_false(json_put_at(number, "x", cJSON_CreateTrue(), &err));
	assert_string_equal(err.text, "x: this is a number, not an object");
	text = json_print(tree);
	assert_string_equal(text, "{\"a\":1,\"l\":[1,null]}");
	free(text);
}

static void json_int_is_printed_with_all_its_digits(void **state UNUSED)
{
	static const struct {
		int64_t value;
		const char *text, *why;
	} rows[] = {
		{0, "{\"ns\":0}", "nothing"},
		{-1, "{\"ns\":-1}", "negative"},
		{INT64_C(2030000001), "{\"ns\":2030000001}", "past 32 bits"},
		{INT64_C(999999999999999), "{\"ns\":999999999999999}",
			"fifteen digits"},
		{INT64_C(1000000000000000), "{\"ns\":1000000000000000}",
			"cJSON alone says 1e+15"},
		{-INT64_C(1000000000000000), "{\"ns\":-1000000000000000}",
			"the same below zero"},
		{INT64_C(9007199254740991), "{\"ns\":9007199254740991}",
			"2^53 - 1: cJSON alone drops the last digit"},
		{INT64_C(9007199254740992), "{\"ns\":9007199254740992}", "2^53"},
		{INT64_C(9007199254740993), "{\"ns\":9007199254740993}",
			"2^53 + 1: no double has it"},
		{INT64_C(1795300000123456789), "{\"ns\":1795300000123456789}",
			"ns of a wall clock"},
		{INT64_MAX, "{\"ns\":9223372036854775807}", "the largest"},
		{INT64_MIN, "{\"ns\":-9223372036854775808}", "the smallest"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(json_free) cJSON *json = cJSON_CreateObject();
		SCOPED(mem_free) char *text = NULL;

		json_add_int(json, "ns", rows[i].value);
		text = json_print(json);
		if (strcmp(text, rows[i].text) != 0)
			fail_msg("%s: %s", rows[i].why, text);
		assert_true(json_int(json, "ns", 7) == rows[i].value);
	}
}

static void json_copy_exact_prints_numbers_of_a_parsed_tree_exactly(void **state UNUSED)
{
	static const char text[] =
		"{\"ns\":2000000000000000,\"list\":[1,{\"at\":-3000000000000000}],\"half\":0.5,"
		"\"text\":\"1e+15\",\"none\":null}";
	SCOPED(json_free) cJSON *json = json_parse(text, strlen(text));
	SCOPED(json_free) cJSON *copy = json_copy_exact(json);
	SCOPED(mem_free) char *printed = json_print(copy);

	assert_string_equal(printed, text);
	assert_null(json_copy_exact(NULL));
}

static void a_copy_of_a_doc_has_the_digits_of_its_text(void **state UNUSED)
{
	static const char text[] =
		"{\"first\":9007199254740993,\"spec\":{\"s\":\"9007199254740995\","
		"\"max\":18446744073709551615,\"ns\":1000000000000000,\"few\":3,"
		"\"list\":[0.5,-9007199254740997,{\"at\":9007199254740999}]}}";
	const char *spec = strstr(text, "{\"s\"");
	struct json_doc doc;
	struct err err;

	assert_true(json_doc_parse(&doc, "text", text, strlen(text), &err));
	{
		SCOPED(json_free)
		cJSON *copy = json_doc_copy(&doc, json_get(doc.root, "spec"));
		SCOPED(mem_free) char *printed = json_print(copy);

		assert_int_equal(strlen(printed), strlen(spec) - 1);
		assert_memory_equal(printed, spec, strlen(printed));
	}
	json_doc_done(&doc);
}

static void json_int_of_what_is_no_number_is_the_fallback(void **state UNUSED)
{
	static const char text[] = "{\"text\":\"3\",\"half\":0.5,\"null\":null}";
	SCOPED(json_free) cJSON *json = json_parse(text, strlen(text));

	assert_int_equal(json_int(json, "text", 7), 7);
	assert_int_equal(json_int(json, "half", 7), 7);
	assert_int_equal(json_int(json, "null", 7), 7);
	assert_int_equal(json_int(json, "absent", 7), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doc_refuses_what_is_not_json),
		cmocka_unit_test(doc_takes_what_is_json),
		cmocka_unit_test(doc_refuses_to_nest_deeper_than_a_hundred),
		cmocka_unit_test(doc_refuses_a_number_that_cjson_would_cut),
		cmocka_unit_test(doc_finds_one_duplicate_among_many_keys),
		cmocka_unit_test(doc_gives_the_place_of_a_node),
		cmocka_unit_test(doc_gives_the_text_of_a_node),
		cmocka_unit_test(doc_has_no_place_for_a_node_of_another_tree),
		cmocka_unit_test(doc_wrong_may_be_made_of_its_own_err),
		cmocka_unit_test(doc_reads_files),
		cmocka_unit_test(doc_is_given_as_a_text_or_as_a_path),
		cmocka_unit_test(parse_takes_exactly_one_value),
		cmocka_unit_test(
			reads_fall_back_when_a_member_is_missing_or_of_another_type),
		cmocka_unit_test(kind_names_what_is_there),
		cmocka_unit_test(at_follows_a_path),
		cmocka_unit_test(put_at_replaces_and_makes_what_is_missing),
		cmocka_unit_test(put_at_that_fails_changes_nothing),
		cmocka_unit_test(json_int_is_printed_with_all_its_digits),
		cmocka_unit_test(
			json_copy_exact_prints_numbers_of_a_parsed_tree_exactly),
		cmocka_unit_test(a_copy_of_a_doc_has_the_digits_of_its_text),
		cmocka_unit_test(json_int_of_what_is_no_number_is_the_fallback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
