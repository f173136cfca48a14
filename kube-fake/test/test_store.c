#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kube-fake/store.h"
#include "lib/json.h"
#include "lib/json_fill.h"

struct seen {
	unsigned changes, removals;
};

static void on_changed(void *arg, const struct change *change)
{
	struct seen *seen = arg;

	seen->changes++;
	seen->removals += change->now == NULL;
}

static struct object *add_pod(struct store *store, const char *finalizer)
{
	cJSON *pod =
		json_fill(NULL, "{'metadata': {'name': 'a', 'namespace': 'default'}}");

	if (finalizer)
		json_fill(cJSON_GetObjectItemCaseSensitive(pod, "metadata"),
			"{'finalizers': [%s]}", finalizer);
	return store_add(store, &resources[RESOURCE_PODS], pod);
}

static void what_says_the_same_is_no_change(void **state UNUSED)
{
	struct seen seen = {0};
	struct store *store = store_create(on_changed, &seen);
	struct object *pod = add_pod(store, NULL);

	assert_true(store_replace(store, pod, object_draft(pod)));
	assert_int_equal(seen.changes, 1);
	store_destroy(store);
}

static void a_finalizer_holds_a_pod_that_is_deleted(void **state UNUSED)
{
	struct seen seen = {0};
	struct store *store = store_create(on_changed, &seen);
	struct object *pod = add_pod(store, "stopbench/hold");
	cJSON *draft;

	store_delete(store, pod, 30);
	store_delete(store, pod, 0);
	assert_int_equal(seen.removals, 0);
	draft = object_draft(pod);
	cJSON_DeleteItemFromObjectCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(draft, "metadata"), "finalizers");
	assert_false(store_replace(store, pod, draft));
	assert_int_equal(seen.removals, 1);
	store_destroy(store);
}

static void a_pod_that_runs_is_removed_by_its_kubelet(void **state UNUSED)
{
	struct seen seen = {0};
	struct store *store = store_create(on_changed, &seen);
	struct object *pod = add_pod(store, NULL);

	store_delete(store, pod, 30);
	assert_int_equal(seen.removals, 0);
	assert_non_null(json_at(pod->json, "metadata.deletionTimestamp"));
	store_delete(store, pod, 0);
	assert_int_equal(seen.removals, 1);
	store_destroy(store);
}

static void the_journal_forgets(void **state UNUSED)
{
	struct seen seen = {0};
	struct store *store = store_create(on_changed, &seen);
	struct object *pod = add_pod(store, NULL);

	for (unsigned i = 0; i < STORE_JOURNAL + 5; i++) {
		cJSON *draft = object_draft(pod);

		cJSON_DeleteItemFromObjectCaseSensitive(draft, "n");
		json_add_int(draft, "n", i);
		assert_true(store_replace(store, pod, draft));
	}
	assert_int_equal(store->version, STORE_JOURNAL + 6);
	assert_int_equal(store->forgotten, 6);
	store_destroy(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_says_the_same_is_no_change),
		cmocka_unit_test(a_finalizer_holds_a_pod_that_is_deleted),
		cmocka_unit_test(a_pod_that_runs_is_removed_by_its_kubelet),
		cmocka_unit_test(the_journal_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
