#include "lib/completion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cc.h"
#include "lib/mem.h"

static const struct argp_option options[] = {
	{.doc = "A group:", .group = 1},
	{"engine", 'e', "auto|docker", 0, "where it runs; by default auto", 1},
	{"report", 'r', "DIR", 0, "where reports go", 1},
	{"detach", 'd', NULL, 0, NULL, 1},
	{"color", 0x100, "on|off", OPTION_ARG_OPTIONAL, "colors", 1},
	{"secret", 's', "FILE", OPTION_HIDDEN, "not told", 1},
	{"TOKEN", 0x101, NULL, OPTION_DOC, "a variable", 1},
	{0},
};

static const struct argp command = {
	.options = options, .args_doc = "[SCENARIO|FOLDER...]"};

static const struct argp_option command_rows[] = {
	{.doc = "Commands:", .group = 1},
	{"run", 0, NULL, OPTION_DOC, "runs it: now", 1},
	{"stop", 0, NULL, OPTION_DOC, "stops it", 1},
	{0},
};

static const struct argp program = {.options = command_rows, .args_doc = "COMMAND"};
static const struct argp nothing = {0};

static const struct {
	const struct argp *argp;
	const char *words[4];
	const char *offered;
	const char *why;
} rows[] = {
	{&program, {""}, "run\truns it\nstop\tstops it\n", "commands"},
	{&program, {"--"}, "--help\tgive the list of options\n", "their options"},
	{&command, {""}, ":SCENARIO\n", "the table's name of an argument"},
	{&command, {"x", "y"}, ":SCENARIO\n", "of the second as well"},
	{&command, {"--"},
		"--engine\twhere it runs\n--report\twhere reports go\n--detach\n"
		"--color\tcolors\n--help\tgive the list of options\n",
		"all options but hidden ones"},
	{&command, {"-"},
		"--engine\twhere it runs\n--report\twhere reports go\n--detach\n"
		"--color\tcolors\n--help\tgive the list of options\n",
		"one dash is enough"},
	{&command, {"--re"}, "--report\twhere reports go\n", "those that fit"},
	{&command, {"--engine", ""}, "auto\ndocker\n", "values behind a blank"},
	{&command, {"-e", "d"}, "auto\ndocker\n", "behind a letter"},
	{&command, {"--engine=d"}, "--engine=auto\n--engine=docker\n", "behind ="},
	{&command, {"--report", "a"}, ":DIR\n", "what the shell knows"},
	{&command, {"--report=a"}, ":DIR\n", "also behind ="},
	{&command, {"--report=a", ""}, ":SCENARIO\n", "which is no value any more"},
	{&command, {"--color", ""}, ":SCENARIO\n", "an optional value needs ="},
	{&command, {"--color="}, "--color=on\n--color=off\n", "and has it there"},
	{&command, {"--secret", ""}, ":SCENARIO\n", "a hidden option has no value"},
	{&command, {"--detach", "-"},
		"--engine\twhere it runs\n--report\twhere reports go\n--detach\n"
		"--color\tcolors\n--help\tgive the list of options\n",
		"an option without a value takes none"},
	{&command, {"--", "x", "--"}, ":COMMAND\n", "a command of somebody else"},
	{&nothing, {""}, "", "a program without arguments"},
	{&nothing, {NULL}, "", "no word at all"},
};

static void each_word_has_what_may_stand_there(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *offered = NULL;
		size_t len;
		FILE *out = open_memstream(&offered, &len);
		int count = 0;

		while (count < 4 && rows[i].words[count])
			count++;
		completion_print(out, rows[i].argp, count, rows[i].words);
		fclose(out);
		if (strcmp(offered, rows[i].offered) != 0)
			fail_msg("%s: \"%s\"", rows[i].why, offered);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_word_has_what_may_stand_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
