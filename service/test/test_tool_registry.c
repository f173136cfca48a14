#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/cc.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "service/mcp/mcp_config.h"
#include "service/mcp/tool_registry.h"
#include "service/store.h"

#define LOOKUP "{\"name\":\"lookup\",\"inputSchema\":{\"type\":\"object\"}}"

#define MANY 100000

struct tool_registry_scene {
	struct mcp_config servers;
	struct store *store;
	struct tool_registry *tools;
	struct tool_registry_waiter waiter;
	unsigned changes;
};

static void on_changed(void *arg)
{
	struct tool_registry_scene *scene = arg;

	scene->changes++;
}

static int build(void **state)
{
	struct tool_registry_scene *scene = mem_zeroed(sizeof *scene);
	struct err err = {0};

	assert_true(mcp_config_read(&scene->servers,
		"{\"mcpServers\":{\"skills\":{\"command\":\"x\"},"
		"\"fin.ance\":{\"command\":\"y\"}}}",
		&err));
	scene->store = store_open(":memory:", &err);
	assert_non_null(scene->store);
	scene->tools = tool_registry_create(&scene->servers, scene->store);
	scene->waiter =
		(struct tool_registry_waiter){.changed = on_changed, .arg = scene};
	*state = scene;
	return 0;
}

static int raze(void **state)
{
	struct tool_registry_scene *scene = *state;

	tool_registry_unwait(scene->tools, &scene->waiter);
	tool_registry_destroy(scene->tools);
	store_close(scene->store);
	mcp_config_done(&scene->servers);
	free(scene);
	return 0;
}

static void learn(struct tool_registry_scene *scene, unsigned server, const char *text)
{
	SCOPED(json_free) cJSON *list = json_parse(text, strlen(text));

	assert_non_null(list);
	tool_registry_learn(scene->tools, server, list);
}

static void expect_tool(const struct tool_registry_scene *scene, const char *declared,
	unsigned server, const char *name)
{
	unsigned found;
	const char *tool;

	if (!tool_registry_find(scene->tools, declared, &found, &tool))
		fail_msg("there is no %s", declared);
	assert_int_equal(found, server);
	assert_string_equal(tool, name);
}

static void expect_no_tool(
	const struct tool_registry_scene *scene, const char *declared)
{
	unsigned server;
	const char *tool;

	assert_false(tool_registry_find(scene->tools, declared, &server, &tool));
}

static void tools_are_asked_for_by_one_only(void **state)
{
	struct tool_registry_scene *scene = *state;

	assert_false(tool_registry_settled(scene->tools));
	assert_true(tool_registry_claim(scene->tools, 0));
	assert_false(tool_registry_claim(scene->tools, 0));
	tool_registry_release(scene->tools, 0);
	assert_true(tool_registry_claim(scene->tools, 0));
	learn(scene, 0, "[" LOOKUP "]");
	assert_false(tool_registry_claim(scene->tools, 0));
	assert_false(tool_registry_settled(scene->tools));
	assert_true(tool_registry_claim(scene->tools, 1));
	tool_registry_failed(scene->tools, 1);
	assert_true(tool_registry_settled(scene->tools));
}

static void tools_that_could_not_be_had_are_asked_for_again(void **state)
{
	struct tool_registry_scene *scene = *state;

	learn(scene, 0, "[]");
	assert_true(tool_registry_claim(scene->tools, 1));
	tool_registry_failed(scene->tools, 1);
	assert_false(
		tool_registry_claim(scene->tools, 1)); /* by those who wait already */
	assert_true(tool_registry_settled(scene->tools));
	tool_registry_try_again(scene->tools);
	assert_false(tool_registry_claim(scene->tools, 0));
	assert_true(tool_registry_claim(scene->tools, 1));
	assert_false(tool_registry_settled(scene->tools));
	tool_registry_try_again(
		scene->tools); /* by one more, while that one is at it */
	assert_false(tool_registry_claim(scene->tools, 1));
	learn(scene, 1, "[" LOOKUP "]");
	assert_true(tool_registry_settled(scene->tools));
	assert_false(tool_registry_claim(scene->tools, 1));
	expect_tool(scene, "lookup", 1, "lookup");
}

static void tools_that_keep_sessions_waiting_are_not_asked_for_soon(void **state)
{
	struct tool_registry_scene *scene = *state;
	const struct timespec slow = {.tv_sec = 1, .tv_nsec = 50000000};

	assert_true(tool_registry_claim(scene->tools, 0));
	nanosleep(&slow, NULL);
	tool_registry_failed(scene->tools, 0);
	tool_registry_try_again(scene->tools);
	assert_false(tool_registry_claim(scene->tools, 0));
	/* But it may tell when it was started for another reason. */
	learn(scene, 0, "[" LOOKUP "]");
	expect_tool(scene, "lookup", 0, "lookup");
}

static void tools_tell_who_waits_of_every_change(void **state)
{
	struct tool_registry_scene *scene = *state;

	tool_registry_wait(scene->tools, &scene->waiter);
	tool_registry_wait(scene->tools, &scene->waiter);
	assert_true(tool_registry_claim(scene->tools, 0));
	assert_int_equal(scene->changes, 0);
	tool_registry_release(scene->tools, 0);
	assert_int_equal(scene->changes, 1);
	learn(scene, 0, "[]");
	assert_int_equal(scene->changes, 2);
	tool_registry_failed(scene->tools, 1);
	assert_int_equal(scene->changes, 3);
	tool_registry_unwait(scene->tools, &scene->waiter);
	learn(scene, 1, "[]");
	assert_int_equal(scene->changes, 3);
}

static void tools_of_one_name_keep_apart_by_their_server(void **state)
{
	struct tool_registry_scene *scene = *state;

	learn(scene, 1, "[" LOOKUP ",{\"name\":\"price/now\"}]");
	expect_tool(scene, "lookup", 1, "lookup");
	expect_tool(scene, "price_now", 1, "price/now"); /* made fit for the API */
	/* The order is that of the configuration, not of the answers. */
	learn(scene, 0, "[" LOOKUP "]");
	expect_tool(scene, "lookup", 0, "lookup");
	expect_tool(scene, "fin_ance__lookup", 1, "lookup");
	expect_tool(scene, "skills__lookup", 0, "lookup");
	expect_no_tool(scene, "look");
	expect_no_tool(scene, "");
}

static void tools_of_a_list_that_changed_are_the_new_ones(void **state)
{
	struct tool_registry_scene *scene = *state;

	learn(scene, 0, "[{\"name\":\"a\"},{\"name\":\"b\"}]");
	learn(scene, 0, "[{\"name\":\"b\"},{\"name\":\"\"},{},7]");
	expect_no_tool(scene, "a");
	expect_tool(scene, "b", 0, "b");
}

static void tools_may_be_many(void **state)
{
	struct tool_registry_scene *scene = *state;
	SCOPED(json_free) cJSON *list = cJSON_CreateArray();

	for (unsigned i = 0; i < MANY; i++) {
		SCOPED(mem_free) char *name = mem_textf("%u", i);
		cJSON *tool = cJSON_CreateObject();

		cJSON_AddStringToObject(tool, "name", name);
		cJSON_AddItemToArray(list, tool);
	}
	tool_registry_learn(scene->tools, 1, list);
	expect_tool(scene, "77", 1, "77");
	expect_tool(scene, "fin_ance__77", 1, "77");
}

static void tools_are_known_after_a_restart(void **state)
{
	struct tool_registry_scene *scene = *state;

	learn(scene, 0, "[" LOOKUP "]");
	learn(scene, 1, "[]");
	tool_registry_destroy(scene->tools);
	scene->tools = tool_registry_create(&scene->servers, scene->store);
	assert_true(tool_registry_settled(scene->tools));
	expect_tool(scene, "lookup", 0, "lookup");
	/* Another command is another server. */
	tool_registry_destroy(scene->tools);
	scene->servers.list[0].fingerprint++;
	scene->tools = tool_registry_create(&scene->servers, scene->store);
	assert_false(tool_registry_settled(scene->tools));
	expect_no_tool(scene, "lookup");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			tools_are_asked_for_by_one_only, build, raze),
		cmocka_unit_test_setup_teardown(
			tools_that_could_not_be_had_are_asked_for_again, build, raze),
		cmocka_unit_test_setup_teardown(
			tools_that_keep_sessions_waiting_are_not_asked_for_soon, build,
			raze),
		cmocka_unit_test_setup_teardown(
			tools_tell_who_waits_of_every_change, build, raze),
		cmocka_unit_test_setup_teardown(
			tools_of_one_name_keep_apart_by_their_server, build, raze),
		cmocka_unit_test_setup_teardown(
			tools_of_a_list_that_changed_are_the_new_ones, build, raze),
		cmocka_unit_test_setup_teardown(tools_may_be_many, build, raze),
		cmocka_unit_test_setup_teardown(
			tools_are_known_after_a_restart, build, raze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
