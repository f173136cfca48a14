#include "harness/command/command.h"

#include <stdio.h>

#include "harness/scenario/plan.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/options.h"

static const struct argp parser = {
	.doc = "Prints the JSON Schema (draft-07) of a scenario file, for editors and other "
	       "checkers; `stopbench validate` checks more.",
};

int cmd_schema(int argc, char **argv)
{
	SCOPED(json_free) cJSON *schema = NULL;
	SCOPED(mem_free) char *text = NULL;

	options_parse(&parser, argc, argv, NULL);
	schema = plan_schema();
	text = cJSON_Print(schema);
	puts(text);
	return EXIT_MET;
}
