#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "service/starter.h"

struct scene {
	uv_loop_t loop;
	struct starter *starter;
	char started[16];
};

struct waiter {
	struct scene *scene;
	const char *name;
	struct starter_ticket ticket;
};

static void on_start(void *arg)
{
	struct waiter *waiter = arg;

	strcat(waiter->scene->started, waiter->name);
}

static int build(void **state)
{
	struct scene *scene = mem_zeroed(sizeof *scene);

	uv_loop_init(&scene->loop);
	scene->starter = starter_create(&scene->loop);
	*state = scene;
	return 0;
}

static int raze(void **state)
{
	struct scene *scene = *state;

	starter_destroy(scene->starter);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	free(scene);
	return 0;
}

static void wait_in_line(struct scene *scene, struct waiter *waiter, const char *name)
{
	*waiter = (struct waiter){
		.scene = scene,
		.name = name,
		.ticket = {.start = on_start, .arg = waiter},
	};
	starter_wait(scene->starter, &waiter->ticket);
}

static void starter_starts_one_in_each_turn_of_the_loop(void **state)
{
	struct scene *scene = *state;
	struct waiter a, b, c;

	wait_in_line(scene, &a, "a");
	wait_in_line(scene, &b, "b");
	wait_in_line(scene, &c, "c");
	assert_string_equal(scene->started, "");
	uv_run(&scene->loop, UV_RUN_NOWAIT);
	assert_string_equal(scene->started, "a");
	uv_run(&scene->loop, UV_RUN_NOWAIT);
	assert_string_equal(scene->started, "ab");
	uv_run(&scene->loop, UV_RUN_DEFAULT); /* and then it lets the loop sleep */
	assert_string_equal(scene->started, "abc");
}

static void starter_passes_over_who_has_left(void **state)
{
	struct scene *scene = *state;
	struct waiter a, b;

	wait_in_line(scene, &a, "a");
	wait_in_line(scene, &b, "b");
	starter_leave(scene->starter, &a.ticket);
	starter_leave(scene->starter, &a.ticket);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_string_equal(scene->started, "b");
	starter_wait(scene->starter, &a.ticket);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_string_equal(scene->started, "ba");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			starter_starts_one_in_each_turn_of_the_loop, build, raze),
		cmocka_unit_test_setup_teardown(
			starter_passes_over_who_has_left, build, raze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
