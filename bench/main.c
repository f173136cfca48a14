/*
 * bench - how fast stopbench and its service are, and how true the times are that
 * stopbench measures, as ratios of one run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/printout.h"
#include "bench/rig.h"
#include "bench/suite.h"
#include "lib/options.h"
#include "lib/signals.h"

enum bench_exit {
	EXIT_MEASURED = 0,
	EXIT_USAGE = 2,
	EXIT_NOT_MEASURED = 3,
};

static const struct {
	const char *name;
	suite_fn *measure;
} parts[] = {
	/* What is small comes first: crowds leave tens of thousands of sockets in
	 * TIME_WAIT, and the kernel walks them whenever sockets are looked at. */
	{"idle", suite_idle},
	{"truth", suite_truth},
	{"overhead", suite_overhead},
	{"commands", suite_commands},
	{"jobs", suite_jobs},
	{"parallel", suite_parallel},
	{"curve", suite_curve},
	{"scale", suite_scale},
	{"ladder", suite_ladder},
	{"herd", suite_herd},
	{"harness", suite_harness},
};

struct options {
	bool wanted[COUNT(parts)];
	bool all;
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct options *options = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	for (size_t i = 0; i < COUNT(parts); i++) {
		if (strcmp(parts[i].name, value) == 0) {
			options->wanted[i] = true;
			options->all = false;
			return 0;
		}
	}
	argp_error(state, "there is no part \"%s\"", value);
	return 0;
}

static const struct argp parser = {
	.parser = parse_option,
	.args_doc = "[PART...]",
	.doc = "Measures how fast and how true stopbench and its service are, and prints it "
	       "beside what it is compared with. Run it from the top of the source tree. The "
	       "parts are parallel, curve, scale, ladder, harness, idle, truth, overhead, commands "
	       "and jobs; without one, "
	       "all.\v"
	       "Exit status: 0 when everything could be measured, targets met or not; 2 bad "
	       "usage; 3 when something could not be measured.",
};

static bool measure(
	struct rig *rig, const struct options *options, struct printout *printout)
{
	bool ok = true;

	for (size_t i = 0; i < COUNT(parts) && !rig->interrupted; i++) {
		struct err err = {0};

		if (!options->all && !options->wanted[i])
			continue;
		if (!parts[i].measure(rig, printout, &err)) {
			fprintf(stderr, "bench: %s: %s\n", parts[i].name, err.text);
			ok = false;
		}
	}
	return ok && !rig->interrupted;
}

int main(int argc, char **argv)
{
	struct options options = {.all = true};
	struct printout printout = {0};
	struct rig rig;
	struct err err = {0};
	bool ok;

	signals_block_only(NULL);
	options_parse(&parser, argc, argv, &options);
	ok = rig_open(&rig, &err);
	if (!ok)
		fprintf(stderr, "bench: %s\n", err.text);
	if (ok)
		printout_machine();
	ok = ok && measure(&rig, &options, &printout);
	if (ok)
		printout_end(&printout);
	rig_close(&rig);
	return ok ? EXIT_MEASURED : EXIT_NOT_MEASURED;
}
