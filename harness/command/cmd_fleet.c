#include "harness/command/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/compare/results_file.h"
#include "harness/fleet/fleet.h"
#include "harness/report/fleet_report.h"
#include "harness/stats/sample.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/latency.h"
#include "lib/mem.h"
#include "lib/options.h"
#include "lib/terminal.h"

/* Of a distribution that is given in place of a measurement. */
#define DRAWS 2000

enum {
	KEY_MEASURED = 0x100,
	KEY_SHORTER,
	KEY_SIMULATIONS,
};

struct arguments {
	struct fleet fleet;
	struct fleet_samples samples;
	const char *stop, *start, *wait; /* in place of the measured ones, or NULL */
	const char *measured;            /* results to compare with, or NULL */
	const char **files;
	unsigned file_count;
	bool order_given, json;
};

static const struct argp_option option_table[] = {
	{"replicas", 'r', "N", 0, "tasks to replace (1000)", 0},
	{"hosts", 'H', "N", 0, "that they run on (1)", 0},
	{"parallelism", 'p', "N", 0, "tasks that are replaced side by side (1)", 0},
	{"order", 'o', "stop-first|start-first", 0,
		"which task comes first; by default as it was measured, else stop-first",
		0},
	{"delay", 'd', "TIME", 0,
		"of the update, between two tasks of one place (0s; measured updates have "
		"theirs already)",
		0},
	{"stop", 's', "TIME|JSON", 0,
		"how long a stop takes, in place of what was measured: a time (\"1.5s\") or a "
		"distribution as scenarios have it",
		0},
	{"start", 'S', "TIME|JSON", 0,
		"the same of a start, until the task takes requests", 0},
	{"wait", 'w', "TIME|JSON", 0,
		"the same between the order to stop a task and its stop signal (Swarm: 2s on an "
		"overlay network)",
		0},
	{"grace", 'g', "TIME", 0, "of each task: a longer stop is cut off (10s)", 0},
	{"lag", 'l', "TIME", 0,
		"a balancer sends requests to a task so long after its stop signal (0s)",
		0},
	{"shorter", KEY_SHORTER, "TIME", 0,
		"what would be if each stop were so much shorter (by default a quarter, half "
		"and three quarters of the median)",
		0},
	{"measured", KEY_MEASURED, "RESULTS.json", 0,
		"compare the prediction with the updates that were measured there", 0},
	{"simulations", KEY_SIMULATIONS, "N", 0, "of the deploy (400)", 0},
	{"seed", 'x', "N", 0, "of the draws (1)", 0},
	{"json", 'j', NULL, 0, "print a JSON object, times in seconds", 0},
	{0},
};

static double read_time(struct argp_state *state, const char *option, const char *value)
{
	struct err err;
	int64_t ns;

	if (!clock_parse(&ns, value, &err)) {
		argp_error(state, "--%s: %s", option, err.text);
		return 0;
	}
	return (double)ns / CLOCK_S;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct fleet *fleet = &arguments->fleet;

	switch (key) {
	case 'r':
		fleet->replicas = (unsigned)options_count(
			state, "replicas", value, FLEET_REPLICAS_MAX);
		return 0;
	case 'H':
		fleet->hosts = (unsigned)options_count(
			state, "hosts", value, FLEET_REPLICAS_MAX);
		return 0;
	case 'p':
		fleet->parallelism = (unsigned)options_count(
			state, "parallelism", value, FLEET_REPLICAS_MAX);
		return 0;
	case 'o':
		arguments->order_given = true;
		fleet->start_first = strcmp(value, "start-first") == 0;
		if (!fleet->start_first && strcmp(value, "stop-first") != 0)
			argp_error(state,
				"--order: stop-first or start-first, not \"%s\"",
				value);
		return 0;
	case 'd':
		fleet->delay = read_time(state, "delay", value);
		return 0;
	case 's':
		arguments->stop = value;
		return 0;
	case 'S':
		arguments->start = value;
		return 0;
	case 'w':
		arguments->wait = value;
		return 0;
	case 'g':
		fleet->grace = read_time(state, "grace", value);
		return 0;
	case 'l':
		fleet->lag = read_time(state, "lag", value);
		return 0;
	case KEY_MEASURED:
		arguments->measured = value;
		return 0;
	case KEY_SHORTER:
		fleet->shorter = read_time(state, "shorter", value);
		return 0;
	case KEY_SIMULATIONS:
		fleet->simulations = (unsigned)options_count(
			state, "simulations", value, FLEET_SIMULATIONS_MAX);
		return 0;
	case 'x':
		fleet->seed = options_count(state, "seed", value, UINT64_MAX / 4);
		return 0;
	case 'j':
		arguments->json = true;
		return 0;
	case ARGP_KEY_ARG:
		arguments->files[arguments->file_count++] = value;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp parser = {
	.options = option_table,
	.parser = parse_option,
	.args_doc = "[RESULTS.json...]",
	.doc = "Predicts how long a deploy of many replicas takes and what is at risk in it, "
	       "from stops that were measured: of rollouts, or of single stops.\vExit codes: 0 "
	       "it is predicted, 2 bad usage, 3 a file cannot be read or has no stops.",
};

/* --- the samples --- */

static bool read_files(struct arguments *arguments, struct err *err)
{
	for (unsigned i = 0; i < arguments->file_count; i++) {
		const char *path = arguments->files[i];
		SCOPED(json_free) cJSON *results = results_file_read(path, err);

		if (!results)
			return false;
		if (fleet_samples_read(&arguments->samples, results) == 0)
			return err_set(err, "%s has no stop that was measured", path);
	}
	return true;
}

/* A time, or a distribution: from so many draws. */
static bool give(struct arguments *arguments, enum fleet_span span, const char *given,
	struct err *err)
{
	SCOPED(mem_free)
	char *text = given && given[0] == '{' ? mem_text(given)
					      : mem_textf("\"%s\"", given ? given : "");
	SCOPED(mem_free) char *name = mem_textf("--%s", fleet_span_names[span]);
	struct latency latency = {0};
	struct json_doc doc = {0};
	struct rng rng;
	bool ok;

	if (!given)
		return true;
	ok = json_doc_given(&doc, name, text, err) &&
		latency_type.read(&latency, &doc, doc.root, err);
	rng_seed(&rng, arguments->fleet.seed + span);
	arguments->samples.count[span] = ok ? 0 : arguments->samples.count[span];
	for (unsigned i = 0; ok && i < DRAWS; i++)
		fleet_samples_add(&arguments->samples, span,
			(double)latency_draw(&latency, &rng) / CLOCK_S);
	latency_done(&latency);
	json_doc_done(&doc);
	return ok;
}

static double median(const double *values, unsigned count)
{
	struct sample sample;
	double value;

	if (count == 0)
		return 0;
	sample_init(&sample, values, count);
	value = sample_median(&sample);
	sample_done(&sample);
	return value;
}

/* Half of the stops would be over before they begin. */
static bool check_shorter(const struct arguments *arguments, struct err *err)
{
	const struct fleet_samples *samples = &arguments->samples;
	double stop = median(samples->span[FLEET_STOP], samples->count[FLEET_STOP]);

	return arguments->fleet.shorter <= 0 || arguments->fleet.shorter < stop ||
		err_set(err,
			"--shorter %s: not less than the stop itself, whose median is %s",
			CLOCK_TEXT((int64_t)(arguments->fleet.shorter * CLOCK_S)),
			CLOCK_TEXT((int64_t)(stop * CLOCK_S)));
}

/* What the command line says in place of the files, and what follows from both. */
static bool complete(struct arguments *arguments, struct err *err)
{
	const struct fleet_samples *samples = &arguments->samples;

	if (!give(arguments, FLEET_STOP, arguments->stop, err) ||
		!give(arguments, FLEET_START, arguments->start, err) ||
		!give(arguments, FLEET_WAIT, arguments->wait, err))
		return false;
	if (samples->count[FLEET_STOP] == 0)
		return err_set(
			err, "no stop is given: name a results.json, or --stop TIME");
	if (!check_shorter(arguments, err))
		return false;
	if (arguments->order_given)
		return true;
	if (samples->mixed)
		return err_set(err,
			"some updates were stop-first and some start-first: give the "
			"results of one kind, or --order");
	arguments->fleet.start_first = samples->start_first;
	return true;
}

/* The median of the updates to compare with; 0: there is nothing to. */
static bool read_measured(
	const struct arguments *arguments, double *update, struct err *err)
{
	SCOPED(fleet_samples_done) struct fleet_samples samples = {0};
	SCOPED(json_free) cJSON *results = NULL;

	*update = 0;
	if (!arguments->measured)
		return true;
	results = results_file_read(arguments->measured, err);
	if (!results)
		return false;
	fleet_samples_read(&samples, results);
	*update = median(samples.updates, samples.update_count);
	return samples.update_count > 0 ||
		err_set(err, "%s has no update that was measured", arguments->measured);
}

/* --- the report --- */

static unsigned predict_savings(
	const struct arguments *arguments, double stop, struct fleet_saving *savings)
{
	static const double parts[] = {0.25, 0.5, 0.75};
	unsigned count = 0;

	for (size_t i = 0; i < COUNT(parts); i++) {
		struct fleet shorter = arguments->fleet;

		shorter.shorter = arguments->fleet.shorter > 0
			? arguments->fleet.shorter
			: parts[i] * stop;
		savings[count].shorter = shorter.shorter;
		savings[count++].update = fleet_predict(&shorter).update;
		if (arguments->fleet.shorter > 0)
			break;
	}
	return stop > 0 ? count : 0;
}

static void report(const struct arguments *arguments, double measured_update)
{
	const struct fleet_samples *samples = &arguments->samples;
	struct fleet_saving savings[FLEET_SAVINGS_MAX];
	struct fleet as_it_is = arguments->fleet;
	struct fleet_prediction prediction;
	struct fleet_report fleet_report = {
		.fleet = &as_it_is,
		.prediction = &prediction,
		.savings = savings,
		.median_stop =
			median(samples->span[FLEET_STOP], samples->count[FLEET_STOP]),
		.measured_update = measured_update,
	};

	as_it_is.shorter = 0;
	prediction = fleet_predict(&as_it_is);
	fleet_report.saving_count =
		predict_savings(arguments, fleet_report.median_stop, savings);
	if (arguments->json) {
		SCOPED(json_free) cJSON *json = fleet_report_json(&fleet_report);
		SCOPED(mem_free) char *text = cJSON_Print(json);

		puts(text);
	} else {
		fleet_report_print(&fleet_report, stdout);
	}
}

int cmd_fleet(int argc, char **argv)
{
	struct arguments arguments = {.fleet = {
					      .replicas = 1000,
					      .hosts = 1,
					      .parallelism = 1,
					      .grace = 10,
					      .simulations = FLEET_SIMULATIONS,
					      .seed = 1,
				      }};
	struct fleet_samples *samples = &arguments.samples;
	int code = EXIT_NOT_RUN;
	struct err err = {0};
	double measured;

	arguments.files = mem_zeroed(sizeof *arguments.files * (size_t)(argc + 1));
	options_parse(&parser, argc, argv, &arguments);
	arguments.fleet.samples = samples;
	if (read_files(&arguments, &err) && read_measured(&arguments, &measured, &err))
		code = complete(&arguments, &err) ? EXIT_MET : EXIT_USAGE;
	if (code == EXIT_MET)
		report(&arguments, measured);
	else
		terminal_print(stderr, "stopbench: fleet: %s\n", err.text);
	fleet_samples_done(samples);
	free(arguments.files);
	return code;
}
