#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cc.h"
#include "lib/mem.h"
#include "mock-agent/openai/response_store.h"

static void put(struct response_store *store, const char *id, const char *body)
{
	response_store_put(store, id, mem_text(body), mem_text("[]"), mem_text("[]"));
}

static void put_number(struct response_store *store, unsigned number)
{
	SCOPED(mem_free) char *id = mem_textf("resp_%u", number);

	put(store, id, "{}");
}

static void it_finds_what_was_stored_until_it_is_removed(void **state UNUSED)
{
	struct response_store store = {0};

	assert_null(response_store_find(&store, "resp_a"));
	put(&store, "resp_a", "{\"a\":1}");
	put(&store, "resp_b", "{}");
	assert_string_equal(response_store_find(&store, "resp_a")->body, "{\"a\":1}");
	assert_true(response_store_remove(&store, "resp_a"));
	assert_false(response_store_remove(&store, "resp_a"));
	assert_null(response_store_find(&store, "resp_a"));
	assert_non_null(response_store_find(&store, "resp_b"));
	response_store_clear(&store);
	assert_int_equal(store.bytes, 0);
}

static void one_of_the_same_id_is_replaced(void **state UNUSED)
{
	struct response_store store = {0};

	put(&store, "resp_a", "{\"status\":\"queued\"}");
	put(&store, "resp_a", "{}");
	assert_string_equal(response_store_find(&store, "resp_a")->body, "{}");
	assert_int_equal(store.bytes, 6);
	response_store_clear(&store);
}

static void the_oldest_are_forgotten_beyond_the_number(void **state UNUSED)
{
	struct response_store store = {0};

	for (unsigned i = 0; i < RESPONSE_STORE_MAX + 2; i++)
		put_number(&store, i);
	assert_null(response_store_find(&store, "resp_0"));
	assert_null(response_store_find(&store, "resp_1"));
	assert_non_null(response_store_find(&store, "resp_2"));
	assert_int_equal(HASH_COUNT(store.by_id), RESPONSE_STORE_MAX);
	response_store_clear(&store);
}

/* A text of that many bytes. */
static char *long_text(size_t len)
{
	char *text = mem_grown(NULL, len + 1, 1);

	memset(text, ' ', len);
	text[len] = '\0';
	return text;
}

static void the_oldest_are_forgotten_beyond_the_bytes(void **state UNUSED)
{
	struct response_store store = {0};

	put(&store, "resp_a", "{}");
	response_store_put(&store, "resp_b", long_text(RESPONSE_STORE_CEILING - 10),
		mem_text("[]"), mem_text("[]"));
	assert_non_null(response_store_find(&store, "resp_a"));
	put(&store, "resp_c", "{}");
	assert_null(response_store_find(&store, "resp_a"));
	assert_non_null(response_store_find(&store, "resp_b"));
	response_store_put(&store, "resp_d", long_text(RESPONSE_STORE_CEILING),
		mem_text("[]"), mem_text("[]"));
	assert_null(response_store_find(&store, "resp_d"));
	assert_null(response_store_find(&store, "resp_c"));
	assert_int_equal(store.bytes, 0);
	response_store_clear(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_finds_what_was_stored_until_it_is_removed),
		cmocka_unit_test(one_of_the_same_id_is_replaced),
		cmocka_unit_test(the_oldest_are_forgotten_beyond_the_number),
		cmocka_unit_test(the_oldest_are_forgotten_beyond_the_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
