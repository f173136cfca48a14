#include "harness/command/command.h"

#include <stdio.h>
#include <unistd.h>

#include "harness/scenario/plan.h"
#include "lib/options.h"

/* What was found so far. */
struct validation {
	struct plan plan;
	unsigned errors;
	bool good;
};

static void on_wrong(void *arg, const struct err *err)
{
	struct validation *validation = arg;

	validation->errors++;
	fprintf(stderr, "%s\n", err->text);
}

static void add(struct validation *validation, const char *path)
{
	const struct plan_options options = {0};
	unsigned before = validation->plan.files;
	struct err err;
	bool ok = plan_add(&validation->plan, path, &options, on_wrong, validation);

	if (ok && validation->plan.files == before) {
		ok = err_set(&err, "stopbench: no scenario in %s", path);
		on_wrong(validation, &err);
	}
	validation->good = ok && validation->good;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct validation *validation = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		add(validation, value);
		return 0;
	case ARGP_KEY_NO_ARGS:
		if (access("scenarios", F_OK) != 0)
			argp_error(state,
				"there is no folder ./scenarios: name a scenario or a "
				"folder of them");
		add(validation, "scenarios");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	.parser = parse_option,
	.args_doc = "[SCENARIO|FOLDER...]",
	.doc = "Checks scenarios and starts nothing: every error of every file is printed, with "
	       "file:line:column and the nearest known name. Without a path, those in "
	       "./scenarios.",
};

static void print_count(const struct validation *validation)
{
	unsigned files = validation->plan.files, cases = validation->plan.count;

	fprintf(stderr, "%u scenario%s, %u case%s, ", files, files == 1 ? "" : "s",
		cases, cases == 1 ? "" : "s");
	if (!validation->good)
		fprintf(stderr, "%u error%s\n", validation->errors,
			validation->errors == 1 ? "" : "s");
	else
		fputs("no error\n", stderr);
}

int cmd_validate(int argc, char **argv)
{
	struct validation validation = {.good = true};

	options_parse(&parser, argc, argv, &validation);
	print_count(&validation);
	plan_done(&validation.plan);
	return validation.good ? EXIT_MET : EXIT_USAGE;
}
