#include "lib/json_fill.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/json.h"
#include "lib/mem.h"

static void expect(const cJSON *tree, const char *json)
{
	SCOPED(mem_free) char *text = json_print(tree);

	assert_string_equal(text, json);
}

static void a_template_is_the_object_it_shows(void **state UNUSED)
{
	SCOPED(json_free) cJSON *tree =
		json_fill(NULL, "{'a': {'b': [1, null, true]}, 'c': 'text', 'd': {}}");

	expect(tree, "{\"a\":{\"b\":[1,null,true]},\"c\":\"text\",\"d\":{}}");
}

static void values_are_filled_in(void **state UNUSED)
{
	SCOPED(json_free) cJSON *empty = cJSON_CreateObject();
	SCOPED(json_free) cJSON *tree = json_fill(NULL,
		"{'s': %s, 'n': %s, 'd': %d, 'u': %u, 'g': [%g]}", "it's \"50%\"\n{}",
		json_text(empty, "absent"), -3, 4000000000u, 0.1);

	expect(tree,
		"{\"s\":\"it's \\\"50%\\\"\\n{}\",\"n\":null,\"d\":-3,"
		"\"u\":4000000000,\"g\":[0.1]}");
}

static void members_are_added_behind_those_of_an_object(void **state UNUSED)
{
	SCOPED(json_free) cJSON *tree = json_fill(NULL, "{'a': 1}");

	assert_ptr_equal(json_fill(tree, "{'b': %s, 'c': []}", "x"), tree);
	assert_ptr_equal(json_fill(tree, "{}"), tree);
	expect(tree, "{\"a\":1,\"b\":\"x\",\"c\":[]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_template_is_the_object_it_shows),
		cmocka_unit_test(values_are_filled_in),
		cmocka_unit_test(members_are_added_behind_those_of_an_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
