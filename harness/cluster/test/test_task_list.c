#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/cluster/task_list.h"
#include "lib/cc.h"

static struct task_sight sight(const char *id, enum task_state state, bool wanted)
{
	return (struct task_sight){
		.id = id,
		.name = "web.1",
		.state = state,
		.wanted = wanted,
		.ready = state == TASK_RUNNING,
		.exit_code = -1,
	};
}

static bool see(struct cluster *cluster, struct task_sight seen, int64_t now_ns)
{
	return task_list_see(cluster, &seen, now_ns);
}

static void each_change_has_its_stamp(void **state UNUSED)
{
	struct cluster cluster = {0};
	struct task_sight ended = sight("a", TASK_ENDED, false);
	const struct cluster_task *task;

	ended.exit_code = 137;
	assert_true(see(&cluster, sight("a", TASK_PENDING, true), 10));
	assert_false(see(&cluster, sight("a", TASK_PENDING, true), 20));
	assert_true(see(&cluster, sight("a", TASK_RUNNING, true), 30));
	assert_true(cluster.tasks[0].ready);
	assert_true(see(&cluster, sight("a", TASK_RUNNING, false), 40));
	assert_false(cluster.tasks[0].ready);
	assert_false(see(&cluster, sight("a", TASK_RUNNING, false), 50));
	assert_true(see(&cluster, ended, 60));
	assert_true(see(&cluster, sight("a", TASK_GONE, false), 70));
	task = &cluster.tasks[0];
	assert_int_equal(cluster.task_count, 1);
	assert_int_equal(task->created_ns, 10);
	assert_int_equal(task->running_ns, 30);
	assert_int_equal(task->unwanted_ns, 40);
	assert_int_equal(task->ended_ns, 60);
	assert_int_equal(task->exit_code, 137);
	task_list_done(&cluster);
}

static void what_was_known_stays_known(void **state UNUSED)
{
	struct cluster cluster = {0};
	struct task_sight running = sight("a", TASK_RUNNING, true);

	running.address = "10.0.0.1:30001";
	running.container = "c1";
	assert_true(see(&cluster, running, 10));
	assert_true(see(&cluster, sight("a", TASK_ENDED, false), 20));
	assert_string_equal(cluster.tasks[0].address, "10.0.0.1:30001");
	assert_ptr_equal(cluster_task_of_container(&cluster, "c1"), &cluster.tasks[0]);
	assert_null(cluster_task_of_container(&cluster, "c2"));
	task_list_done(&cluster);
}

static void a_task_does_not_come_back_from_its_end(void **state UNUSED)
{
	struct cluster cluster = {0};

	assert_true(see(&cluster, sight("a", TASK_ENDED, false), 10));
	assert_false(see(&cluster, sight("a", TASK_RUNNING, true), 20));
	assert_int_equal(cluster.tasks[0].state, TASK_ENDED);
	assert_false(cluster.tasks[0].wanted);
	assert_false(cluster.tasks[0].ready);
	assert_int_equal(cluster.tasks[0].running_ns, 0);
	task_list_done(&cluster);
}

static void one_that_ended_before_its_node_is_not_lost(void **state UNUSED)
{
	struct cluster cluster = {0};
	struct task_sight lost = sight("a", TASK_ENDED, false);

	lost.lost = true;
	see(&cluster, sight("a", TASK_ENDED, false), 10);
	see(&cluster, lost, 20);
	assert_false(cluster.tasks[0].lost);
	lost.id = "b";
	see(&cluster, lost, 30);
	see(&cluster, sight("b", TASK_ENDED, false), 40);
	assert_true(cluster.tasks[1].lost);
	task_list_done(&cluster);
}

static void an_end_of_its_own_is_no_stop(void **state UNUSED)
{
	struct cluster cluster = {0};
	struct task_sight failed = sight("a", TASK_ENDED, false);

	failed.by_itself = true;
	see(&cluster, sight("a", TASK_RUNNING, true), 10);
	task_list_begin(&cluster);
	assert_true(see(&cluster, failed, 20));
	assert_false(task_list_end(&cluster, 20));
	task_list_begin(&cluster);
	assert_true(task_list_end(&cluster, 30));
	assert_int_equal(cluster.tasks[0].unwanted_ns, 0);
	assert_int_equal(cluster.tasks[0].ended_ns, 20);
	/* It was asked to, and failed then. */
	failed.id = "b";
	see(&cluster, sight("b", TASK_RUNNING, false), 40);
	see(&cluster, failed, 50);
	assert_int_equal(cluster.tasks[1].unwanted_ns, 40);
	task_list_done(&cluster);
}

static void what_is_not_in_a_list_is_gone(void **state UNUSED)
{
	struct cluster cluster = {0};
	struct task_counts counts;

	task_list_begin(&cluster);
	see(&cluster, sight("a", TASK_RUNNING, true), 10);
	see(&cluster, sight("b", TASK_RUNNING, false), 10);
	see(&cluster, sight("c", TASK_PENDING, true), 10);
	assert_false(task_list_end(&cluster, 10));
	counts = task_list_count(&cluster);
	assert_int_equal(counts.wanted, 2);
	assert_int_equal(counts.ready, 1);
	assert_int_equal(counts.ending, 1);

	task_list_begin(&cluster);
	see(&cluster, sight("a", TASK_RUNNING, true), 20);
	assert_true(task_list_end(&cluster, 20));
	assert_int_equal(cluster.tasks[1].state, TASK_GONE);
	assert_int_equal(cluster.tasks[1].unwanted_ns, 10);
	assert_int_equal(cluster.tasks[1].ended_ns, 20);
	assert_int_equal(cluster.tasks[2].unwanted_ns, 20);
	assert_int_equal(task_list_count(&cluster).ending, 0);
	assert_int_equal(task_list_count(&cluster).wanted, 1);

	task_list_begin(&cluster);
	see(&cluster, sight("a", TASK_RUNNING, true), 30);
	assert_false(task_list_end(&cluster, 30));
	task_list_done(&cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_change_has_its_stamp),
		cmocka_unit_test(what_was_known_stays_known),
		cmocka_unit_test(a_task_does_not_come_back_from_its_end),
		cmocka_unit_test(one_that_ended_before_its_node_is_not_lost),
		cmocka_unit_test(an_end_of_its_own_is_no_stop),
		cmocka_unit_test(what_is_not_in_a_list_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
