#include "lib/options.h"

#include <stdlib.h>
#include <string.h>

#include "lib/cc.h"
#include "lib/completion.h"
#include "lib/man_page.h"

#define GROUP_OF_HELP (-1) /* argp's own "--help" is in it */

static error_t parse_option(int key, char *value UNUSED, struct argp_state *state)
{
	if (key != 'h')
		return ARGP_ERR_UNKNOWN;
	argp_state_help(state, state->out_stream, ARGP_HELP_STD_HELP);
	return 0;
}

static const struct argp_option option_table[] = {
	{.key = 'h', .doc = "Give this help list", .group = GROUP_OF_HELP},
	{0},
};

static const struct argp help = {.options = option_table, .parser = parse_option};

/* --man and --complete */
static void describe(const struct argp *argp, int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];

	if (strcmp(what, "--man") == 0)
		man_page_print(stdout, argp, name);
	else if (strcmp(what, "--complete") == 0)
		completion_print(stdout, argp, argc - 2, (const char *const *)argv + 2);
	else
		return;
	exit(0);
}

static bool parse(
	const struct argp *argp, int argc, char **argv, unsigned flags, void *input)
{
	const struct argp_child children[] = {{.argp = &help}, {0}};
	struct argp whole = *argp;

	describe(argp, argc, argv);
	whole.children = children;
	argp_err_exit_status = OPTIONS_USAGE_EXIT;
	return argp_parse(&whole, argc, argv, flags, NULL, input) == 0;
}

bool options_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	return parse(argp, argc, argv, 0, input);
}

bool options_parse_in_order(const struct argp *argp, int argc, char **argv, void *input)
{
	return parse(argp, argc, argv, ARGP_IN_ORDER, input);
}

uint64_t options_count(
	struct argp_state *state, const char *option, const char *value, uint64_t most)
{
	char *end;
	unsigned long long number = strtoull(value, &end, 10);

	if (*end || value[0] == '-' || number == 0 || number > most)
		argp_error(state, "--%s: a number from 1 to %llu, not \"%s\"", option,
			(unsigned long long)most, value);
	return number;
}
