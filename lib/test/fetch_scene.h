/*
 * fetch_scene - a fetch, a blunt server in the same loop, and what callbacks reported.
 */
#ifndef LIB_TEST_FETCH_SCENE_H
#define LIB_TEST_FETCH_SCENE_H

#include "lib/clock.h"
#include "lib/fetch.h"
#include "lib/test/blunt_server.h"

#define PATIENCE_MS 60000

struct fetch_scene {
	uv_loop_t loop;
	uv_timer_t patience;
	bool impatient;
	struct blunt_server server;
	struct fetch *fetch;
	struct fetch_call *call;
	bool inside; /* a call of fetch.h: no callback may come now */
	unsigned done, pieces;
	struct fetch_result result; /* of the last one, without its body */
	struct buf body, data;
	char why[256];
	unsigned answered;
	/* What else a callback does. */
	bool again, cancel_on_data, destroy_on_data, destroy_on_done;
	const char *next_url;
};

static inline void on_patience_end(uv_timer_t *timer)
{
	((struct fetch_scene *)timer->data)->impatient = true;
}

static inline int set_up_pool(void **state, unsigned connections)
{
	struct fetch_scene *scene = mem_zeroed(sizeof *scene);
	struct err err;

	*state = scene;
	uv_loop_init(&scene->loop);
	uv_timer_init(&scene->loop, &scene->patience);
	scene->patience.data = scene;
	uv_timer_start(&scene->patience, on_patience_end, PATIENCE_MS, 0);
	server_open(&scene->server, &scene->loop, NULL);
	scene->fetch = fetch_create(&scene->loop, connections, &err);
	return scene->fetch ? 0 : -1;
}

static inline int set_up(void **state)
{
	return set_up_pool(state, 8);
}

static inline int tear_down(void **state)
{
	struct fetch_scene *scene = *state;
	int closed;

	fetch_destroy(scene->fetch);
	server_close(&scene->server);
	uv_close((uv_handle_t *)&scene->patience, NULL);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	closed = uv_loop_close(&scene->loop);
	buf_done(&scene->server.last);
	buf_done(&scene->body);
	buf_done(&scene->data);
	free(scene);
	return closed;
}

static inline void wait_event(struct fetch_scene *scene)
{
	uv_run(&scene->loop, UV_RUN_ONCE);
	assert_false(scene->impatient);
}

static inline void wait_done(struct fetch_scene *scene, unsigned count)
{
	while (scene->done < count)
		wait_event(scene);
}

static inline struct fetch_call *start(
	struct fetch_scene *scene, const struct fetch_request *request)
{
	struct err err = {0};
	struct fetch_call *call;

	scene->inside = true;
	call = fetch_start(scene->fetch, request, &err);
	scene->inside = false;
	if (!call)
		fail_msg("%s", err.text);
	return call;
}

static inline void destroy(struct fetch_scene *scene)
{
	scene->inside = true;
	fetch_destroy(scene->fetch);
	scene->inside = false;
	scene->fetch = NULL;
}

static inline void on_done(void *arg, const struct fetch_result *result)
{
	struct fetch_scene *scene = arg;

	assert_false(scene->inside);
	scene->done++;
	scene->answered += result->end == FETCH_ANSWERED;
	scene->result = *result;
	scene->result.body = NULL;
	buf_clear(&scene->body);
	buf_add(&scene->body, buf_text(result->body), result->body->len);
	snprintf(scene->why, sizeof scene->why, "%s", result->why);
	assert_true(result->ended_ns >= result->began_ns);
	if (scene->destroy_on_done)
		destroy(scene);
	if (scene->again) {
		struct fetch_request request = {
			.url = scene->next_url,
			.done = on_done,
			.arg = scene,
		};

		scene->again = false;
		start(scene, &request);
	}
}

static inline void on_data(void *arg, const char *data, size_t len)
{
	struct fetch_scene *scene = arg;

	assert_false(scene->inside);
	assert_true(len > 0);
	buf_add(&scene->data, data, len);
	scene->pieces++;
	if (scene->cancel_on_data)
		fetch_cancel(scene->call);
	if (scene->destroy_on_data)
		destroy(scene);
}

/* Gives a text to free(). */
static inline char *url_of(const struct fetch_scene *scene, const char *path)
{
	return mem_textf("http://127.0.0.1:%d%s", scene->server.port, path);
}

/* Fills in the URL and the callbacks; starts the request. */
static inline void ask(
	struct fetch_scene *scene, const char *path, struct fetch_request request)
{
	SCOPED(mem_free) char *url = url_of(scene, path);

	request.url = url;
	request.done = on_done;
	request.arg = scene;
	scene->call = start(scene, &request);
}

static inline void get(struct fetch_scene *scene, const char *path)
{
	unsigned done = scene->done;

	ask(scene, path, (struct fetch_request){0});
	wait_done(scene, done + 1);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
