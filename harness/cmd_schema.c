#include "harness/command.h"

#include <argp.h>
#include <stdio.h>

#include "harness/scenario/plan.h"
#include "lib/json.h"
#include "lib/mem.h"

static const struct argp parser = {
	.doc = "Prints the JSON Schema (draft-07) of a scenario file, for editors and other "
	       "checkers; `stopbench validate` knows more.",
};

int cmd_schema(int argc, char **argv)
{
	SCOPED(json_free) cJSON *schema = NULL;
	SCOPED(mem_free) char *text = NULL;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&parser, argc, argv, 0, NULL, NULL);
	schema = plan_schema();
	text = cJSON_Print(schema);
	puts(text);
	return EXIT_MET;
}
