#include "harness/command/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/programs.h"
#include "harness/scenario/scenario.h"
#include "harness/target/scenario_draft.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/options.h"
#include "lib/terminal.h"

struct arguments {
	const char *container;
	const char *out; /* NULL: stdout */
};

static const struct argp_option option_table[] = {
	{"output", 'o', "FILE", 0, "write it there, if there is no such file (stdout)",
		0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'o':
		arguments->out = value;
		if (access(value, F_OK) == 0)
			argp_error(state, "--output: %s is there already", value);
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->container)
			argp_error(state, "one container, not also \"%s\"", value);
		arguments->container = value;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "name a container");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	.options = option_table,
	.parser = parse_option,
	.args_doc = "CONTAINER",
	.doc = "Writes a scenario that starts another container like this one and stops it, "
	       "to be changed and kept. It runs beside the container, whose data and ports it "
	       "does not touch; secrets are left to be filled in. What to know is said on "
	       "stderr, and stands in \"why\"."
	       "\vExit codes: 0 it is written, 2 bad usage, 3 it is not: no daemon, no such "
	       "container.",
};

/* --- what the engine says --- */

/* The processes of a container on our kernel, for the ports on which they listen. */
static bool see(
	struct snapshot *processes, const struct engine *engine, const cJSON *container)
{
	int64_t pid = json_int(json_get(container, "State"), "Pid", 0);
	struct err err;

	return engine->capabilities.snapshots && pid > 0 &&
		snapshot_take(processes, (pid_t)pid, true, NULL, &err);
}

static cJSON *draft_from(
	struct engine *engine, const char *name, struct strlist *hints, struct err *err)
{
	SCOPED(json_free)
	cJSON *container = engine_describe(engine, ENGINE_CONTAINER, name, err);
	const char *image_name = json_text(json_get(container, "Config"), "Image");
	SCOPED(snapshot_done) struct snapshot processes = {0};
	SCOPED(json_free) cJSON *image = NULL;
	struct err unknown;

	if (!container)
		return NULL;
	if (image_name)
		image = engine_describe(engine, ENGINE_IMAGE, image_name, &unknown);
	return scenario_draft(
		&(struct scenario_draft_of){
			.container = container,
			.image = image,
			.processes =
				see(&processes, engine, container) ? &processes : NULL,
		},
		hints);
}

/* A container may have what a scenario does not allow. */
static bool check(const char *text, struct err *err)
{
	struct json_doc doc;
	struct scenario scenario;
	struct err why = {0};
	bool ok;

	if (!json_doc_parse(&doc, "the scenario", text, strlen(text), err))
		return false;
	ok = scenario_read(&scenario, &doc, doc.root, fields_keep_first, &why);
	if (ok) {
		ok = scenario_check(&scenario, &doc, doc.root, fields_keep_first, &why);
		scenario_done(&scenario);
	}
	json_doc_done(&doc);
	return ok || err_set(err, "%s", why.text);
}

static bool draw_up(
	const struct arguments *arguments, struct engine *engine, struct err *err)
{
	SCOPED(strlist_done) struct strlist hints = {0};
	SCOPED(json_free)
	cJSON *root = draft_from(engine, arguments->container, &hints, err);
	SCOPED(mem_free) char *json = root ? json_print_inert(root, true) : NULL;
	SCOPED(mem_free) char *text = json ? mem_textf("%s\n", json) : NULL;
	struct err why;

	if (!text)
		return false;
	if (!arguments->out)
		fputs(text, stdout);
	else if (!fs_write_file(arguments->out, text, strlen(text), err))
		return false;
	for (unsigned i = 0; i < hints.count; i++)
		terminal_print(stderr, "stopbench: %s\n", hints.item[i]);
	if (!check(text, &why))
		terminal_print(stderr, "stopbench: to be mended: %s\n", why.text);
	if (arguments->out)
		terminal_print(stderr, "stopbench: run it by `stopbench run %s`\n",
			arguments->out);
	return true;
}

int cmd_init(int argc, char **argv)
{
	SCOPED(mem_free) char *programs = programs_folder();
	struct arguments arguments = {0};
	struct err err = {0};
	struct engine *engine;
	uv_loop_t loop;
	bool ok = false;

	options_parse(&parser, argc, argv, &arguments);
	uv_loop_init(&loop);
	engine = engine_create(&loop, "docker",
		&(struct engine_options){.run_id = "init", .programs = programs}, &err);
	if (engine)
		ok = draw_up(&arguments, engine, &err);
	if (!ok)
		terminal_print(stderr, "stopbench: %s\n", err.text);
	engine_destroy(engine);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	return ok ? EXIT_MET : EXIT_NOT_RUN;
}
