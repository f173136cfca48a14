/*
 * A whole case beside its own stop, and beside the usual ways to do the same by hand.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/bare_container.h"
#include "bench/suite.h"
#include "harness/scenario/plan.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define ROUNDS        5
#define SCENARIO      "scenarios/baseline/20-sessions.json"
#define USUAL_WAY     "bench/usual-way.sh"
#define PAIRS         10
#define OVERHEAD_MS   20.0
#define TIMES_BARE    1.15
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

/* Where the time of a case goes that is not of its stop, in ms. */
struct spent {
	struct samples all;
	struct samples up;    /* until mock-agent and the service are ready */
	struct samples open;  /* until the sessions are open, with their MCP servers */
	struct samples look;  /* until the signal: what the service has in hand */
	struct samples after; /* from the end of PID 1 on */
	struct samples
		own; /* processor time of the harness alone, with that in the stop */
};

static void add_ms(struct samples *samples, int64_t ns)
{
	samples_add(samples, (double)ns / (double)CLOCK_MS);
}

static bool spend(struct rig *rig, const struct scenario *scenario, struct spent *spent,
	struct err *err)
{
	SCOPED(seen_done) struct seen seen = {0};
	const struct evidence *evidence = &seen.evidence;
	int64_t own_ns = rig_cpu_ns(RUSAGE_SELF);

	if (!rig_case(rig, rig->process, scenario, &seen, err))
		return false;
	add_ms(&spent->own, rig_cpu_ns(RUSAGE_SELF) - own_ns);
	add_ms(&spent->all, seen.wall_ns - seen.judgement.stop_ns);
	add_ms(&spent->up, evidence->ready_ns - evidence->began_ns);
	add_ms(&spent->open, evidence->loaded_ns - evidence->ready_ns);
	add_ms(&spent->look, evidence->facts.signal_ns - evidence->loaded_ns);
	add_ms(&spent->after, evidence->ended_ns - evidence->facts.exit_ns);
	return true;
}

static void print_ms(
	struct printout *printout, const char *what, const struct samples *samples)
{
	printout_row(printout,
		&(struct printout_row){what, samples, .unit = "ms", .digits = 1});
}

static bool on_process(struct rig *rig, struct printout *printout, struct err *err)
{
	SCOPED(plan_done) struct plan plan = {0};
	struct spent spent = {0};

	if (!read_case(&plan, NULL, err))
		return false;
	for (unsigned i = 0; i < PAIRS; i++) {
		if (!spend(rig, &plan.cases[0]->scenario, &spent, err))
			return false;
	}
	printout_row(printout,
		&(struct printout_row){"process: whole case - its stop", &spent.all,
			.unit = "ms", .digits = 1, .at_most = OVERHEAD_MS});
	print_ms(printout, "  until mock-agent and service are ready", &spent.up);
	print_ms(printout, "  until sessions and MCP servers are open", &spent.open);
	print_ms(printout, "  the look at it before the signal", &spent.look);
	print_ms(printout, "  after its end", &spent.after);
	print_ms(printout, "  the harness's own processor time", &spent.own);
	return true;
}

/* --- Docker --- */

/* The least that the Engine API takes for the stop of a container, and the whole case. */
static bool on_bare_container(
	struct rig *rig, struct printout *printout, struct err *err)
{
	SCOPED(scenario_done) struct scenario scenario = {0};
	struct samples bare = {0}, whole = {0};

	if (!rig_scenario(&scenario, err,
		    "{\"name\": \"bare container\","
		    " \"service\": {\"command\": [\"" BARE_CONTAINER_COMMAND "\"],"
		    "  \"mocks\": false, \"ready\": {\"log\": \"ready\"}},"
		    " \"stop\": {\"grace\": \"" BARE_CONTAINER_GRACE "s\"}}"))
		return false;
	for (unsigned i = 0; i < PAIRS; i++) {
		if (!bare_container_run(rig, &bare, err) ||
			!rig_sample(rig, rig->docker, &scenario, RIG_CASE, CLOCK_MS,
				&whole, err))
			return false;
	}
	print_ms(printout, "docker: the bare calls of the Engine API", &bare);
	print_ms(printout, "docker: the same stop by stopbench", &whole);
	printout_row(printout,
		&(struct printout_row){"stopbench / the bare calls", &whole, &bare, "x",
			2, .at_most = TIMES_BARE});
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
	if (!on_bare_container(rig, printout, err) ||
		!take_ways(rig, &ways, by_command, by_compose, err))
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
