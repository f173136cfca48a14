#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "service/agent/agent_pacer.h"

#define CROWD   200
#define RATE    400
#define BURST   50
#define WAIT_NS (CLOCK_S / RATE)
/* Each request once, and not much in vain: those that the API refused of the first crowd,
 * and then fewer than were accepted. A slow machine sends fewer. */
#define SENDS_MAX (3 * CROWD)

struct api_request {
	struct agent_pacer_entry entry;
	struct pacer_scene *scene;
	struct loop_timer *answer; /* comes in a later turn of the loop */
	bool refused;
	int64_t again_ns; /* not before, if it was refused */
};

/* An API that accepts BURST at once, and then RATE a second. */
struct pacer_scene {
	uv_loop_t loop;
	struct agent_pacer *pacer;
	struct api_request requests[CROWD];
	unsigned sends, accepted, early;
	double tokens;
	int64_t filled_ns;
};

static void on_answer(void *arg)
{
	struct api_request *request = arg;

	request->again_ns = request->refused ? clock_now() + WAIT_NS : 0;
	if (request->refused)
		agent_pacer_refused(request->scene->pacer, &request->entry, WAIT_NS);
	else
		request->scene->accepted++;
}

static void send_now(void *arg)
{
	struct api_request *request = arg;
	struct pacer_scene *scene = request->scene;
	int64_t now_ns = clock_now();

	scene->early += now_ns < request->again_ns;
	scene->tokens += (double)(now_ns - scene->filled_ns) * RATE / CLOCK_S;
	if (scene->tokens > BURST)
		scene->tokens = BURST;
	scene->filled_ns = now_ns;
	request->refused = scene->tokens < 1;
	scene->tokens -= !request->refused;
	scene->sends++;
	loop_timer_set(request->answer, 0);
}

static int set_up(void **state)
{
	struct pacer_scene *scene = mem_zeroed(sizeof *scene);

	uv_loop_init(&scene->loop);
	scene->pacer = agent_pacer_create(&scene->loop);
	scene->tokens = BURST;
	scene->filled_ns = clock_now();
	for (unsigned i = 0; i < CROWD; i++) {
		struct api_request *request = &scene->requests[i];

		*request = (struct api_request){
			.entry = {.send = send_now, .arg = request},
			.scene = scene,
		};
		request->answer = loop_timer_create(&scene->loop, on_answer, request);
	}
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct pacer_scene *scene = *state;
	int closed;

	for (unsigned i = 0; i < CROWD; i++) {
		agent_pacer_leave(scene->pacer, &scene->requests[i].entry);
		loop_timer_destroy(scene->requests[i].answer);
	}
	agent_pacer_destroy(scene->pacer);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	closed = uv_loop_close(&scene->loop);
	free(scene);
	return closed;
}

static void ask_all(struct pacer_scene *scene, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (agent_pacer_may_send(scene->pacer, &scene->requests[i].entry))
			send_now(&scene->requests[i]);
}

static void pacer_sends_at_once_while_nothing_is_refused(void **state)
{
	struct pacer_scene *scene = *state;

	ask_all(scene, BURST);
	assert_int_equal(scene->sends, BURST);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(scene->accepted, BURST);
}

static void pacer_ends_all_under_a_limit_with_few_requests(void **state)
{
	struct pacer_scene *scene = *state;

	ask_all(scene, CROWD);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(scene->accepted, CROWD);
	assert_int_equal(scene->early, 0);
	assert_true(scene->sends > CROWD); /* some were refused */
	assert_true(scene->sends <= SENDS_MAX);
}

static void pacer_holds_new_requests_under_a_limit(void **state)
{
	struct pacer_scene *scene = *state;

	ask_all(scene, BURST + 10);
	while (scene->accepted < BURST)
		uv_run(&scene->loop, UV_RUN_ONCE);
	while (scene->requests[BURST + 9].entry.due_ns == 0)
		uv_run(&scene->loop, UV_RUN_ONCE);
	assert_false(
		agent_pacer_may_send(scene->pacer, &scene->requests[CROWD - 1].entry));
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(scene->accepted, BURST + 11);
}

static void pacer_forgets_who_leaves(void **state)
{
	struct pacer_scene *scene = *state;
	unsigned sends;

	ask_all(scene, CROWD);
	while (scene->accepted < BURST)
		uv_run(&scene->loop, UV_RUN_ONCE);
	uv_run(&scene->loop, UV_RUN_NOWAIT);
	for (unsigned i = 0; i < CROWD; i++)
		agent_pacer_leave(scene->pacer, &scene->requests[i].entry);
	sends = scene->sends;
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(scene->sends, sends);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(pacer_sends_at_once_while_nothing_is_refused),
		SCENE(pacer_ends_all_under_a_limit_with_few_requests),
		SCENE(pacer_holds_new_requests_under_a_limit),
		SCENE(pacer_forgets_who_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
