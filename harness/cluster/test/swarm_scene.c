#include "harness/cluster/test/swarm_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cluster/task_list.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "test/support/program.h"
#include "test/support/until.h"

static const char *being_cleaned;

static const char *rig(void)
{
	const char *folder = getenv("STOPBENCH_SWARM");

	return folder && folder[0] ? folder : NULL;
}

char *swarm_scene_manager(void)
{
	return mem_textf("unix://%s/n1/docker.sock", rig());
}

void swarm_scene_run(const char *name, const char *node)
{
	SCOPED(mem_free) char *script = mem_textf("test/support/%s", name);
	const char *const argv[] = {"sh", script, rig(), node, NULL};
	struct program_output output = program_run(argv);

	if (output.code != 0)
		print_error("%s: %s", script, output.err);
	assert_int_equal(output.code, 0);
	program_output_done(&output);
}

int swarm_scene_open(void **state)
{
	static unsigned number;
	SCOPED(mem_free) char *address = NULL;
	struct swarm_scene *scene;
	struct err err;

	*state = NULL;
	if (!rig())
		return 0;
	scene = mem_zeroed(sizeof *scene);
	address = swarm_scene_manager();
	uv_loop_init(&scene->loop);
	scene->run_id = mem_textf("test-%d-%u", (int)getpid(), ++number);
	scene->service = mem_textf("web-%d-%u", (int)getpid(), number);
	scene->least_ready = UINT_MAX;
	scene->cluster = cluster_create(&scene->loop, "swarm",
		&(struct cluster_options){.run_id = scene->run_id, .address = address},
		&err);
	if (!scene->cluster)
		print_error("%s\n", err.text);
	*state = scene;
	return scene->cluster ? 0 : -1;
}

static bool is_the_one(const char *run_id)
{
	return strcmp(run_id, being_cleaned) == 0;
}

static void on_said(void *arg UNUSED, const char *line UNUSED)
{
}

int swarm_scene_clean(struct swarm_scene *scene, const char *run_id)
{
	struct err err;
	int removed;

	being_cleaned = run_id;
	removed = cluster_clean(scene->cluster, is_the_one, on_said, NULL, &err);
	if (removed < 0)
		print_error("%s\n", err.text);
	return removed;
}

int swarm_scene_close(void **state)
{
	struct swarm_scene *scene = *state;
	int removed;

	if (!scene)
		return 0;
	removed = swarm_scene_clean(scene, scene->run_id);
	cluster_destroy(scene->cluster);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	uv_loop_close(&scene->loop);
	free(scene->run_id);
	free(scene->service);
	free(scene);
	return removed < 0 ? -1 : 0;
}

struct swarm_scene *swarm_scene_of(void **state)
{
	if (!*state)
		skip();
	return *state;
}

struct cluster_spec swarm_scene_spec(const struct swarm_scene *scene)
{
	static const char *const program[] = {"service", NULL};
	static const char *const env[] = {
		"HOST=0.0.0.0", "PORT=8080", "GRACE=3s", NULL};

	return (struct cluster_spec){
		.name = scene->service,
		.image = "stopbench-programs:latest",
		.entrypoint = program,
		.env = env,
		.grace_ns = 5 * CLOCK_S,
		.replicas = 4,
		.parallelism = 1,
		.port = 8080,
	};
}

static void on_changed(void *arg)
{
	struct swarm_scene *scene = arg;
	unsigned ready = task_list_count(scene->cluster).ready;

	scene->changes++;
	if (ready < scene->least_ready)
		scene->least_ready = ready;
}

void swarm_scene_deploy(struct swarm_scene *scene, const struct cluster_spec *spec)
{
	struct err err = {0};
	bool ok = cluster_deploy(scene->cluster, spec, on_changed, scene, &err);

	if (!ok)
		print_error("%s\n", err.text);
	assert_true(ok);
	SWARM_UNTIL(scene, cluster_has_settled(scene->cluster));
	scene->least_ready = spec->replicas;
}

unsigned swarm_scene_ready(const struct swarm_scene *scene, const char *node)
{
	unsigned ready = 0;

	for (unsigned i = 0; i < scene->cluster->task_count; i++) {
		const struct cluster_task *task = &scene->cluster->tasks[i];

		ready += task->ready && (!node || strcmp(task->node, node) == 0);
	}
	return ready;
}
