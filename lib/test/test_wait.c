#include "lib/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "lib/cc.h"
#include "lib/clock.h"

/* Of what is not to be reached. */
#define BOUND_NS (20 * (int64_t)1000000000)

struct scene {
	uv_loop_t loop;
	uv_timer_t event;
	bool came;
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	uv_loop_init(&scene->loop);
	uv_timer_init(&scene->loop, &scene->event);
	scene->event.data = scene;
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	uv_close((uv_handle_t *)&scene->event, NULL);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	free(scene);
	return 0;
}

static bool has_come(const void *arg)
{
	return ((const struct scene *)arg)->came;
}

static void on_event(uv_timer_t *timer)
{
	((struct scene *)timer->data)->came = true;
}

static void ends_at_the_event(void **state)
{
	struct scene *scene = *state;

	uv_timer_start(&scene->event, on_event, 0, 0);
	assert_int_equal(
		wait_until(&scene->loop, has_come, scene, clock_now() + BOUND_NS, NULL),
		WAIT_SO);
}

static void without_the_event_ends_at_the_deadline_or_an_interrupt(void **state)
{
	struct scene *scene = *state;
	const bool interrupted = true;

	assert_int_equal(wait_until(&scene->loop, has_come, scene, clock_now(), NULL),
		WAIT_DEADLINE);
	assert_int_equal(wait_until(&scene->loop, has_come, scene,
				 clock_now() + BOUND_NS, &interrupted),
		WAIT_INTERRUPTED);
}

/* Who is told of an interrupt cancels a call, and one that is over is freed. */
static void an_event_of_the_last_turn_counts(void **state)
{
	struct scene *scene = *state;
	const bool interrupted = true;

	uv_timer_start(&scene->event, on_event, 0, 0);
	assert_int_equal(wait_until(&scene->loop, has_come, scene,
				 clock_now() + BOUND_NS, &interrupted),
		WAIT_SO);
	scene->came = false;
	uv_timer_start(&scene->event, on_event, 0, 0);
	assert_int_equal(
		wait_until(&scene->loop, has_come, scene, clock_now(), NULL), WAIT_SO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ends_at_the_event, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			without_the_event_ends_at_the_deadline_or_an_interrupt, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			an_event_of_the_last_turn_counts, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
