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

#define PATIENCE_MS 30000
#define REQUEST_NS  (20 * CLOCK_S)

static void note(struct scene *scene, const char *format, ...) PRINTF(2, 3);
static void note(struct scene *scene, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_addv(&scene->story, format, args);
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
	struct scene *scene = arg;

	assert_true(id ? !why : why != NULL);
	scene->opened++;
	free(scene->id);
	scene->id = mem_text(id);
	note(scene, "opened %s;", id ? id : why);
}

void scene_say(struct scene *scene, const char *text)
{
	struct err err;

	assert_true(agent_session_send(scene->session, text, &err));
}

static void on_turned(void *arg, enum turn_end end, const char *text)
{
	struct scene *scene = arg;
	const char *next = scene->say_next;

	scene->turned++;
	scene->say_next = NULL;
	if (next)
		scene_say(scene, next);
	note(scene, "turned %c%s;", end == TURN_ANSWERED ? '+' : '-', text);
}

static void on_wants_tool(
	void *arg, const char *use_id, const char *name, const cJSON *input)
{
	struct scene *scene = arg;
	SCOPED(mem_free) char *text = json_print(input);

	scene->wanted++;
	free(scene->use_id);
	scene->use_id = mem_text(use_id);
	note(scene, "wants %s %s;", name, text);
}

static void on_broke(void *arg, const char *why)
{
	struct scene *scene = arg;

	scene->broke++;
	note(scene, "broke %s;", why);
}

static void on_parted(void *arg, const char *why)
{
	struct scene *scene = arg;

	scene->parted++;
	note(scene, "parted %s;", why ? why : "well");
}

const struct agent_session_events scene_events = {
	.opened = on_opened,
	.turned = on_turned,
	.wants_tool = on_wants_tool,
	.broke = on_broke,
};

static void on_impatience(uv_timer_t *timer)
{
	const struct scene *scene = timer->data;

	fail_msg("waited %d ms in vain; heard: %s; asked: %s", PATIENCE_MS,
		buf_text(&scene->story), buf_text(&scene->api.journal));
}

void scene_create_agent(struct scene *scene, struct agent_client_options options)
{
	SCOPED(mem_free) char *url =
		mem_textf("http://127.0.0.1:%u/", (unsigned)web_port(scene->api.web));
	struct err err;

	options.url = url;
	options.key = API_KEY;
	options.provision.model = "claude-test";
	options.provision.name = "tester";
	options.connections = 64;
	if (!options.request_ns)
		options.request_ns = REQUEST_NS;
	scene->agent = agent_client_create(&scene->loop, &options, &err);
	assert_non_null(scene->agent);
}

int scene_set_up(void **state)
{
	struct scene *scene = mem_zeroed(sizeof *scene);
	struct err err;

	assert_int_equal(uv_loop_init(&scene->loop), 0);
	uv_timer_init(&scene->loop, &scene->patience);
	scene->patience.data = scene;
	uv_timer_start(&scene->patience, on_impatience, PATIENCE_MS, 0);
	assert_true(api_init(&scene->api, &scene->loop, &err));
	scene_create_agent(scene, (struct agent_client_options){0});
	*state = scene;
	return 0;
}

int scene_tear_down(void **state)
{
	struct scene *scene = *state;

	agent_session_destroy(scene->session);
	agent_client_destroy(scene->agent);
	api_done(&scene->api);
	uv_close((uv_handle_t *)&scene->patience, NULL);
	while (uv_run(&scene->loop, UV_RUN_DEFAULT))
		continue;
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	free(scene->id);
	free(scene->use_id);
	buf_done(&scene->story);
	free(scene);
	return 0;
}

void scene_await(struct scene *scene, const unsigned *counter, unsigned value)
{
	while (*counter < value)
		uv_run(&scene->loop, UV_RUN_DEFAULT);
}

static void on_moment(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

void scene_await_request(struct scene *scene, const char *request, unsigned times)
{
	uv_timer_t moment;

	uv_timer_init(&scene->loop, &moment);
	uv_timer_start(&moment, on_moment, 1, 1);
	while (api_count(&scene->api, request) < times)
		uv_run(&scene->loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&moment, NULL);
	uv_run(&scene->loop, UV_RUN_NOWAIT);
}

void scene_let_pass(struct scene *scene, uint64_t ms)
{
	uint64_t until_ms = uv_hrtime() / 1000000 + ms;
	uv_timer_t moment;

	uv_timer_init(&scene->loop, &moment);
	uv_timer_start(&moment, on_moment, 1, 1);
	while (uv_hrtime() / 1000000 < until_ms)
		uv_run(&scene->loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&moment, NULL);
	uv_run(&scene->loop, UV_RUN_NOWAIT);
}

void scene_begin_open(struct scene *scene, const char *id)
{
	scene->session = agent_session_open(
		scene->agent, id, "1", "assistant", &scene_events, scene);
	assert_int_equal(scene->opened, 0); /* never from inside */
}

struct fake_session *scene_open(struct scene *scene)
{
	scene_begin_open(scene, NULL);
	scene_await(scene, &scene->opened, 1);
	assert_non_null(scene->id);
	scene_await_request(scene, "/events/stream;", 1);
	return &scene->api.sessions[0];
}

void scene_let_go(struct scene *scene, enum agent_session_end ending, int64_t within_ns)
{
	agent_session_release(scene->session, ending,
		within_ns ? clock_now() + within_ns : 0, on_parted, scene);
	assert_int_equal(scene->parted, 0);
}

void scene_strike(
	struct scene *scene, const char *at, enum api_fault fault, unsigned times)
{
	scene->api.fault_at = at;
	scene->api.fault = fault;
	scene->api.fault_times = times;
	scene->api.fault_status = 500;
	scene->api.fault_body = "<html>";
}
