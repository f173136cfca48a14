#include "harness/command/command.h"

#include <stdio.h>

#include "harness/compare/comparison.h"
#include "harness/compare/results_file.h"
#include "harness/report/comparison_table.h"
#include "harness/results/results.h"
#include "lib/json.h"
#include "lib/options.h"
#include "lib/terminal.h"

struct arguments {
	const char *paths[2]; /* BASE and NEW */
	unsigned count;
	bool json;
};

static const struct argp_option option_table[] = {
	{"json", 'j', NULL, 0, "print the comparison as JSON (docs/results.md)", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'j':
		arguments->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->count == COUNT(arguments->paths))
			return ARGP_ERR_UNKNOWN;
		arguments->paths[arguments->count++] = value;
		return 0;
	case ARGP_KEY_END:
		if (arguments->count != COUNT(arguments->paths))
			argp_error(state, "two results are compared: BASE and NEW");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	.options = option_table,
	.parser = parse_option,
	.args_doc = "BASE NEW",
	.doc = "Compares two results.json: is a stop of NEW slower or less clean than in BASE?"
	       "\vExit codes: 0 no regression, 1 a regression, 2 what cannot be compared. A stop "
	       "is slower where the difference is at least half of 5 % or 5 ms, whichever is "
	       "more, and is no chance; docs/gate.md says how that is decided, and how often "
	       "it is wrong.",
};

int cmd_compare(int argc, char **argv)
{
	struct arguments arguments = {0};
	SCOPED(json_free) cJSON *base = NULL;
	SCOPED(json_free) cJSON *new = NULL;
	SCOPED(json_free) cJSON *comparison = NULL;
	struct err err;

	options_parse(&parser, argc, argv, &arguments);
	base = results_file_read(arguments.paths[0], &err);
	new = base ? results_file_read(arguments.paths[1], &err) : NULL;
	if (!new || !comparison_check(base, new, &err)) {
		terminal_print(stderr, "stopbench: %s\n", err.text);
		return EXIT_USAGE;
	}
	comparison = comparison_json(base, new, GATE_ONCE);
	if (arguments.json)
		results_print(stdout, comparison);
	else
		comparison_table_print(stdout, comparison);
	return json_int(comparison, "regressions", 0) > 0 ? EXIT_UNMET : EXIT_MET;
}
