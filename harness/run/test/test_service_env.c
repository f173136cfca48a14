#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "harness/run/service_env.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/mem.h"

/* A scenario with a grace of 2 s, and what its run has chosen for it. */
struct service_env_scene {
	struct scenario scenario;
	struct service_env env;
	struct strlist list;
};

static int set_up(void **state)
{
	struct service_env_scene *scene = mem_zeroed(sizeof *scene);

	scene->scenario.stop.grace_ns = 2 * CLOCK_S;
	scene->env = (struct service_env){
		.scenario = &scene->scenario,
		.host = "127.0.0.1",
		.agent_url = "http://127.0.0.1:4100",
		.ledger = "unix:/tmp/ledger",
		.port = 4200,
	};
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct service_env_scene *scene = *state;

	strlist_done(&scene->scenario.service.command);
	strlist_done(&scene->scenario.service.env);
	strlist_done(&scene->list);
	mem_free(state);
	return 0;
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static const char *value_of(const struct service_env_scene *scene, const char *name)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < scene->list.count; i++) {
		const char *pair = scene->list.item[i];

		if (strncmp(pair, name, len) == 0 && pair[len] == '=')
			return pair + len + 1;
	}
	return NULL;
}

static void our_service_gets_the_run(void **state)
{
	struct service_env_scene *scene = *state;

	scene->list = service_env_list(&scene->env);
	assert_string_equal(value_of(scene, "PORT"), "4200");
	assert_string_equal(value_of(scene, "GRACE"), "2000000000ns");
	assert_string_equal(value_of(scene, "AGENT_URL"), "http://127.0.0.1:4100");
	assert_string_equal(value_of(scene, "STOPBENCH_LEDGER"), "unix:/tmp/ledger");
	assert_non_null(strstr(value_of(scene, "MCP_CONFIG"), "mcpServers"));
}

/* Two MCP servers, the second over HTTP. */
static void give_mcp(struct service_env_scene *scene)
{
	static char skills[] = "skills", financial[] = "financial";
	static char behavior[] = "{\"name\":\"skills\"}";
	static struct mcp_server servers[] = {
		{.name = skills, .json = behavior},
		{.name = financial, .json = behavior, .is_http = true},
	};
	static const char *const urls[] = {NULL, "http://127.0.0.1:4300/mcp"};

	scene->scenario.mcp = (struct mcp_list){servers, COUNT(servers)};
	scene->env.mcp_urls = urls;
}

static void mcp_servers_are_programs_or_addresses(void **state)
{
	struct service_env_scene *scene = *state;

	give_mcp(scene);
	scene->list = service_env_list(&scene->env);
	assert_string_equal(value_of(scene, "MCP_CONFIG"),
		"{\"mcpServers\":{\"skills\":{\"command\":\"mock-mcp\",\"args\":["
		"\"--behavior\",\"{\\\"name\\\":\\\"skills\\\"}\",\"--seed\",\"0\","
		"\"--ledger\",\"unix:/tmp/ledger\"]},\"financial\":{\"type\":\"http\","
		"\"url\":\"http://127.0.0.1:4300/mcp\",\"headers\":"
		"{\"X-Session-Room\":\"${SESSION_ROOM}\"}}}}");
}

/* Whose client may not know our variables. */
static void a_foreign_service_gets_the_address_alone(void **state)
{
	struct service_env_scene *scene = *state;

	give_mcp(scene);
	strlist_add(&scene->scenario.service.command, "node");
	strlist_add(&scene->scenario.service.env, "SERVERS={mcp_config}");
	scene->list = service_env_list(&scene->env);
	assert_non_null(strstr(value_of(scene, "SERVERS"),
		"\"financial\":{\"type\":\"http\",\"url\":"
		"\"http://127.0.0.1:4300/mcp\"}}}"));
}

static void the_scenarios_own_value_wins(void **state)
{
	struct service_env_scene *scene = *state;

	strlist_add(&scene->scenario.service.env, "GRACE=9s");
	scene->list = service_env_list(&scene->env);
	assert_string_equal(value_of(scene, "GRACE"), "9s");
}

static void a_foreign_service_gets_what_its_scenario_names_and_nothing_else(
	void **state)
{
	struct service_env_scene *scene = *state;

	strlist_add(&scene->scenario.service.command, "node");
	strlist_add(
		&scene->scenario.service.env, "API=at {agent_url}, {{port}} {port}");
	scene->list = service_env_list(&scene->env);
	assert_int_equal(scene->list.count, 1);
	assert_string_equal(
		scene->list.item[0], "API=at http://127.0.0.1:4100, {port} 4200");
}

static void a_variable_overrides_those_of_the_files(void **state)
{
	struct service_env_scene *scene = *state;

	strlist_add(&scene->scenario.service.command, "node");
	strlist_add(&scene->scenario.service.container.env_file, "A=file {port}");
	strlist_add(&scene->scenario.service.container.env_file, "B=file");
	strlist_add(&scene->scenario.service.env, "B=own");
	scene->list = service_env_list(&scene->env);
	assert_int_equal(scene->list.count, 2);
	assert_string_equal(value_of(scene, "A"), "file {port}");
	assert_string_equal(value_of(scene, "B"), "own");
	strlist_done(&scene->scenario.service.container.env_file);
}

static void placeholders_of_a_command_are_replaced(void **state)
{
	struct service_env_scene *scene = *state;

	strlist_add(&scene->scenario.service.command, "--port={port}");
	strlist_add(&scene->scenario.service.command, "--grace={grace}");
	scene->list = service_env_expand(&scene->env, &scene->scenario.service.command);
	assert_string_equal(scene->list.item[0], "--port=4200");
	assert_string_equal(scene->list.item[1], "--grace=2000000000ns");
	assert_null(scene->list.item[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(our_service_gets_the_run),
		SCENE(mcp_servers_are_programs_or_addresses),
		SCENE(a_foreign_service_gets_the_address_alone),
		SCENE(the_scenarios_own_value_wins),
		SCENE(a_foreign_service_gets_what_its_scenario_names_and_nothing_else),
		SCENE(a_variable_overrides_those_of_the_files),
		SCENE(placeholders_of_a_command_are_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
