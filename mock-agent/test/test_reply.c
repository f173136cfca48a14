#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/session/reply.h"

static cJSON *parsed(const char *text)
{
	cJSON *node = json_parse(text, strlen(text));

	assert_non_null(node);
	return node;
}

static void reply_is_given_in_parts_of_whole_characters(void **state UNUSED)
{
	static const struct {
		const char *said;
		int64_t wanted;
		const char *parts; /* with bars between them */
	} rows[] = {
		{"hi", 1, "You said: hi"}, {"hi", 3, "You |said|: hi"},
		{"\xc3\xa9\xc3\xa9", 12, "Y|o|u| |s|a|i|d|:| |\xc3\xa9|\xc3\xa9"},
		{"", 1000, "Y|o|u| |s|a|i|d|:| "}, /* no more than it has characters */
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(buf_done) struct buf given = {0};
		struct reply reply;
		const char *part;
		size_t len;

		reply_begin(&reply, rows[i].said);
		reply_cut(&reply, rows[i].wanted);
		while ((part = reply_next(&reply, &len)) != NULL)
			buf_addf(&given, "%s%.*s", given.len > 0 ? "|" : "", (int)len,
				part);
		assert_string_equal(buf_text(&given), rows[i].parts);
		reply_done(&reply);
	}
}

static void tool_input_has_what_its_schema_requires(void **state UNUSED)
{
	static const struct {
		const char *schema;
		const char *input;
	} rows[] = {
		{"{}", "{}"},
		{"{\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":"
		 "\"string\"}},"
		 "\"required\":[\"b\"]}",
			"{\"b\":\"hello\"}"},
		{"{\"properties\":{\"n\":{\"type\":\"integer\"},\"m\":{\"type\":"
		 "\"number\","
		 "\"minimum\":2.5}},\"required\":[\"n\",\"m\"]}",
			"{\"n\":1,\"m\":2.5}"},
		{"{\"properties\":{\"e\":{\"enum\":[\"x\",\"y\"]},\"d\":{\"default\":"
		 "[1]},"
		 "\"c\":{\"const\":null}},\"required\":[\"e\",\"d\",\"c\"]}",
			"{\"e\":\"x\",\"d\":[1],\"c\":null}"},
		{"{\"properties\":{\"o\":{\"type\":\"object\",\"properties\":{\"t\":"
		 "{\"type\":"
		 "\"boolean\"}},\"required\":[\"t\"]},\"l\":{\"type\":\"array\","
		 "\"minItems\":2,"
		 "\"items\":{\"type\":\"string\"}}},\"required\":[\"o\",\"l\"]}",
			"{\"o\":{\"t\":true},\"l\":[\"hello\",\"hello\"]}"},
		{"{\"properties\":{\"s\":{\"type\":[\"string\",\"null\"],"
		 "\"maxLength\":2},"
		 "\"l\":{\"type\":\"string\",\"minLength\":7}},\"required\":[\"s\","
		 "\"l\","
		 "\"unknown\"]}",
			"{\"s\":\"he\",\"l\":\"helloxx\",\"unknown\":\"hello\"}"},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		cJSON *schema = parsed(rows[i].schema);
		cJSON *input = reply_tool_input(schema, "hello");
		char *text;

		text = json_print(input);
		assert_string_equal(text, rows[i].input);
		free(text);
		cJSON_Delete(input);
		cJSON_Delete(schema);
	}
}

static void tools_of_the_server_are_not_custom(void **state UNUSED)
{
	cJSON *tools =
		parsed("[{\"type\":\"agent_toolset_20260401\"},"
		       "{\"type\":\"custom\",\"name\":\"a\"},"
		       "{\"type\":\"web_search_20250305\",\"name\":\"web_search\"},"
		       "{\"name\":\"b\"}]");
	cJSON *custom = reply_custom_tools(tools);

	assert_int_equal(cJSON_GetArraySize(custom), 2);
	assert_string_equal(json_text(json_at(custom, "0"), "name"), "a");
	assert_string_equal(json_text(json_at(custom, "1"), "name"), "b");
	cJSON_Delete(custom);
	cJSON_Delete(tools);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reply_is_given_in_parts_of_whole_characters),
		cmocka_unit_test(tool_input_has_what_its_schema_requires),
		cmocka_unit_test(tools_of_the_server_are_not_custom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
