/*
 * stopbench - stops containers, measures how they stop, and says why.
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "harness/command/command.h"
#include "lib/cc.h"
#include "lib/mem.h"
#include "lib/options.h"
#include "lib/signals.h"
#include "lib/standard_files.h"
#include "lib/suggest.h"
#include "lib/terminal.h"
#include "lib/version.h"

struct command {
	const char *name;
	command_fn *run;
	const char *help;
};

static const struct command commands[] = {
	{"run", cmd_run, "run scenarios and judge how the service stopped"},
	{"report", cmd_report, "print the results of an earlier run, in any format"},
	{"compare", cmd_compare,
		"compare the results of two runs: slower, or less clean?"},
	{"validate", cmd_validate,
		"check scenarios: every error with file:line:column"},
	{"list", cmd_list, "list scenarios, engines found, and what each can observe"},
	{"stop", cmd_stop,
		"stop a running container, and say how it ended, why, the cure"},
	{"witness", cmd_witness,
		"watch a node's containers, and say the same of each that stops"},
	{"check", cmd_check, "what a stop of a running container would do, and why"},
	{"try", cmd_try, "run an image or a command, stop it, and say the same of it"},
	{"init", cmd_init, "write a scenario from a running container"},
	{"explain", cmd_explain, "what a diagnosis means, how it is proven and cured"},
	{"fleet", cmd_fleet,
		"how long a deploy of many replicas takes, from measured stops"},
	{"clean", cmd_clean,
		"remove what an interrupted run left behind, nothing else"},
	{"images", cmd_images,
		"load stopbench's own images into Docker, or a CRI runtime"},
	{"schema", cmd_schema,
		"print the JSON Schema of a scenario file, or of results.json"},
};

#define ABOUT "Stops containers, measures how they stop, and says why."
#define EXIT_CODES                                                                        \
	"Exit codes: 0 expectations met, 1 unmet, 2 bad usage or scenario, 3 could not\n" \
	"run.\n"

static void print_help(FILE *out)
{
	fputs("Usage: stopbench COMMAND [OPTION...] [ARGUMENT...]\n" ABOUT "\n\n", out);
	for (size_t i = 0; i < COUNT(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	fputs("\n`stopbench COMMAND --help` has the options, `stopbench --version` the version.\n" EXIT_CODES,
		out);
}

/* The same as a table, for the page of the manual and for shells, with --version. Returns
 * where the first word is no option. */
static void read_options(int argc, char **argv)
{
	struct argp_option rows[COUNT(commands) + 2] = {
		{.doc = "Commands:", .group = 1}};
	const struct argp argp = {
		.options = rows,
		.args_doc = "COMMAND [ARGUMENT...]",
		.doc = ABOUT
		" `stopbench COMMAND --help` has the options of a command, and each "
		"has a page of its own, stopbench-COMMAND(1).\v" EXIT_CODES "\n"
		"Environment:\n"
		"`DOCKER_HOST`: where the Docker engine is, as for docker(1). "
		"`TMPDIR`: where a run keeps its sockets. `NO_COLOR`: no colors. `CI`, or `TERM` being dumb: no live "
		"view.\n\n"
		"Files:\n"
		"./reports/results.json: the results of the last run, and beside "
		"it a folder for each case that was not met. "
		"PREFIX/share/stopbench/scenarios: scenarios to be run by name, as "
		"history/10-before-and-after.",
	};

	for (size_t i = 0; i < COUNT(commands); i++)
		rows[i + 1] = (struct argp_option){
			.name = commands[i].name,
			.doc = commands[i].help,
			.flags = OPTION_DOC | OPTION_NO_USAGE,
			.group = 1,
		};
	argp_program_version = "stopbench " STOPBENCH_VERSION;
	if (argc > 1 && argv[1][0] == '-')
		options_parse(&argp, argc, argv, NULL);
}

static int unknown(const char *name)
{
	const char *names[COUNT(commands)];
	const char *near;

	for (size_t i = 0; i < COUNT(commands); i++)
		names[i] = commands[i].name;
	near = suggest_name(name, names, COUNT(names));
	terminal_print(stderr, "stopbench: no such command: %s", name);
	if (near)
		fprintf(stderr, "; did you mean \"%s\"?", near);
	fputs("\n\n", stderr);
	print_help(stderr);
	return EXIT_USAGE;
}

/* The usage and the errors of a subcommand begin with both words. */
static int run_command(const struct command *command, int argc, char **argv)
{
	SCOPED(mem_free) char *name = mem_textf("stopbench %s", command->name);

	argv[0] = name;
	return command->run(argc, argv);
}

int main(int argc, char **argv)
{
	static char complete[] = "--complete";
	const char *name = argc > 1 ? argv[1] : "--help";

	signals_block_only(NULL);
	standard_files_open(EXIT_NOT_RUN);
	standard_files_flush_at_exit(EXIT_NOT_RUN);
	/* Characters only: JSON needs the points in numbers. */
	setlocale(LC_CTYPE, "");
	/* What may follow a command is the command's to say. */
	if (argc > 3 && strcmp(name, complete) == 0) {
		argv[1] = argv[2];
		argv[2] = complete;
		name = argv[1];
	}
	for (size_t i = 0; i < COUNT(commands); i++) {
		if (strcmp(name, commands[i].name) == 0)
			return run_command(&commands[i], argc - 1, argv + 1);
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
		strcmp(name, "help") == 0) {
		print_help(stdout);
		return argc > 1 ? EXIT_MET : EXIT_USAGE;
	}
	read_options(argc, argv);
	return unknown(name);
}
