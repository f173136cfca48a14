/*
 * The agent and the environment, as seen through the sessions that use them.
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

static void set_tools(struct agent_scene *scene, const char *text)
{
	SCOPED(json_free) cJSON *tools = cJSON_Parse(text);

	assert_non_null(tools);
	agent_client_set_tools(scene->agent, tools);
}

/* Opens the next session. */
static void open_next(struct agent_scene *scene)
{
	agent_session_destroy(scene->session);
	scene->opened = 0;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
}

static void provision_declares_tools_that_are_set_later(void **state)
{
	struct agent_scene *scene = *state;

	scene_open(scene);
	set_tools(scene, "[{\"name\":\"late\"}]");
	scene_inject(scene, "POST /v1/sessions", API_FAULT_BODY, 1);
	scene->api.fault_body = "{\"id\":\"sesn_2\"}";
	open_next(scene);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents/agent_1;"), 1);
	open_next(scene); /* nothing has changed */
	assert_int_equal(api_count(&scene->api, "POST /v1/agents/agent_1;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 1);
}

static void provision_is_updated_before_the_session_is_created(void **state)
{
	struct agent_scene *scene = *state;

	scene_open(scene);
	set_tools(scene, "[{\"name\":\"late\"}]");
	scene_inject(scene, "POST /v1/agents/agent_1", API_FAULT_STATUS, 1);
	scene->api.fault_status = 403;
	open_next(scene);
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 1);
	assert_string_equal(buf_text(&scene->api.last_body),
		"{\"model\":\"claude-test\",\"tools\":[{\"name\":\"late\",\"type\":"
		"\"custom\"}],\"name\":\"tester\"}");
	open_next(scene); /* tries again */
	assert_int_equal(api_count(&scene->api, "POST /v1/agents/agent_1;"), 2);
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 2);
}

static void provision_does_not_change_what_is_given(void **state)
{
	struct agent_scene *scene = *state;

	agent_client_destroy(scene->agent);
	scene_create_agent(scene, (struct agent_client_options){.agent_id = "agent_1"});
	scene_open(scene);
	set_tools(scene, "[{\"name\":\"late\"}]");
	open_next(scene);
	assert_int_equal(api_count(&scene->api, "/v1/agents"), 0);
}

/* The first start, which creates both. */
static struct store *start_with_store(struct agent_scene *scene)
{
	struct err err = {0};
	struct store *store = store_open(":memory:", &err);

	assert_non_null(store);
	agent_client_destroy(scene->agent);
	scene_create_agent(scene, (struct agent_client_options){.store = store});
	scene_open(scene);
	return store;
}

static void start_again(struct agent_scene *scene, struct store *store)
{
	agent_session_destroy(scene->session);
	agent_client_destroy(scene->agent);
	scene_create_agent(scene, (struct agent_client_options){.store = store});
	scene->opened = 0;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
}

static void provision_is_created_once_for_all_starts(void **state)
{
	struct agent_scene *scene = *state;
	struct store *store = start_with_store(scene);

	start_again(scene, store);
	assert_log(scene, "opened sesn_1;opened sesn_2;");
	assert_non_null(strstr(buf_text(&scene->api.last_body), SESSION));
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/environments;"), 1);
	/* both were updated */
	assert_int_equal(api_count(&scene->api, "POST /v1/agents/agent_1;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/environments/env_1;"), 1);
	store_close(store);
}

static void provision_is_created_again_at_another_api(void **state)
{
	struct agent_scene *scene = *state;
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

/* One of them was archived or deleted while the service ran. */
static void provision_that_is_gone_is_created_anew(void **state)
{
	for (size_t i = 0; i < COUNT(losses); i++) {
		const struct loss *loss = &losses[i];
		struct agent_scene *scene;

		scene_set_up(state);
		scene = *state;
		scene_open(scene);
		scene->api.agent = loss->agent;
		scene->api.environment = loss->environment;
		scene_inject(scene, "POST /v1/sessions", API_FAULT_STATUS, 1);
		scene->api.fault_status = loss->status;
		open_next(scene);
		assert_log(scene, "opened sesn_1;opened sesn_2;");
		assert_non_null(strstr(buf_text(&scene->api.last_body), loss->session));
		assert_int_equal(
			api_count(&scene->api, "POST /v1/agents;"), loss->agents);
		assert_int_equal(api_count(&scene->api, "POST /v1/environments;"),
			loss->environments);
		scene_tear_down(state);
	}
}

static void provision_is_checked_once_for_each_session(void **state)
{
	struct agent_scene *scene = *state;

	scene_open(scene);
	scene_inject(scene, "POST /v1/sessions", API_FAULT_STATUS, 1000);
	scene->api.fault_status = 404;
	open_next(scene);
	assert_non_null(strstr(buf_text(&scene->log),
		";opened POST /v1/sessions: HTTP 404 some_error"));
	assert_int_equal(api_count(&scene->api, "POST /v1/sessions;"), 3);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents;"), 1);
	assert_int_equal(api_count(&scene->api, "POST /v1/agents/agent_1;"), 1);
}

static void provision_does_not_create_what_is_given(void **state)
{
	struct agent_scene *scene = *state;

	agent_client_destroy(scene->agent);
	scene_create_agent(scene,
		(struct agent_client_options){
			.agent_id = "agent_x", .environment_id = "env_y"});
	scene_inject(scene, "POST /v1/sessions", API_FAULT_STATUS, 1000);
	scene->api.fault_status = 404;
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_int_equal(api_count(&scene->api, "POST "), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(provision_declares_tools_that_are_set_later),
		SCENE(provision_is_updated_before_the_session_is_created),
		SCENE(provision_does_not_change_what_is_given),
		SCENE(provision_is_created_once_for_all_starts),
		SCENE(provision_is_created_again_at_another_api),
		cmocka_unit_test(provision_that_is_gone_is_created_anew),
		SCENE(provision_is_checked_once_for_each_session),
		SCENE(provision_does_not_create_what_is_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
