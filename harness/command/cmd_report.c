#include "harness/command/command.h"

#include <stdio.h>

#include "harness/compare/results_file.h"
#include "harness/format/outputs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/options.h"
#include "lib/terminal.h"

struct report {
	struct outputs outputs;
	const char *path;
};

static const struct argp_option option_table[] = {
	{"format", 'f', "NAME[=FILE]", 0, NULL, 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct report *report = state->input;
	struct err err;

	switch (key) {
	case 'f':
		if (!outputs_add(&report->outputs, value, &err))
			argp_error(state, "--format: %s", err.text);
		return 0;
	case ARGP_KEY_ARG:
		if (report->path)
			argp_error(state, "one file of results, not also %s", value);
		report->path = value;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which file of results? `stopbench run` writes %s",
			"reports/results.json");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	.help_filter = outputs_help_filter,
	.options = option_table,
	.parser = parse_option,
	.args_doc = "RESULTS.json",
	.doc = "Prints the results of an earlier `stopbench run`. Exit codes: 0 printed, "
	       "whatever the results are; 2 the file is not to be understood; 3 an output "
	       "could not be written.",
};

/* A picture is drawn from what was seen of a stop, which results.json has only where a run
 * was asked for it. */
static void tell_of_pictures(const struct outputs *outputs, const cJSON *results)
{
	const cJSON *round;

	cJSON_ArrayForEach(round, json_get(results, "cases")) {
		if (json_get(round, "picture"))
			return;
	}
	for (unsigned i = 0; i < outputs->count; i++) {
		if (outputs->list[i].format->wants_picture)
			terminal_print(stderr,
				"stopbench: %s: these results have no picture of any stop; "
				"`stopbench run --format %s=FILE` draws them\n",
				outputs->list[i].format->name,
				outputs->list[i].format->name);
	}
}

static int print(const struct report *report)
{
	SCOPED(json_free) cJSON *results = NULL;
	struct err err = {0};

	results = results_file_read(report->path, &err);
	if (!results) {
		terminal_print(stderr, "stopbench: %s\n", err.text);
		return EXIT_USAGE;
	}
	tell_of_pictures(&report->outputs, results);
	if (outputs_check(&report->outputs, &err) &&
		outputs_print(&report->outputs, results, &err))
		return EXIT_MET;
	terminal_print(stderr, "stopbench: %s\n", err.text);
	return EXIT_NOT_RUN;
}

int cmd_report(int argc, char **argv)
{
	struct report report = {0};
	int code;

	options_parse(&parser, argc, argv, &report);
	code = print(&report);
	outputs_done(&report.outputs);
	return code;
}
