/*
 * child_scene - a reaper with one child, and what its callbacks reported.
 */
#ifndef LIB_TEST_CHILD_SCENE_H
#define LIB_TEST_CHILD_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/child.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define LONG_NS     (INT64_C(3600) * CLOCK_S)
#define PATIENCE_MS 20000
#define STEPS_MAX   8

struct child_scene {
	uv_loop_t loop;
	uv_timer_t patience;
	struct reaper *reaper;
	struct child *child;
	struct buf out, err;
	unsigned out_ends, err_ends;
	enum child_step steps[STEPS_MAX];
	int64_t step_ns[STEPS_MAX];
	unsigned step_count;
	unsigned exits, orphans;
	int status;
	unsigned out_ends_at_exit;
	bool impatient;
	int refill; /* where to write more whenever something was read, or 0 */
	bool destroy_on_output, destroy_on_step, destroy_on_exit;
};

static inline void release(struct child_scene *scene)
{
	child_destroy(scene->child);
	scene->child = NULL;
}

static inline void on_out(void *arg, const char *data, size_t len)
{
	struct child_scene *scene = arg;

	buf_add(&scene->out, data, len);
	if (len == 0)
		scene->out_ends++;
	if (len > 0 && scene->refill > 0)
		assert_int_equal(write(scene->refill, "x", 1), 1);
	if (scene->destroy_on_output)
		release(scene);
}

static inline void on_err(void *arg, const char *data, size_t len)
{
	struct child_scene *scene = arg;

	buf_add(&scene->err, data, len);
	if (len == 0)
		scene->err_ends++;
}

static inline void on_step(void *arg, enum child_step step)
{
	struct child_scene *scene = arg;

	assert_true(scene->step_count < STEPS_MAX);
	scene->step_ns[scene->step_count] = clock_now();
	scene->steps[scene->step_count++] = step;
	if (scene->destroy_on_step)
		release(scene);
}

static inline void on_exit_seen(void *arg, int status)
{
	struct child_scene *scene = arg;

	scene->exits++;
	scene->status = status;
	scene->out_ends_at_exit = scene->out_ends;
	if (scene->destroy_on_exit)
		release(scene);
}

static inline void on_orphan(void *arg, pid_t pid UNUSED, int status UNUSED)
{
	((struct child_scene *)arg)->orphans++;
}

static inline void on_patience_end(uv_timer_t *timer)
{
	((struct child_scene *)timer->data)->impatient = true;
}

static inline int set_up(void **state)
{
	struct child_scene *scene = mem_zeroed(sizeof *scene);
	struct err err;

	*state = scene;
	uv_loop_init(&scene->loop);
	uv_timer_init(&scene->loop, &scene->patience);
	scene->patience.data = scene;
	uv_timer_start(&scene->patience, on_patience_end, PATIENCE_MS, 0);
	uv_unref((uv_handle_t *)&scene->patience);
	scene->reaper = reaper_create(&scene->loop, on_orphan, scene, &err);
	return scene->reaper ? 0 : -1;
}

/* Checks that nothing is left in the loop. */
static inline int tear_down(void **state)
{
	struct child_scene *scene = *state;
	int closed;

	child_destroy(scene->child);
	reaper_kill_all(scene->reaper);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	reaper_destroy(scene->reaper);
	uv_close((uv_handle_t *)&scene->patience, NULL);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	closed = uv_loop_close(&scene->loop);
	buf_done(&scene->out);
	buf_done(&scene->err);
	free(scene);
	return closed;
}

static inline struct child_spec spec_of(
	struct child_scene *scene, const char *const *argv)
{
	return (struct child_spec){
		.argv = argv,
		.on_stdout = on_out,
		.on_stderr = on_err,
		.on_step = on_step,
		.on_exit = on_exit_seen,
		.arg = scene,
		.with_stdin = true,
	};
}

static inline void start(struct child_scene *scene, const struct child_spec *spec)
{
	struct err err = {0};

	scene->child = child_spawn(scene->reaper, spec, &err);
	if (!scene->child)
		fail_msg("%s", err.text);
}

static inline void start_shell(struct child_scene *scene, const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	const struct child_spec spec = spec_of(scene, argv);

	start(scene, &spec);
}

/* Waits for a condition, PATIENCE_MS at most. */
static inline void wait_event(struct child_scene *scene)
{
	uv_ref((uv_handle_t *)&scene->patience);
	uv_run(&scene->loop, UV_RUN_ONCE);
	uv_unref((uv_handle_t *)&scene->patience);
	assert_false(scene->impatient);
}

static inline void run_to_exit(struct child_scene *scene)
{
	while (scene->exits == 0)
		wait_event(scene);
}

static inline void run_until_said(struct child_scene *scene, const char *text)
{
	while (!strstr(buf_text(&scene->out), text))
		wait_event(scene);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
