#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "service/spawn_queue.h"

struct spawn_queue_scene {
	uv_loop_t loop;
	struct spawn_queue *spawn_queue;
	char started[16];
};

struct waiter {
	struct spawn_queue_scene *scene;
	const char *name;
	struct spawn_queue_entry entry;
};

static void on_start(void *arg)
{
	struct waiter *waiter = arg;

	strcat(waiter->scene->started, waiter->name);
}

static int build(void **state)
{
	struct spawn_queue_scene *scene = mem_zeroed(sizeof *scene);

	uv_loop_init(&scene->loop);
	scene->spawn_queue = spawn_queue_create(&scene->loop);
	*state = scene;
	return 0;
}

static int raze(void **state)
{
	struct spawn_queue_scene *scene = *state;

	spawn_queue_destroy(scene->spawn_queue);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	free(scene);
	return 0;
}

static void wait_in_line(
	struct spawn_queue_scene *scene, struct waiter *waiter, const char *name)
{
	*waiter = (struct waiter){
		.scene = scene,
		.name = name,
		.entry = {.start = on_start, .arg = waiter},
	};
	spawn_queue_add(scene->spawn_queue, &waiter->entry);
}

static void spawn_queue_starts_one_in_each_turn_of_the_loop(void **state)
{
	struct spawn_queue_scene *scene = *state;
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

static void spawn_queue_passes_over_who_has_left(void **state)
{
	struct spawn_queue_scene *scene = *state;
	struct waiter a, b;

	wait_in_line(scene, &a, "a");
	wait_in_line(scene, &b, "b");
	spawn_queue_remove(scene->spawn_queue, &a.entry);
	spawn_queue_remove(scene->spawn_queue, &a.entry);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_string_equal(scene->started, "b");
	spawn_queue_add(scene->spawn_queue, &a.entry);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_string_equal(scene->started, "ba");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			spawn_queue_starts_one_in_each_turn_of_the_loop, build, raze),
		cmocka_unit_test_setup_teardown(
			spawn_queue_passes_over_who_has_left, build, raze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
