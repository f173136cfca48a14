/*
 * A whole case beside its own stop, and beside the usual ways to do the same by hand.
 */
#include <stdio.h>
#include <string.h>

#include "bench/suite.h"
#include "harness/scenario/plan.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define ROUNDS        5
#define SCENARIO      "scenarios/baseline/20-sessions.json"
#define USUAL_WAY     "bench/usual-way.sh"
#define OVERHEAD_MS   150.0
#define TIMES_USUAL   4.0
#define TIMES_COMPOSE 5.0

/* Seconds of the same case, in each way. */
struct ways {
	struct samples host;       /* stopbench: the service alone in a container */
	struct samples containers; /* stopbench: the usual way's topology */
	struct samples usual;      /* the docker command */
	struct samples compose;    /* docker-compose */
};

static void on_wrong(void *arg, const struct err *err)
{
	*(struct err *)arg = *err;
}

/* The main case of the baseline, changed by sets. */
static bool read_case(struct plan *plan, const char *const *sets, struct err *err)
{
	const struct plan_options options = {.sets = sets, .main_only = true};

	if (!plan_add(plan, SCENARIO, &options, on_wrong, err))
		return false;
	return plan->count == 1 || err_set(err, "%s: not one case", SCENARIO);
}

static bool on_process(struct rig *rig, struct printout *printout, struct err *err)
{
	SCOPED(plan_done) struct plan plan = {0};
	struct samples samples = {0};

	if (!read_case(&plan, NULL, err))
		return false;
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (!rig_sample(rig, rig->process, &plan.cases[0]->scenario,
			    RIG_OVERHEAD, CLOCK_MS, &samples, err))
			return false;
	}
	printout_row(printout,
		&(struct printout_row){"process: whole case - its stop", &samples,
			.unit = "ms", .digits = 1, .at_most = OVERHEAD_MS});
	return true;
}

static bool take_case(struct rig *rig, const struct scenario *scenario,
	struct samples *samples, struct err *err)
{
	return rig_sample(rig, rig->docker, scenario, RIG_CASE, CLOCK_S, samples, err);
}

static bool take_script(
	struct rig *rig, const char *way, struct samples *samples, struct err *err)
{
	struct program_cost cost;
	bool ok = rig_program(
		rig, (const char *const[]){"sh", USUAL_WAY, way, NULL}, &cost, err);

	if (ok)
		samples_add(samples, (double)cost.wall_ns / (double)CLOCK_S);
	return ok;
}

static void say_nothing(void *arg UNUSED, const char *line UNUSED)
{
}

/* One round is one of each way, so that a busy moment hits all of them. */
static bool take_ways(struct rig *rig, struct ways *ways, bool by_command,
	bool by_compose, struct err *err)
{
	static const char *const sets[] = {"service.topology=containers", NULL};
	SCOPED(plan_done) struct plan host = {0}, containers = {0};

	if (!read_case(&host, NULL, err) || !read_case(&containers, sets, err) ||
		engine_images(rig->docker, say_nothing, NULL, err) < 0)
		return false;
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (!take_case(rig, &host.cases[0]->scenario, &ways->host, err) ||
			!take_case(rig, &containers.cases[0]->scenario,
				&ways->containers, err) ||
			(by_command &&
				!take_script(rig, "docker", &ways->usual, err)) ||
			(by_compose &&
				!take_script(rig, "compose", &ways->compose, err)))
			return false;
	}
	return true;
}

static void print_seconds(
	struct printout *printout, const char *what, const struct samples *samples)
{
	printout_row(printout,
		&(struct printout_row){what, samples, .unit = "s", .digits = 2});
}

static void print_times(struct printout *printout, const char *what,
	const struct samples *slower, const struct samples *faster, double at_least)
{
	printout_row(printout,
		&(struct printout_row){
			what, slower, faster, "x", 2, .at_least = at_least});
}

static bool on_docker(struct rig *rig, struct printout *printout, struct err *err)
{
	bool by_command = rig_has_program("docker") && rig_has_program("curl");
	bool by_compose = by_command && rig_has_program("docker-compose");
	struct ways ways = {0};

	if (!rig->docker) {
		printout_skip("docker", rig->no_docker);
		return true;
	}
	if (!take_ways(rig, &ways, by_command, by_compose, err))
		return false;
	print_seconds(printout, "docker: stopbench, whole case", &ways.host);
	print_seconds(
		printout, "docker: stopbench, both in containers", &ways.containers);
	if (!by_command) {
		printout_skip(
			"docker: the usual ways", "no docker or no curl command here");
		return true;
	}
	print_seconds(printout, "docker: the docker command and curl", &ways.usual);
	if (by_compose)
		print_seconds(
			printout, "docker: docker-compose and curl", &ways.compose);
	print_times(printout, "docker command / stopbench", &ways.usual, &ways.host,
		TIMES_USUAL);
	print_times(printout, "docker command / stopbench, both in containers",
		&ways.usual, &ways.containers, 0);
	if (by_compose)
		print_times(printout, "docker-compose / stopbench", &ways.compose,
			&ways.host, TIMES_COMPOSE);
	else
		printout_skip("docker-compose / stopbench", "no docker-compose here");
	return true;
}

bool suite_overhead(struct rig *rig, struct printout *printout, struct err *err)
{
	printout_head("overhead: a whole case / the usual ways to do the same",
		"Three sessions with two MCP servers each, from start to end: up, ready,\n"
		"three webhooks, stop, logs, exit code, all removed. " USUAL_WAY
		" is the usual\n"
		"way. Rounds are interleaved, medians.");
	return on_process(rig, printout, err) && on_docker(rig, printout, err);
}
