#include "lib/json_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "lib/cc.h"

#define MANY 20000

static void the_first_node_of_a_text_stays(void **state UNUSED)
{
	SCOPED(json_index_done) struct json_index index = {0};
	cJSON first = {0}, second = {0};

	assert_null(json_index_find(&index, "a"));
	assert_true(json_index_add(&index, "a", &first));
	assert_false(json_index_add(&index, "a", &second));
	assert_ptr_equal(json_index_find(&index, "a"), &first);
	assert_null(json_index_find(&index, "ab"));
	assert_null(json_index_find(&index, ""));
	assert_true(json_index_add(&index, "", &second));
	assert_ptr_equal(json_index_find(&index, ""), &second);
}

static void a_node_can_be_replaced_and_removed(void **state UNUSED)
{
	SCOPED(json_index_done) struct json_index index = {0};
	cJSON first = {0}, second = {0};

	json_index_replace(&index, "a", &first);
	assert_ptr_equal(json_index_find(&index, "a"), &first);
	json_index_replace(&index, "a", &second);
	assert_ptr_equal(json_index_find(&index, "a"), &second);
	json_index_remove(&index, "b");
	json_index_remove(&index, "a");
	assert_null(json_index_find(&index, "a"));
	assert_true(json_index_add(&index, "a", &first));
}

static void no_text_is_nothing_s(void **state UNUSED)
{
	SCOPED(json_index_done) struct json_index index = {0};
	cJSON node = {0};

	assert_true(json_index_add(&index, NULL, &node));
	assert_true(json_index_add(&index, NULL, &node));
	json_index_replace(&index, NULL, &node);
	json_index_remove(&index, NULL);
	assert_null(json_index_find(&index, NULL));
}

static void many_texts_keep_their_nodes(void **state UNUSED)
{
	SCOPED(json_index_done) struct json_index index = {0};
	static char texts[MANY][8];
	static cJSON nodes[MANY];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof texts[i], "t%u", i);
		assert_true(json_index_add(&index, texts[i], &nodes[i]));
	}
	for (unsigned i = 0; i < MANY; i++)
		assert_ptr_equal(json_index_find(&index, texts[i]), &nodes[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_node_of_a_text_stays),
		cmocka_unit_test(a_node_can_be_replaced_and_removed),
		cmocka_unit_test(no_text_is_nothing_s),
		cmocka_unit_test(many_texts_keep_their_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
