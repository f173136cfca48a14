#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/engine/proc_events.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/wait.h"
#include "test/support/pid_namespace.h"

#define PATIENCE_NS (20 * CLOCK_S)

struct proc_events_scene {
	uv_loop_t loop;
	struct proc_events *events; /* NULL: not allowed here */
	const struct proc_lineage *lineage;
	pid_t awaited;
};

static int set_up(void **state)
{
	struct proc_events_scene *scene = mem_zeroed(sizeof *scene);
	struct err err = {0};

	uv_loop_init(&scene->loop);
	scene->events = proc_events_open(&scene->loop, &err);
	if (!scene->events)
		print_message("%s\n", err.text);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct proc_events_scene *scene = *state;

	proc_events_close(scene->events);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	free(scene);
	return 0;
}

/* The place of the awaited process; the count: it is not of the lineage. */
static unsigned place(const struct proc_events_scene *scene)
{
	unsigned i = 0;

	while (i < scene->lineage->count &&
		scene->lineage->descendants[i].pid != scene->awaited)
		i++;
	return i;
}

static const struct proc_record *record_of(const struct proc_events_scene *scene)
{
	assert_true(place(scene) < scene->lineage->count);
	return &scene->lineage->descendants[place(scene)];
}

static bool has_ended(const void *arg)
{
	const struct proc_events_scene *scene = arg;

	return place(scene) < scene->lineage->count && record_of(scene)->ended_ns;
}

static void await(struct proc_events_scene *scene, wait_fn *is_so)
{
	assert_int_equal(
		wait_until(&scene->loop, is_so, scene, clock_now() + PATIENCE_NS, NULL),
		WAIT_SO);
}

/* --- put in from outside --- */

static void one_that_was_put_in_is_of_the_lineage(void **state)
{
	struct proc_events_scene *scene = *state;
	struct pid_namespace space;
	const struct proc_record *record;
	int64_t before_ns = clock_now();

	if (!scene->events || !pid_namespace_open(&space))
		skip();
	scene->lineage = proc_events_watch(scene->events, space.pid1);
	scene->awaited = pid_namespace_put_in(&space, "sleep 0.2; exit 3");
	await(scene, has_ended);
	record = record_of(scene);
	assert_true(record->outside);
	assert_true(record->exec_ns > before_ns);
	assert_true(record->ended_ns >= record->exec_ns);
	assert_int_equal(WEXITSTATUS(record->wait_status), 3);
	assert_false(scene->lineage->incomplete);
	assert_int_equal(scene->lineage->self.ended_ns, 0);
	pid_namespace_close(&space);
}

static void one_that_was_there_at_the_attach_is_of_the_lineage(void **state)
{
	struct proc_events_scene *scene = *state;
	struct pid_namespace space;
	const struct proc_record *record;

	if (!scene->events || !pid_namespace_open(&space))
		skip();
	scene->awaited = pid_namespace_put_in(&space, "sleep 100; true");
	scene->lineage = proc_events_watch(scene->events, space.pid1);
	record = record_of(scene);
	assert_true(record->outside);
	assert_int_equal(record->born_ns, 0);
	assert_int_equal(record->ended_ns, 0);
	kill(scene->awaited, SIGKILL);
	await(scene, has_ended);
	assert_int_equal(record_of(scene)->wait_status, SIGKILL);
	pid_namespace_close(&space);
}

static bool has_two(const void *arg)
{
	return ((const struct proc_events_scene *)arg)->lineage->count == 2;
}

static void what_it_forks_is_told_with_its_parent(void **state)
{
	struct proc_events_scene *scene = *state;
	struct pid_namespace space;
	if (!scene->events || !pid_namespace_open(&space))
		skip();
	scene->lineage = proc_events_watch(scene->events, space.pid1);
	scene->awaited = pid_namespace_put_in(&space, "sleep 100; true");
	await(scene, has_two);
	assert_int_equal(place(scene), 0);
	assert_int_equal(scene->lineage->descendants[1].parent, scene->awaited);
	assert_false(scene->lineage->descendants[1].outside);
	pid_namespace_close(&space);
}

static void one_of_another_namespace_is_not(void **state)
{
	struct proc_events_scene *scene = *state;
	struct pid_namespace space, other;
	pid_t stranger;

	if (!scene->events || !pid_namespace_open(&space))
		skip();
	assert_true(pid_namespace_open(&other));
	scene->lineage = proc_events_watch(scene->events, space.pid1);
	stranger = pid_namespace_put_in(&other, "sleep 0.2");
	/* Its event has come when that of a later one has. */
	scene->awaited = pid_namespace_put_in(&space, "sleep 0.2; true");
	await(scene, has_ended);
	scene->awaited = stranger;
	assert_int_equal(place(scene), scene->lineage->count);
	pid_namespace_close(&space);
	pid_namespace_close(&other);
}

/* --- what is past --- */

static bool has_three(const void *arg)
{
	return ((const struct proc_events_scene *)arg)->lineage->count == 3;
}

static void what_has_ended_is_let_go_of_and_what_runs_is_not(void **state)
{
	struct proc_events_scene *scene = *state;
	struct pid_namespace space;
	pid_t shell, last;

	if (!scene->events || !pid_namespace_open(&space))
		skip();
	scene->lineage = proc_events_watch(scene->events, space.pid1);
	shell = pid_namespace_put_in(&space, "sleep 0.2; sleep 100; true");
	await(scene, has_three);
	last = scene->lineage->descendants[2].pid;
	proc_events_trim(
		scene->events, scene->lineage, scene->lineage->descendants[1].ended_ns);
	assert_int_equal(scene->lineage->count, 3);
	proc_events_trim(scene->events, scene->lineage, clock_now());
	assert_int_equal(scene->lineage->count, 2);
	assert_int_equal(scene->lineage->descendants[0].pid, shell);
	/* It is still told of, at its place of now. */
	assert_ptr_equal(proc_events_find(scene->events, scene->lineage, last),
		&scene->lineage->descendants[1]);
	scene->awaited = last;
	kill(last, SIGKILL);
	await(scene, has_ended);
	assert_int_equal(record_of(scene)->wait_status, SIGKILL);
	pid_namespace_close(&space);
}

/* --- the attach --- */

/* A parent that waits for none of its children. */
static pid_t fork_parent_of_a_zombie(pid_t *zombie)
{
	pid_t parent, child;
	siginfo_t info;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	parent = fork();
	if (parent == 0) {
		child = fork();
		if (child == 0)
			_exit(0);
		waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
		if (write(ends[1], &child, sizeof child) == sizeof child)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ends[0], zombie, sizeof *zombie), sizeof *zombie);
	close(ends[0]);
	close(ends[1]);
	return parent;
}

static void a_zombie_at_the_attach_has_ended_before(void **state)
{
	struct proc_events_scene *scene = *state;
	pid_t zombie, parent;

	if (!scene->events)
		skip();
	parent = fork_parent_of_a_zombie(&zombie);
	scene->lineage = proc_events_watch(scene->events, parent);
	assert_int_equal(scene->lineage->count, 1);
	assert_int_equal(scene->lineage->descendants[0].pid, zombie);
	assert_int_equal(scene->lineage->descendants[0].ended_ns, PROC_ENDED_BEFORE);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
}

int main(void)
{
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(one_that_was_put_in_is_of_the_lineage),
		SCENE(one_that_was_there_at_the_attach_is_of_the_lineage),
		SCENE(what_it_forks_is_told_with_its_parent),
		SCENE(one_of_another_namespace_is_not),
		SCENE(what_has_ended_is_let_go_of_and_what_runs_is_not),
		SCENE(a_zombie_at_the_attach_has_ended_before),
	};
#undef SCENE

	return cmocka_run_group_tests_name("proc_events", tests, NULL, NULL);
}
