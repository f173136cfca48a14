/*
 * What all sessions need, seen through the talks that need it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lib/json.h"
#include "service/store.h"
#include "service/test/agent_session_scene.h"

#define SESSION "\"agent\":\"agent_1\",\"environment_id\":\"env_1\"}"

static void set_tools(struct scene *scene, const char *text)
{
	SCOPED(json_free) cJSON *tools = cJSON_Parse(text);

	assert_non_null(tools);
	agent_client_set_tools(scene->agent, tools);
}

/* As the next one to open does. */
static void open_next(struct scene *scene)
{
	agent_session_destroy(scene->session);
	scene->opened = 0;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
}

static void needs_declare_tools_that_are_heard_of_later(void **state)
{
	struct scene *scene = *state;

	scene_open(scene);
	set_tools(scene, "[{\"name\":\"late\"}]");
	scene_strike(scene, "POST /v1/sessions", API_FAULT_BODY, 1);
	scene->api.fault_body = "{\"id\":\"sesn_2\"}";
	open_next(scene);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents/agent_1;"), 1);
	open_next(scene); /* to whom nothing is new */
	assert_int_equal(api_count(&scene->api, "POST /v1/agents/agent_1;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 1);
}

static void needs_are_updated_before_the_session_that_has_them(void **state)
{
	struct scene *scene = *state;

	scene_open(scene);
	set_tools(scene, "[{\"name\":\"late\"}]");
	scene_strike(scene, "POST /v1/agents/agent_1", API_FAULT_STATUS, 1);
	scene->api.fault_status = 403;
	open_next(scene);
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 1);
	assert_string_equal(buf_text(&scene->api.last_body),
		"{\"model\":\"claude-test\",\"tools\":[{\"name\":\"late\",\"type\":"
		"\"custom\"}],\"name\":\"tester\"}");
	open_next(scene); /* and the next tries again */
	assert_int_equal(api_count(&scene->api, "POST /v1/agents/agent_1;"), 2);
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 2);
}

static void needs_that_are_given_are_not_changed(void **state)
{
	struct scene *scene = *state;

	agent_client_destroy(scene->agent);
	scene_create_agent(
		scene, (struct agent_client_options){.provision.agent_id = "agent_1"});
	scene_open(scene);
	set_tools(scene, "[{\"name\":\"late\"}]");
	open_next(scene);
	assert_int_equal(api_count(&scene->api, "/v1/agents"), 0);
}

/* The first start has created both, for this store. */
static struct store *start_with_store(struct scene *scene)
{
	struct err err = {0};
	struct store *store = store_open(":memory:", &err);

	assert_non_null(store);
	agent_client_destroy(scene->agent);
	scene_create_agent(
		scene, (struct agent_client_options){.provision.store = store});
	scene_open(scene);
	return store;
}

static void start_again(struct scene *scene, struct store *store)
{
	agent_session_destroy(scene->session);
	agent_client_destroy(scene->agent);
	scene_create_agent(
		scene, (struct agent_client_options){.provision.store = store});
	scene->opened = 0;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
}

static void needs_are_created_once_for_all_starts(void **state)
{
	struct scene *scene = *state;
	struct store *store = start_with_store(scene);

	start_again(scene, store);
	assert_story(scene, "opened sesn_1;opened sesn_2;");
	assert_non_null(strstr(buf_text(&scene->api.last_body), SESSION));
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/environments;"), 1);
	/* but they were looked at, and told what we want now */
	assert_int_equal(api_count(&scene->api, "POST /v1/agents/agent_1;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/environments/env_1;"), 1);
	store_close(store);
}

static void needs_of_another_api_are_created_there(void **state)
{
	struct scene *scene = *state;
	struct store *store = start_with_store(scene);

	scene->api.agent = "agent_2";
	scene->api.environment = "env_2";
	start_again(scene, store);
	assert_non_null(strstr(buf_text(&scene->api.last_body),
		"\"agent\":\"agent_2\",\"environment_id\":\"env_2\"}"));
	start_again(scene, store);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 2);
	assert_int_equal(api_count(&scene->api, "POST /v1/environments;"), 2);
	store_close(store);
}

static const struct loss {
	const char *agent, *environment;
	unsigned status;
	const char *session;
	unsigned agents, environments;
} losses[] = {
	{"agent_2", "env_1", 404, "\"agent\":\"agent_2\",\"environment_id\":\"env_1\"}",
		2, 1},
	{"agent_1", "env_2", 404, "\"agent\":\"agent_1\",\"environment_id\":\"env_2\"}",
		1, 2},
	{"agent_2", "env_1", 400, "\"agent\":\"agent_2\",\"environment_id\":\"env_1\"}",
		2, 1},
};

/* Somebody has archived or deleted one of them while we ran. */
static void needs_that_are_gone_are_created_anew(void **state)
{
	for (size_t i = 0; i < COUNT(losses); i++) {
		const struct loss *loss = &losses[i];
		struct scene *scene;

		scene_set_up(state);
		scene = *state;
		scene_open(scene);
		scene->api.agent = loss->agent;
		scene->api.environment = loss->environment;
		scene_strike(scene, "POST /v1/sessions", API_FAULT_STATUS, 1);
		scene->api.fault_status = loss->status;
		open_next(scene);
		assert_story(scene, "opened sesn_1;opened sesn_2;");
		assert_non_null(strstr(buf_text(&scene->api.last_body), loss->session));
		assert_int_equal(
			api_count(&scene->api, "POST /v1/agents;"), loss->agents);
		assert_int_equal(api_count(&scene->api, "POST /v1/environments;"),
			loss->environments);
		scene_tear_down(state);
	}
}

static void needs_are_doubted_once_for_each_session(void **state)
{
	struct scene *scene = *state;

	scene_open(scene);
	scene_strike(scene, "POST /v1/sessions", API_FAULT_STATUS, 1000);
	scene->api.fault_status = 404;
	open_next(scene);
	assert_non_null(strstr(buf_text(&scene->story),
		";opened POST /v1/sessions: HTTP 404 some_error"));
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 3);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents/agent_1;"), 1);
}

static void needs_that_are_given_are_not_created_anew(void **state)
{
	struct scene *scene = *state;

	agent_client_destroy(scene->agent);
	scene_create_agent(scene,
		(struct agent_client_options){.provision.agent_id = "agent_x",
			.provision.environment_id = "env_y"});
	scene_strike(scene, "POST /v1/sessions", API_FAULT_STATUS, 1000);
	scene->api.fault_status = 404;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_int_equal(api_count(&scene->api, "POST "), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(needs_declare_tools_that_are_heard_of_later),
		SCENE(needs_are_updated_before_the_session_that_has_them),
		SCENE(needs_that_are_given_are_not_changed),
		SCENE(needs_are_created_once_for_all_starts),
		SCENE(needs_of_another_api_are_created_there),
		cmocka_unit_test(needs_that_are_gone_are_created_anew),
		SCENE(needs_are_doubted_once_for_each_session),
		SCENE(needs_that_are_given_are_not_created_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
