#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/test/agent_session_scene.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "service/agent/agent_http.h"

#define PATIENCE_MS 30000
#define REQUEST_NS  (20 * CLOCK_S)

static void note(struct agent_scene *scene, const char *format, ...) PRINTF(2, 3);
static void note(struct agent_scene *scene, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_addv(&scene->log, format, args);
	va_end(args);
	uv_stop(&scene->loop);
	if (scene->destroy_next) {
		scene->destroy_next = false;
		agent_session_destroy(scene->session);
		scene->session = NULL;
	}
}

static void on_opened(void *arg, const char *id, const char *why)
{
	struct agent_scene *scene = arg;

	assert_true(id ? !why : why != NULL);
	scene->opened++;
	free(scene->id);
	scene->id = mem_text(id);
	note(scene, "opened %s;", id ? id : why);
}

void scene_send(struct agent_scene *scene, const char *text)
{
	struct err err;

	assert_true(agent_session_send(scene->session, text, &err));
}

static void on_turned(void *arg, enum turn_end end, const char *text)
{
	struct agent_scene *scene = arg;
	const char *next = scene->send_next;

	scene->turned++;
	scene->send_next = NULL;
	if (next)
		scene_send(scene, next);
	note(scene, "turned %c%s;", end == TURN_ANSWERED ? '+' : '-', text);
}

static void on_wants_tool(
	void *arg, const char *use_id, const char *name, const cJSON *input)
{
	struct agent_scene *scene = arg;
	SCOPED(mem_free) char *text = json_print(input);

	scene->wanted++;
	free(scene->use_id);
	scene->use_id = mem_text(use_id);
	note(scene, "wants %s %s;", name, text);
}

static void on_broke(void *arg, const char *why)
{
	struct agent_scene *scene = arg;

	scene->broke++;
	note(scene, "broke %s;", why);
}

static void on_released(void *arg, const char *why)
{
	struct agent_scene *scene = arg;

	scene->released++;
	note(scene, "released %s;", why ? why : "ok");
}

const struct agent_session_events scene_events = {
	.opened = on_opened,
	.turned = on_turned,
	.wants_tool = on_wants_tool,
	.broke = on_broke,
};

static void on_patience_over(uv_timer_t *timer)
{
	const struct agent_scene *scene = timer->data;

	fail_msg("waited %d ms; log: %s; requests: %s", PATIENCE_MS,
		buf_text(&scene->log), buf_text(&scene->api.journal));
}

void scene_create_agent(struct agent_scene *scene, struct agent_client_options options)
{
	SCOPED(mem_free) char *url =
		mem_textf("http://127.0.0.1:%u/", (unsigned)web_port(scene->api.web));
	struct err err;

	options.url = url;
	options.key = API_KEY;
	options.model = "claude-test";
	options.name = "tester";
	options.connections = 64;
	if (!options.request_ns)
		options.request_ns = REQUEST_NS;
	scene->agent = agent_client_create(&scene->loop, &options, &err);
	assert_non_null(scene->agent);
}

int scene_set_up(void **state)
{
	struct agent_scene *scene = mem_zeroed(sizeof *scene);
	struct err err;

	assert_int_equal(uv_loop_init(&scene->loop), 0);
	uv_timer_init(&scene->loop, &scene->patience);
	scene->patience.data = scene;
	uv_timer_start(&scene->patience, on_patience_over, PATIENCE_MS, 0);
	assert_true(api_init(&scene->api, &scene->loop, &err));
	scene_create_agent(scene, (struct agent_client_options){0});
	*state = scene;
	return 0;
}

int scene_tear_down(void **state)
{
	struct agent_scene *scene = *state;

	agent_session_destroy(scene->session);
	agent_client_destroy(scene->agent);
	api_done(&scene->api);
	uv_close((uv_handle_t *)&scene->patience, NULL);
	while (uv_run(&scene->loop, UV_RUN_DEFAULT))
		continue;
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	free(scene->id);
	free(scene->use_id);
	buf_done(&scene->log);
	free(scene);
	return 0;
}

void scene_await(struct agent_scene *scene, const unsigned *counter, unsigned value)
{
	while (*counter < value)
		uv_run(&scene->loop, UV_RUN_DEFAULT);
}

static void on_tick(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

void scene_await_request(struct agent_scene *scene, const char *request, unsigned times)
{
	uv_timer_t tick;

	uv_timer_init(&scene->loop, &tick);
	uv_timer_start(&tick, on_tick, 1, 1);
	while (api_count(&scene->api, request) < times)
		uv_run(&scene->loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(&scene->loop, UV_RUN_NOWAIT);
}

static void on_barrier(void *arg, const struct agent_response *response)
{
	struct agent_scene *scene = arg;

	assert_null(response->why);
	scene->barriers++;
	uv_stop(&scene->loop);
}

void scene_barrier(struct agent_scene *scene)
{
	/* A new connection, like the slowest request; the second one begins when the
	 * client has handled everything that was sent before the first. */
	struct agent_http_request request = {
		.method = "GET",
		.collection = API_BARRIER,
		.retry = AGENT_HTTP_RETRY_UNSENT,
		.done = on_barrier,
		.arg = scene,
	};

	for (int i = 0; i < 2; i++) {
		agent_http_start(scene->agent->http, &request);
		scene_await(scene, &scene->barriers, scene->barriers + 1);
	}
}

void scene_begin_open(struct agent_scene *scene, const char *id)
{
	scene->session = agent_session_open(
		scene->agent, id, "1", "assistant", &scene_events, scene);
	assert_int_equal(scene->opened, 0); /* never from inside */
}

struct fake_session *scene_open(struct agent_scene *scene)
{
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_non_null(scene->id);
	scene_await_request(scene, "/events/stream;", 1);
	return &scene->api.sessions[0];
}

void scene_release(
	struct agent_scene *scene, enum agent_session_end ending, int64_t within_ns)
{
	agent_session_release(scene->session, ending,
		within_ns ? clock_now() + within_ns : 0, on_released, scene);
	assert_int_equal(scene->released, 0);
}

void scene_inject(
	struct agent_scene *scene, const char *at, enum api_fault fault, unsigned times)
{
	scene->api.fault_path = at;
	scene->api.fault = fault;
	scene->api.fault_times = times;
	scene->api.fault_status = 500;
	scene->api.fault_body = "<html>";
}
