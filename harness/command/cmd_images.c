#include "harness/command/command.h"

#include <signal.h>
#include <stdio.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/programs.h"
#include "lib/mem.h"
#include "lib/options.h"
#include "lib/terminal.h"

static const struct argp_option option_table[] = {
	{"engine", 'e', "docker|cri", 0,
		"where to: the Docker engine (the default), or a Kubernetes node's CRI runtime",
		0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	const char **engine = state->input;

	if (key != 'e')
		return ARGP_ERR_UNKNOWN;
	if (!engine_kind_has_containers(value))
		argp_error(state, "--engine: docker or cri, not \"%s\"", value);
	*engine = value;
	return 0;
}

static const struct argp parser = {
	.options = option_table,
	.parser = parse_option,
	.doc = "Loads stopbench's own images into the engine and prints their names: "
	       "the service, the mock agent API, and all programs with a shell, which is "
	       "what scenarios run. Nothing is pulled; an image whose contents have not "
	       "changed is left as it is.",
};

static void on_signal(uv_signal_t *signal, int number UNUSED)
{
	*(bool *)signal->data = true;
}

static void on_said(void *arg UNUSED, const char *line)
{
	terminal_print(stdout, "%s\n", line);
}

static bool load(uv_loop_t *loop, const char *name, const bool *interrupted)
{
	SCOPED(mem_free) char *programs = programs_folder();
	struct err err = {0};
	struct engine *engine = engine_create(loop, name,
		&(struct engine_options){
			.run_id = "images",
			.programs = programs,
			.interrupted = interrupted,
		},
		&err);
	bool ok = engine && engine_images(engine, on_said, NULL, &err) >= 0;

	if (!ok)
		terminal_print(stderr, "stopbench: %s\n", err.text);
	engine_destroy(engine);
	return ok;
}

int cmd_images(int argc, char **argv)
{
	bool interrupted = false;
	uv_signal_t interrupt;
	uv_loop_t loop;
	const char *engine = "docker";
	bool ok;

	options_parse(&parser, argc, argv, &engine);
	uv_loop_init(&loop);
	uv_signal_init(&loop, &interrupt);
	interrupt.data = &interrupted;
	uv_signal_start(&interrupt, on_signal, SIGINT);
	uv_unref((uv_handle_t *)&interrupt);
	ok = load(&loop, engine, &interrupted);
	uv_close((uv_handle_t *)&interrupt, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	return ok ? EXIT_MET : EXIT_NOT_RUN;
}
