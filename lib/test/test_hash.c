#include "lib/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/cc.h"

static void hash_is_fnv_1a(void **state UNUSED)
{
	assert_true(hash_bytes(HASH_BASIS, "", 0) == HASH_BASIS);
	assert_true(hash_bytes(HASH_BASIS, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(
		hash_bytes(HASH_BASIS, "foobar", 6) == UINT64_C(0x85944171f73967e8));
}

static void hash_goes_on_where_it_was(void **state UNUSED)
{
	uint64_t foo = hash_bytes(HASH_BASIS, "foo", 3);

	assert_true(hash_bytes(foo, "bar", 3) == hash_bytes(HASH_BASIS, "foobar", 6));
}

static void hash_of_texts_depends_on_where_each_ends(void **state UNUSED)
{
	assert_true(hash_text(hash_text(HASH_BASIS, "ab"), "c") !=
		hash_text(hash_text(HASH_BASIS, "a"), "bc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_fnv_1a),
		cmocka_unit_test(hash_goes_on_where_it_was),
		cmocka_unit_test(hash_of_texts_depends_on_where_each_ends),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
