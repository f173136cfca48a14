#include "harness/command/command.h"
#include "harness/command/stop_service.h"

#include <stdlib.h>

#include "harness/judge/judge.h"
#include "harness/report/stop_report.h"
#include "harness/rollout/witness_address.h"
#include "harness/run/observe.h"
#include "harness/target/targets.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/options.h"
#include "lib/terminal.h"
#include "lib/wait.h"

#define WIDTH 80

enum stop_state {
	STOP_WAITING, /* for those that depend on it */
	STOP_UNDER_WAY,
	STOP_OVER, /* or it cannot be begun */
};

struct stop {
	struct target *target;
	enum stop_state state;
	struct sampler *sampler; /* while it is under way */
	struct judgement judgement;
};

struct stops {
	struct targets targets;
	struct stop_service service;
	struct stop *list; /* one for each target */
	unsigned printed;
	struct terminal terminal;
	cJSON *report;
	int code;
};

static void worsen(struct stops *stops, int code)
{
	if (code > stops->code)
		stops->code = code;
}

static void print(struct stops *stops, struct stop *stop)
{
	const struct stop_report report = {
		.about = stop->target->subject->about,
		.own_grace = stops->targets.grace_ns == ATTACH_OWN_GRACE,
		.scenario = &stop->target->scenario,
		.evidence = &stop->target->evidence,
		.judgement = &stop->judgement,
	};

	if (stops->targets.json) {
		cJSON_AddItemToArray(stops->report, stop_report_json(&report));
		return;
	}
	if (stops->printed++)
		puts("");
	stop_report_print(&report, &stops->terminal, stdout);
	fflush(stdout);
}

static void finish(struct stops *stops, struct stop *stop)
{
	struct evidence *evidence = &stop->target->evidence;
	struct err err = {0};

	sampler_end(stop->sampler);
	stop->sampler = NULL;
	stop->state = STOP_OVER;
	evidence->stopped_ns = clock_now();
	if (!observe_facts(stop->target->subject, evidence, &err))
		terminal_print(stderr, "stopbench: %s\n", err.text);
	evidence->ended_ns = clock_now();
	judge(&stop->judgement, &stop->target->scenario, evidence);
	worsen(stops,
		!stop->judgement.could_run                         ? EXIT_NOT_RUN
			: stop->judgement.verdict == VERDICT_CLEAN ? EXIT_MET
								   : EXIT_UNMET);
	print(stops, stop);
}

static void begin(struct stops *stops, struct stop *stop)
{
	struct err err = {0};

	stop->sampler = observe_stop(&stops->targets.loop, stop->target->subject,
		stop->target->scenario.stop.grace_ns, &stop->target->evidence, &err);
	stop->state = stop->sampler ? STOP_UNDER_WAY : STOP_OVER;
	if (stop->sampler)
		return;
	terminal_print(
		stderr, "stopbench: stop %s: %s\n", stop->target->name, err.text);
	worsen(stops, EXIT_NOT_RUN);
}

static unsigned count_in(const struct stops *stops, enum stop_state state)
{
	unsigned count = 0;

	for (unsigned i = 0; i < stops->targets.count; i++)
		count += stops->list[i].state == state;
	return count;
}

/* Does another one, which depends on it, have to be stopped first? */
static bool is_needed(const struct stops *stops, const struct stop *stop)
{
	for (unsigned i = 0; stop->target->service && i < stops->targets.count; i++) {
		const struct stop *other = &stops->list[i];

		if (other->state != STOP_OVER &&
			compose_project_depends(&stops->targets.project,
				other->target->service, stop->target->service))
			return true;
	}
	return false;
}

static void begin_all(struct stops *stops)
{
	bool none_goes = count_in(stops, STOP_UNDER_WAY) == 0;

	for (unsigned i = 0; i < stops->targets.count; i++) {
		struct stop *stop = &stops->list[i];

		if (stop->state == STOP_WAITING && !is_needed(stops, stop)) {
			begin(stops, stop);
			none_goes = false;
		}
	}
	/* Services that depend on each other in a circle. */
	for (unsigned i = 0; none_goes && i < stops->targets.count; i++) {
		if (stops->list[i].state == STOP_WAITING)
			begin(stops, &stops->list[i]);
	}
}

static bool is_over(const struct stop *stop)
{
	return stop->state == STOP_UNDER_WAY && stop->target->subject->stopped;
}

static bool has_one_over(const void *arg)
{
	const struct stops *stops = arg;

	for (unsigned i = 0; i < stops->targets.count; i++) {
		if (is_over(&stops->list[i]))
			return true;
	}
	return false;
}

/* Each has a bound of its own, but for a container without a grace. */
static bool await_one(struct stops *stops)
{
	if (count_in(stops, STOP_UNDER_WAY) == 0 ||
		wait_until(&stops->targets.loop, has_one_over, stops, INT64_MAX,
			&stops->targets.interrupted) == WAIT_SO)
		return true;
	fputs("stopbench: interrupted: what got the stop signal may still stop\n",
		stderr);
	worsen(stops, EXIT_NOT_RUN);
	return false;
}

static void stop_all(struct stops *stops)
{
	stops->list = mem_zeroed(sizeof *stops->list * (stops->targets.count + 1));
	for (unsigned i = 0; i < stops->targets.count; i++) {
		struct stop *stop = &stops->list[i];

		stop->target = &stops->targets.list[i];
		if (targets_attach(&stops->targets, stop->target))
			continue;
		stop->state = STOP_OVER;
		worsen(stops, EXIT_NOT_RUN);
	}
	while (count_in(stops, STOP_OVER) < stops->targets.count) {
		begin_all(stops);
		if (!await_one(stops))
			return;
		for (unsigned i = 0; i < stops->targets.count; i++) {
			if (is_over(&stops->list[i]))
				finish(stops, &stops->list[i]);
		}
	}
}

/* --- the command --- */

static const struct argp_option option_table[] = {
	TARGETS_OPTIONS,
	STOP_SERVICE_OPTIONS,
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct stops *stops = state->input;
	struct targets *targets = &stops->targets;
	struct err err;

	if (key == STOP_SERVICE_KEY_WITNESS && !witness_address_check(value, &err))
		argp_error(state, "--witness: %s", err.text);
	if (stop_service_parse_option(&stops->service, key, value) == 0)
		return 0;
	if (key == ARGP_KEY_END && stops->service.service) {
		if (targets->name_count || targets->pid_count || targets->compose_file)
			argp_error(state, "--service stops nothing else");
		if (targets->grace_ns != ATTACH_OWN_GRACE || targets->signal)
			argp_error(state,
				"--time and --signal are not of --service: its own are in its "
				"settings");
		return 0;
	}
	if (key == ARGP_KEY_END &&
		(stops->service.rolling || stops->service.witnesses.count > 0 ||
			stops->service.engine))
		argp_error(state,
			"--rolling, --witness and the engines swarm and kubernetes are of --service");
	return targets_parse_option(&stops->targets, key, value, state);
}

static const struct argp parser = {
	.options = option_table,
	.parser = parse_option,
	.args_doc = TARGETS_ARGS "\n--service NAME",
	.doc = "Stops running containers as `docker stop` does, or with --engine cri as a "
	       "kubelet's call StopContainer does, side by side, and says of "
	       "each how it ended, why, and what cures it. Nothing else is touched."
	       "\vExit codes: 0 every stop was clean, 1 one was not, or is not proven to "
	       "be, 2 bad usage, 3 a container could not be stopped: no daemon, no such "
	       "container, not running.",
};

static void print_json(const struct stops *stops)
{
	SCOPED(mem_free) char *text = json_print_inert(stops->report, true);

	puts(text);
}

static void release(struct stops *stops)
{
	for (unsigned i = 0; stops->list && i < stops->targets.count; i++)
		sampler_end(stops->list[i].sampler);
	targets_close(&stops->targets);
	stop_service_done(&stops->service);
	cJSON_Delete(stops->report);
	free(stops->list);
}

int cmd_stop(int argc, char **argv)
{
	struct stops stops = {.terminal = terminal_of(stdout)};

	targets_init(&stops.targets, argc);
	options_parse(&parser, argc, argv, &stops);
	if (stops.terminal.width == 0 || stops.terminal.width > WIDTH)
		stops.terminal.width = WIDTH;
	stops.report = cJSON_CreateArray();
	if (stops.service.service)
		stops.code = stop_service_run(&stops.service, &stops.targets.loop,
			&stops.targets.interrupted, stops.targets.json,
			&stops.terminal);
	else if (targets_open(&stops.targets, "stop"))
		stop_all(&stops);
	else
		worsen(&stops, EXIT_NOT_RUN);
	if (stops.targets.json && !stops.service.service)
		print_json(&stops);
	release(&stops);
	return stops.code;
}
