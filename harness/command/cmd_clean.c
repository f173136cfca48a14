#include "harness/command/command.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "harness/cluster/cluster.h"
#include "harness/engine/engine.h"
#include "harness/programs.h"
#include "harness/run/run_dir.h"
#include "lib/mem.h"
#include "lib/options.h"
#include "lib/terminal.h"

static const struct argp parser = {
	.doc = "Removes what interrupted runs left behind: containers, networks and sandboxes "
	       "with stopbench's label, on a manager of a swarm services too, and run folders below "
	       "$TMPDIR or /tmp. A node that such a run drained is made active again. Nothing of a "
	       "run that is still going on is removed, and nothing else.",
};

static void on_said(void *arg UNUSED, const char *line)
{
	terminal_print(stdout, "%s\n", line);
}

/* How many things of the engine's were removed; 0 without the engine, -1 on failure.
 * Most machines are no node of Kubernetes, which is nothing to be told. */
static int clean_engine(uv_loop_t *loop, const char *name)
{
	bool is_expected = strcmp(name, engine_kinds[ENGINE_KIND_cri].name) != 0;
	SCOPED(mem_free) char *programs = programs_folder();
	struct err err = {0};
	struct engine *engine = engine_create(loop, name,
		&(struct engine_options){
			.run_id = "clean",
			.programs = programs,
		},
		&err);
	int removed = 0;

	if (!engine) {
		if (is_expected)
			terminal_print(stderr, "stopbench: engine %s not cleaned: %s\n",
				name, err.text);
		return 0;
	}
	removed = engine_clean(engine, run_dir_is_over, on_said, NULL, &err);
	if (removed < 0)
		terminal_print(stderr, "stopbench: %s\n", err.text);
	engine_destroy(engine);
	return removed;
}

/* The same of an orchestrator, which most machines have not: that is nothing to be told,
 * either. */
static int clean_cluster(uv_loop_t *loop, const char *name)
{
	struct err err = {0};
	struct cluster *cluster = cluster_create(
		loop, name, &(struct cluster_options){.run_id = "clean"}, &err);
	int removed = 0;

	if (!cluster)
		return 0;
	removed = cluster_clean(cluster, run_dir_is_over, on_said, NULL, &err);
	if (removed < 0)
		terminal_print(stderr, "stopbench: %s\n", err.text);
	cluster_destroy(cluster);
	return removed;
}

/* A sum in which -1 is a failure. */
static int sum(int a, int b)
{
	return a < 0 || b < 0 ? -1 : a + b;
}

int cmd_clean(int argc, char **argv)
{
	uv_loop_t loop;
	unsigned folders;
	int removed = 0;

	options_parse(&parser, argc, argv, NULL);
	uv_loop_init(&loop);
	for (size_t i = 0; cluster_kinds[i]; i++)
		removed = sum(removed, clean_cluster(&loop, cluster_kinds[i]));
	for (size_t i = 0; i < ENGINE_KINDS; i++)
		if (engine_kinds[i].runs_images && !engine_kinds[i].rollouts)
			removed =
				sum(removed, clean_engine(&loop, engine_kinds[i].name));
	/* After the containers: they may still have the folders mounted. */
	folders = run_dir_clean();
	if (folders)
		printf("%u folder%s of runs that are over\n", folders,
			folders == 1 ? "" : "s");
	if (removed == 0 && folders == 0)
		puts("nothing to remove");
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	return removed < 0 ? EXIT_NOT_RUN : EXIT_MET;
}
