#include "mock-agent/session/schema_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

static const struct {
	const char *schema;
	const char *value;
} rows[] = {
	{"{}", "\"hello\""},
	{"{\"type\":\"null\"}", "null"},
	{"{\"type\":\"integer\",\"minimum\":-9007199254740991,\"maximum\":9}", "1"},
	{"{\"type\":\"number\",\"maximum\":-2}", "-2"},
	{"{\"type\":\"integer\",\"exclusiveMinimum\":1}", "2"},
	{"{\"type\":\"number\",\"exclusiveMinimum\":1,\"exclusiveMaximum\":2}", "1.5"},
	{"{\"type\":\"integer\",\"minimum\":5,\"multipleOf\":4}", "8"},
	{"{\"type\":\"string\",\"format\":\"email\",\"pattern\":\"@\"}",
		"\"user@example.com\""},
	{"{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", "[]"},
	{"{\"type\":\"array\",\"prefixItems\":[{\"const\":1},{\"const\":2}]}", "[1,2]"},
	{"{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"boolean\"}]}", "true"},
	{"{\"oneOf\":[{\"type\":\"null\"}]}", "null"},
	{"{\"$defs\":{\"a/b\":{\"const\":7}},\"$ref\":\"#/$defs/a~1b\"}", "7"},
	{"{\"$ref\":\"#/nowhere\"}", "\"hello\""},
	{"{\"$ref\":\"other.json\"}", "\"hello\""},
	{"{\"allOf\":[{\"properties\":{\"a\":{\"const\":1}},\"required\":[\"a\"]},"
	 "{\"properties\":{\"b\":{\"const\":2}},\"required\":[\"b\"]}],"
	 "\"properties\":{\"c\":{\"const\":3}},\"required\":[\"c\"]}",
		"{\"a\":1,\"b\":2,\"c\":3}"},
};

static void sample_fits_its_schema(void **state UNUSED)
{
	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(json_free) cJSON *schema =
			json_parse(rows[i].schema, strlen(rows[i].schema));
		SCOPED(json_free) cJSON *value = schema_sample(schema, "hello");
		SCOPED(mem_free) char *text = json_print(value);

		assert_non_null(schema);
		if (strcmp(text, rows[i].value) != 0)
			fail_msg("%s: %s", rows[i].schema, text);
	}
}

/* One that refers to itself, and one whose arrays would have 10^8 values. */
static void sample_is_bounded(void **state UNUSED)
{
	static const char *const schemas[] = {"{\"$ref\":\"#\"}",
		"{\"properties\":{\"a\":{\"$ref\":\"#\"},\"b\":{\"$ref\":\"#\"}},"
		"\"required\":[\"a\",\"b\"]}",
		"{\"type\":\"array\",\"minItems\":1000000,\"items\":{\"$ref\":\"#\"}}"};

	for (unsigned i = 0; i < COUNT(schemas); i++) {
		SCOPED(json_free) cJSON *schema =
			json_parse(schemas[i], strlen(schemas[i]));
		SCOPED(json_free) cJSON *value = schema_sample(schema, "hello");
		SCOPED(mem_free) char *text = json_print(value);

		assert_true(strlen(text) < 100000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_fits_its_schema),
		cmocka_unit_test(sample_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
