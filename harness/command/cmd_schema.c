#include "harness/command/command.h"

#include <stdio.h>

#include "harness/results/results_members.h"
#include "harness/scenario/plan.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/options.h"

static const struct argp_option option_table[] = {
	{"results", 'r', NULL, 0, "of results.json (docs/results.schema.json)", 0},
	{0},
};

static error_t parse_option(int key, char *value UNUSED, struct argp_state *state)
{
	bool *of_results = state->input;

	if (key != 'r')
		return ARGP_ERR_UNKNOWN;
	*of_results = true;
	return 0;
}

static const struct argp parser = {
	.options = option_table,
	.parser = parse_option,
	.doc = "Prints the JSON Schema (draft-07) of a scenario file, for editors and other "
	       "checkers; `stopbench validate` checks more.",
};

int cmd_schema(int argc, char **argv)
{
	SCOPED(json_free) cJSON *schema = NULL;
	SCOPED(mem_free) char *text = NULL;
	bool of_results = false;

	options_parse(&parser, argc, argv, &of_results);
	schema = of_results ? results_schema() : plan_schema();
	text = cJSON_Print(schema);
	puts(text);
	return EXIT_MET;
}
