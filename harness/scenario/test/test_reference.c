#include "harness/scenario/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/plan.h"
#include "lib/fs.h"
#include "lib/json.h"

/* What is printed; to free(). */
static char *printed(const cJSON *schema)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	reference_print(out, schema);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void the_document_is_what_is_printed(void **state UNUSED)
{
	SCOPED(buf_done) struct buf document = {0};
	SCOPED(json_free) cJSON *schema = plan_schema();
	char *text = printed(schema);

	assert_true(fs_read_file(&document, "docs/scenario-reference.md"));
	if (strcmp(buf_text(&document), text) != 0)
		fail_msg("not what is printed by stopbench schema --markdown");
	free(text);
}

static void every_kind_of_key_is_told(void **state UNUSED)
{
	static const char schema_text[] =
		"{\"properties\": {\"a\": {\"type\": \"object\", \"properties\": {"
		"\"b\": {\"type\": \"string\", \"pattern\": \"^(ns|us|ms|s|m|h)\", "
		"\"default\": \"2s\", \"description\": \"one | two\"},"
		"\"c\": {\"enum\": [\"x\", \"y\"]},"
		"\"d\": {\"const\": true},"
		"\"e\": {\"type\": [\"string\", \"array\"], \"items\": {\"type\": \"object\", "
		"\"properties\": {\"f\": {\"type\": \"integer\", \"minimum\": 1, "
		"\"maximum\": 9}}}},"
		"\"g\": {}}}}}";
	static const char *const rows[] = {
		"| `a` | an object |  |  |",
		"## a\n",
		"| `a.b` | a duration | `\"2s\"` | one \\| two |",
		"| `a.c` | `\"x\"`, `\"y\"` |  |  |",
		"| `a.d` | `true` |  |  |",
		"| `a.e` | a text or a list |  |  |",
		"| `a.e[].f` | a whole number from 1 to 9 |  |  |",
		"| `a.g` | any value |  |  |",
	};
	SCOPED(json_free) cJSON *schema = json_parse(schema_text, strlen(schema_text));
	char *text;

	assert_non_null(schema);
	text = printed(schema);
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (!strstr(text, rows[i]))
			fail_msg("\"%s\" is not in\n%s", rows[i], text);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_is_what_is_printed),
		cmocka_unit_test(every_kind_of_key_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
