/*
 * bench-gate - how often the gate of stopbench compare and run --against is wrong, on
 * real stops.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/gate/measure.h"
#include "bench/gate/rates.h"
#include "bench/gate/times.h"
#include "bench/rig.h"
#include "lib/options.h"
#include "lib/signals.h"

#define COMPARISONS     1000
#define COMPARISONS_MAX 100000

enum bench_exit {
	EXIT_MEASURED = 0,
	EXIT_USAGE = 2,
	EXIT_NOT_MEASURED = 3,
};

struct options {
	struct measure_options measure;
	const char *from; /* NULL: measure */
	const char *to;
};

static const struct argp_option option_list[] = {
	{"from", 'f', "FILE", 0, "Measure nothing: count from the times of this file",
		0},
	{"realtime", 'r', NULL, 0,
		"Run the quiet half at real-time priority, where others use the machine",
		0},
	{"to", 't', "FILE", 0, "Where the times go (build/gate-times.txt)", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct options *options = state->input;
	char *end;
	long count;

	switch (key) {
	case 'f':
		options->from = value;
		return 0;
	case 'r':
		options->measure.realtime = true;
		return 0;
	case 't':
		options->to = value;
		return 0;
	case ARGP_KEY_ARG:
		count = strtol(value, &end, 10);
		if (*end != '\0' || count < 1 || count > COMPARISONS_MAX)
			argp_error(state, "COMPARISONS is 1 to %d", COMPARISONS_MAX);
		options->measure.comparisons = (unsigned)count;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	.options = option_list,
	.parser = parse_option,
	.args_doc = "[COMPARISONS]",
	.doc = "Compares a program with itself, and with itself slowed by the tolerance, in "
	       "pairs of real stops, half of them on a loaded machine, and prints how often "
	       "the gate was wrong. COMPARISONS is how many of the first kind; without it, "
	       "1000, which takes about an hour. Interrupted, it counts what it has.\v"
	       "Exit status: 0 when everything could be measured, targets met or not; 2 bad "
	       "usage; 3 when something could not be measured.",
};

static bool measure_to(struct options *options, struct times *times, struct err *err)
{
	FILE *file = fopen(options->to, "we");
	struct rig rig;
	bool ok;

	options->measure.file = file;
	if (!file)
		return err_set(err, "%s: %s", options->to, strerror(errno));
	ok = rig_open(&rig, err) && measure(&rig, times, &options->measure, err);
	rig_close(&rig);
	fclose(file);
	return ok;
}

int main(int argc, char **argv)
{
	struct options options = {
		.measure.comparisons = COMPARISONS,
		.to = "build/gate-times.txt",
	};
	struct times times = {0};
	struct err err = {0};
	bool ok;

	signals_block_only(NULL);
	options_parse(&parser, argc, argv, &options);
	ok = options.from ? times_read(&times, options.from, &err)
			  : measure_to(&options, &times, &err);
	if (!ok)
		fprintf(stderr, "bench-gate: %s\n", err.text);
	if (times.count > 0)
		rates_print(&times);
	times_done(&times);
	return ok ? EXIT_MEASURED : EXIT_NOT_MEASURED;
}
