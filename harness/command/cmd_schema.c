#include "harness/command/command.h"

#include <stdio.h>

#include "harness/results/results_members.h"
#include "harness/scenario/plan.h"
#include "harness/scenario/reference.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/options.h"

static const struct argp_option option_table[] = {
	{"markdown", 'm', NULL, 0,
		"every key of a scenario as a document (docs/scenario-reference.md)",
		0},
	{"results", 'r', NULL, 0, "of results.json (docs/results.schema.json)", 0},
	{0},
};

struct arguments {
	bool of_results, markdown;
};

static error_t parse_option(int key, char *value UNUSED, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'm':
		arguments->markdown = true;
		return 0;
	case 'r':
		arguments->of_results = true;
		return 0;
	case ARGP_KEY_END:
		if (arguments->markdown && arguments->of_results)
			argp_error(
				state, "--markdown is of a scenario, --results is not");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	.options = option_table,
	.parser = parse_option,
	.doc = "Prints the JSON Schema (draft-07) of a scenario file, for editors and other "
	       "checkers; `stopbench validate` checks more.",
};

int cmd_schema(int argc, char **argv)
{
	struct arguments arguments = {0};
	SCOPED(json_free) cJSON *schema = NULL;
	SCOPED(mem_free) char *text = NULL;

	options_parse(&parser, argc, argv, &arguments);
	schema = arguments.of_results ? results_schema() : plan_schema();
	if (arguments.markdown) {
		reference_print(stdout, schema);
		return EXIT_MET;
	}
	text = cJSON_Print(schema);
	puts(text);
	return EXIT_MET;
}
