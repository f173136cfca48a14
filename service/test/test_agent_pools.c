#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/cc.h"
#include "service/agent/agent_pools.h"

#define MANY  1024 /* connections: eight pools */
#define POOLS 8
#define IDS   4096

struct scene {
	uv_loop_t loop;
	struct agent_pools *pools;
};

static void scene_open(struct scene *scene, unsigned connections)
{
	struct err err = {0};

	assert_int_equal(uv_loop_init(&scene->loop), 0);
	scene->pools = agent_pools_create(&scene->loop, connections, &err);
	assert_non_null(scene->pools);
}

static void scene_close(struct scene *scene)
{
	agent_pools_destroy(scene->pools);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
}

/* Gives the index of pool among those that were seen before it, or adds it. */
static unsigned index_of(struct fetch **seen, unsigned *count, struct fetch *pool)
{
	unsigned i = 0;

	while (i < *count && seen[i] != pool)
		i++;
	assert_in_range(i, 0, POOLS - 1);
	if (i == *count)
		seen[(*count)++] = pool;
	return i;
}

static void ids_spread_over_all_pools_and_keep_theirs(void **state UNUSED)
{
	struct scene scene;
	struct fetch *seen[POOLS];
	unsigned members[POOLS] = {0}, count = 0;

	scene_open(&scene, MANY);
	for (unsigned i = 0; i < IDS; i++) {
		char id[32];
		struct fetch *pool;

		snprintf(id, sizeof id, "sesn_%06u", i);
		pool = agent_pools_choose(scene.pools, id);
		assert_ptr_equal(agent_pools_choose(scene.pools, id), pool);
		members[index_of(seen, &count, pool)]++;
	}
	assert_int_equal(count, POOLS);
	for (unsigned i = 0; i < POOLS; i++)
		assert_in_range(members[i], IDS / POOLS / 2, IDS / POOLS * 2);
	scene_close(&scene);
}

static void what_has_no_id_takes_each_pool_in_turn(void **state UNUSED)
{
	struct scene scene;
	struct fetch *seen[POOLS];
	unsigned count = 0;

	scene_open(&scene, MANY);
	for (unsigned i = 0; i < 2 * POOLS; i++)
		assert_int_equal(
			index_of(seen, &count, agent_pools_choose(scene.pools, NULL)),
			i % POOLS);
	scene_close(&scene);
}

static void few_connections_share_one_pool(void **state UNUSED)
{
	struct scene scene;

	scene_open(&scene, 1);
	assert_ptr_equal(agent_pools_choose(scene.pools, "a"),
		agent_pools_choose(scene.pools, NULL));
	assert_ptr_equal(agent_pools_choose(scene.pools, "a"),
		agent_pools_choose(scene.pools, "b"));
	scene_close(&scene);
}

static void count_handle(uv_handle_t *handle UNUSED, void *arg)
{
	++*(unsigned *)arg;
}

static unsigned handles_of(uv_loop_t *loop)
{
	unsigned count = 0;

	uv_walk(loop, count_handle, &count);
	return count;
}

/* The stop of a service without sessions would close all of them. */
static void a_pool_is_made_when_it_is_needed(void **state UNUSED)
{
	struct scene few, many;

	scene_open(&few, 1);
	scene_open(&many, MANY);
	assert_int_equal(handles_of(&many.loop), handles_of(&few.loop));
	agent_pools_choose(many.pools, NULL);
	assert_int_equal(handles_of(&many.loop), handles_of(&few.loop));
	agent_pools_choose(many.pools, NULL);
	assert_int_equal(handles_of(&many.loop), 2 * handles_of(&few.loop));
	scene_close(&many);
	scene_close(&few);
}

static void destroy_accepts_null(void **state UNUSED)
{
	agent_pools_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_spread_over_all_pools_and_keep_theirs),
		cmocka_unit_test(what_has_no_id_takes_each_pool_in_turn),
		cmocka_unit_test(few_connections_share_one_pool),
		cmocka_unit_test(a_pool_is_made_when_it_is_needed),
		cmocka_unit_test(destroy_accepts_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
