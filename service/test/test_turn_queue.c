#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "service/metrics.h"
#include "service/turn_queue.h"

struct turn_queue_scene {
	struct metrics metrics;
	struct turn_queue turns;
	unsigned dropped;
	char heard[256]; /* "name=how:text " for each turn that ended */
};

/* Who asked. */
struct asker {
	struct turn_queue_scene *scene;
	const char *name;
};

static void on_dropped(void *arg)
{
	struct turn_queue_scene *scene = arg;

	scene->dropped++;
}

static void on_done(void *arg, enum turn_end end, const char *text)
{
	const struct asker *asker = arg;
	char *heard = asker->scene->heard;

	snprintf(heard + strlen(heard), sizeof asker->scene->heard - strlen(heard),
		"%s=%s:%s ", asker->name, turn_end_names[end], text);
}

static int build(void **state)
{
	struct turn_queue_scene *scene = mem_zeroed(sizeof *scene);

	scene->turns = (struct turn_queue){
		.metrics = &scene->metrics,
		.dropped = on_dropped,
		.arg = scene,
	};
	*state = scene;
	return 0;
}

static int raze(void **state)
{
	struct turn_queue_scene *scene = *state;

	turn_queue_done(&scene->turns);
	free(scene);
	return 0;
}

static void turns_run_in_the_order_in_which_they_came(void **state)
{
	struct turn_queue_scene *scene = *state;
	struct asker a = {scene, "a"}, b = {scene, "b"};

	assert_non_null(turn_queue_add(&scene->turns, "first", on_done, &a));
	assert_non_null(turn_queue_add(&scene->turns, "second", on_done, &b));
	assert_string_equal(turn_queue_begin(&scene->turns), "first");
	assert_int_equal(scene->turns.waiting_count, 1);
	turn_queue_end(&scene->turns, TURN_ANSWERED, "one");
	assert_string_equal(turn_queue_begin(&scene->turns), "second");
	turn_queue_end(&scene->turns, TURN_FAILED, "two");
	assert_string_equal(scene->heard, "a=answered:one b=failed:two ");
	assert_int_equal(scene->metrics.turns[TURN_ANSWERED], 1);
	assert_int_equal(scene->metrics.turns[TURN_FAILED], 1);
}

static void turns_that_wait_can_all_be_dropped_and_the_running_one_goes_on(void **state)
{
	struct turn_queue_scene *scene = *state;
	struct asker a = {scene, "a"}, b = {scene, "b"}, c = {scene, "c"};

	assert_non_null(turn_queue_add(&scene->turns, "1", on_done, &a));
	assert_non_null(turn_queue_add(&scene->turns, "2", on_done, &b));
	assert_non_null(turn_queue_add(&scene->turns, "3", on_done, &c));
	turn_queue_begin(&scene->turns);
	turn_queue_drop(&scene->turns, TURN_INTERRUPTED, "stop");
	assert_string_equal(scene->heard, "b=interrupted:stop c=interrupted:stop ");
	assert_int_equal(scene->turns.waiting_count, 0);
	assert_non_null(scene->turns.running);
	turn_queue_end(&scene->turns, TURN_ANSWERED, "x");
}

static void turns_that_nobody_waits_for_are_not_begun(void **state)
{
	struct turn_queue_scene *scene = *state;
	struct asker a = {scene, "a"}, b = {scene, "b"};
	struct turn *turn;

	turn = turn_queue_add(&scene->turns, "1", on_done, &a);
	assert_non_null(turn_queue_add(&scene->turns, "2", on_done, &b));
	turn_forget(turn);
	assert_int_equal(scene->dropped, 1);
	assert_int_equal(scene->turns.waiting_count, 1);
	assert_string_equal(turn_queue_begin(&scene->turns), "2");
	turn_queue_end(&scene->turns, TURN_ANSWERED, "x");
	assert_string_equal(scene->heard, "b=answered:x ");
}

static void turns_that_run_go_on_when_nobody_waits_any_more(void **state)
{
	struct turn_queue_scene *scene = *state;
	struct asker a = {scene, "a"};
	struct turn *turn = turn_queue_add(&scene->turns, "1", on_done, &a);

	turn_queue_begin(&scene->turns);
	turn_forget(turn);
	assert_ptr_equal(scene->turns.running, turn);
	assert_int_equal(scene->dropped, 0);
	turn_queue_end(&scene->turns, TURN_ANSWERED, "x");
	assert_string_equal(scene->heard, "");
	assert_int_equal(scene->metrics.turns[TURN_ANSWERED], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			turns_run_in_the_order_in_which_they_came, build, raze),
		cmocka_unit_test_setup_teardown(
			turns_that_wait_can_all_be_dropped_and_the_running_one_goes_on,
			build, raze),
		cmocka_unit_test_setup_teardown(
			turns_that_nobody_waits_for_are_not_begun, build, raze),
		cmocka_unit_test_setup_teardown(
			turns_that_run_go_on_when_nobody_waits_any_more, build, raze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
