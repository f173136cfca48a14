#include "harness/command/command.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "harness/campaign/campaign.h"
#include "harness/rollout/witness_address.h"
#include "harness/scenario/engine_kind.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/options.h"

#define REPEAT_MAX 10000
#define JOBS_MAX   1000
#define SEED_MAX   (UINT64_MAX / 4)

/* The options, and the lists that they point to. */
struct arguments {
	struct campaign_options options;
	const char **sets, **paths, **witnesses;
	unsigned set_count, path_count, witness_count;
};

static const struct argp_option option_table[] = {
	{"engine", 'e', "auto"
#define ENGINE(name, whole_seconds, runs_images, rollouts, help) "|" #name
#include "harness/scenario/engines.def"
#undef ENGINE
		,
		0,
#define ENGINE(name, whole_seconds, runs_images, rollouts, help) #name ": " help "; "
#include "harness/scenario/engines.def"
#undef ENGINE
		"auto (the default): the first of them that can be had", 0},
	{"jobs", 'j', "N", 0,
		"run up to N rounds side by side (the number of processors); the draws do not "
		"depend on it",
		0},
	{"repeat", 'n', "N", 0, "run each case N times, in place of what its file has",
		0},
	{"warm-up", 'w', "N", 0,
		"run each case N times more before: those rounds are judged, and their times do "
		"not count",
		0},
	{"set", 's', "KEY=VALUE", 0,
		"change a value of every scenario (\"load.sessions=20\"); pins a matrix axis",
		0},
	{"filter", 'F', "TEXT|GLOB", 0,
		"only scenarios whose id has this text in it, or matches (\"kill/*\")",
		0},
	{"half", 'H', "main|twin", 0, "only this half of each case", 0},
	{"seed", 'S', "N", 0, "reproduce the draws of the run that printed this seed",
		0},
	{"report", 'r', "DIR", 0,
		"where results.json and the failed cases' folders go (reports)", 0},
	{"keep-failed", 'k', NULL, 0,
		"leave a failed case's container and folder where they are", 0},
	{"try-cures", 'c', NULL, 0,
		"run each case that was not clean again, with each cure that can be tried: an "
		"init, another stop signal, no shell in front, a longer grace",
		0},
	{"what-if", 'W', NULL, 0,
		"run each case again, 3 to 8 times in turn with and without what held its stop "
		"up, where the scenario says it, and tell the predicted and the measured saving",
		0},
	{"baseline", 'b', "FILE", 0,
		"compare with an earlier results.json: a stop that is slower or less clean is a "
		"regression, and the exit code 1",
		0},
	{"known-failures", 'K', "FILE", 0,
		"cases that are known not to be met, as JSON: they are no failure, and one that is "
		"met is (docs/results.md)",
		0},
	{"against", 'a', "COMMIT|IMAGE", 0,
		"run each case of this commit or image as well, in turn, until the difference is "
		"plain (8 to 40 pairs), and compare as --baseline does",
		0},
	{"build", 'B', "COMMAND", 0,
		"how the commit of --against is built, in a folder of its own (make)",
		0},
	{"witness", 'x', "ADDRESS", 0,
		"of a rollout: a `stopbench witness` on a node (unix:///PATH or "
		"https://HOST:PORT), or docker:unix:///PATH of a daemon of this kernel; may be "
		"repeated",
		0},
	{"format", 'f', "NAME[=FILE]", 0, NULL, 0},
	{0},
};

static const char *read_engine(struct argp_state *state, const char *value)
{
	if (strcmp(value, "auto") != 0 && !engine_kind_find(value))
		argp_error(state, "--engine: auto, %s, not \"%s\"", engine_kind_names,
			value);
	return value;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct campaign_options *options = &arguments->options;
	struct err err;

	switch (key) {
	case 'e':
		options->engine = read_engine(state, value);
		return 0;
	case 'j':
		options->jobs = (unsigned)options_count(state, "jobs", value, JOBS_MAX);
		return 0;
	case 'n':
		options->repeat =
			(unsigned)options_count(state, "repeat", value, REPEAT_MAX);
		return 0;
	case 'w':
		options->warm_up =
			(unsigned)options_count(state, "warm-up", value, REPEAT_MAX);
		return 0;
	case 's':
		arguments->sets[arguments->set_count++] = value;
		return 0;
	case 'F':
		options->plan.filter = value;
		return 0;
	case 'H':
		options->plan.main_only = strcmp(value, "main") == 0;
		options->plan.twin_only = !options->plan.main_only;
		if (options->plan.twin_only && strcmp(value, "twin") != 0)
			argp_error(state, "--half: main or twin, not \"%s\"", value);
		return 0;
	case 'S':
		options->seed = options_count(state, "seed", value, SEED_MAX);
		options->seed_given = true;
		return 0;
	case 'r':
		options->report = value;
		return 0;
	case 'k':
		options->keep_failed = true;
		return 0;
	case 'c':
		options->try_cures = true;
		return 0;
	case 'W':
		options->what_if = true;
		return 0;
	case 'f':
		if (!outputs_add(&options->outputs, value, &err))
			argp_error(state, "--format: %s", err.text);
		return 0;
	case 'b':
		options->baseline = value;
		return 0;
	case 'K':
		options->known_failures = value;
		return 0;
	case 'a':
		options->against = value;
		return 0;
	case 'B':
		options->build = value;
		return 0;
	case 'x':
		if (!witness_address_check(value, &err))
			argp_error(state, "--witness: %s", err.text);
		arguments->witnesses[arguments->witness_count++] = value;
		return 0;
	case ARGP_KEY_ARG:
		arguments->paths[arguments->path_count++] = value;
		return 0;
	case ARGP_KEY_END:
		if (options->against && (options->baseline || options->repeat))
			argp_error(state,
				"--against goes with neither --baseline nor "
				"--repeat: it makes as many pairs as it needs");
		if (options->against && options->what_if)
			argp_error(state,
				"--what-if goes not with --against, whose rounds of both "
				"sides are made in turn");
		if (options->build && !options->against)
			argp_error(state, "--build goes with --against");
		return 0;
	case ARGP_KEY_NO_ARGS:
		if (access("scenarios", F_OK) != 0)
			argp_error(state,
				"there is no folder ./scenarios: name a scenario or a folder of "
				"them (`stopbench list`)");
		arguments->paths[arguments->path_count++] = "scenarios";
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	.help_filter = outputs_help_filter,
	.options = option_table,
	.parser = parse_option,
	.args_doc = "[SCENARIO|FOLDER...]",
	.doc = "Runs scenarios and judges how the service stopped; without a path, those in "
	       "./scenarios."
	       "\vExit codes: 0 every case was met, 1 one was not, 2 bad usage or scenario, 3 "
	       "one could not run, or none did.",
};

/* Those that this process may use. */
static unsigned count_processors(void)
{
	cpu_set_t processors;

	if (sched_getaffinity(0, sizeof processors, &processors) != 0)
		return 1;
	return (unsigned)CPU_COUNT(&processors);
}

/* Short enough to type. */
static uint64_t draw_seed(void)
{
	uint32_t seed;

	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		seed = (uint32_t)clock_now();
	return seed ? seed : 1;
}

int cmd_run(int argc, char **argv)
{
	struct arguments arguments = {
		.options = {.engine = "auto",
			.report = "reports",
			.jobs = count_processors()},
	};
	struct campaign_options *options = &arguments.options;
	int code;

	/* No list is longer than the command line, but for the default folder. */
	arguments.sets = mem_zeroed(sizeof *arguments.sets * (size_t)(argc + 1));
	arguments.paths = mem_zeroed(sizeof *arguments.paths * (size_t)(argc + 1));
	arguments.witnesses =
		mem_zeroed(sizeof *arguments.witnesses * (size_t)(argc + 1));
	options_parse(&parser, argc, argv, &arguments);
	options->plan.sets = arguments.sets;
	options->paths = arguments.paths;
	options->witnesses = arguments.witnesses;
	if (!options->seed_given)
		options->seed = draw_seed();
	code = campaign_run(options);
	outputs_done(&options->outputs);
	free(arguments.sets);
	free(arguments.paths);
	free(arguments.witnesses);
	return code;
}
