/*
 * A whole case beside its own stop, and beside the usual ways to do the same by hand.
 */
#include <stdio.h>
#include <string.h>

#include "bench/part.h"
#include "harness/scenario/plan.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define ROUNDS        5
#define SCENARIO      "scenarios/baseline/20-sessions.json"
#define USUAL_WAY     "bench/usual-way.sh"
#define OVERHEAD_MS   150.0
#define TIMES_USUAL   4.0
#define TIMES_COMPOSE 5.0

/* Seconds that the same case takes, in each way. */
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

/* The first half of the baseline's case, changed by sets. */
static bool read_case(struct plan *plan, const char *const *sets, struct err *err)
{
	const struct plan_options options = {.sets = sets, .main_only = true};

	if (!plan_add(plan, SCENARIO, &options, on_wrong, err))
		return false;
	return plan->count == 1 || err_set(err, "%s: not one case", SCENARIO);
}

static double seconds(int64_t ns)
{
	return (double)ns / (double)CLOCK_S;
}

static bool on_process(struct lab *lab, struct paper *paper, struct err *err)
{
	SCOPED(plan_done) struct plan plan = {0};
	struct samples samples = {0};
	struct row row;

	if (!read_case(&plan, NULL, err))
		return false;
	for (unsigned i = 0; i < ROUNDS; i++) {
		SCOPED(seen_done) struct seen seen = {0};

		if (!lab_case(lab, lab->process, &plan.cases[0]->scenario, &seen, err))
			return false;
		samples_add(&samples,
			seconds(seen.wall_ns - seen.judgement.stop_ns) * 1000);
	}
	row = row_of("process: whole case - its stop", &samples, "ms", 1);
	row.at_most = OVERHEAD_MS;
	paper_row(paper, &row);
	return true;
}

static bool take_case(struct lab *lab, const struct scenario *scenario,
	struct samples *samples, struct err *err)
{
	SCOPED(seen_done) struct seen seen = {0};
	bool ok = lab_case(lab, lab->docker, scenario, &seen, err);

	if (ok)
		samples_add(samples, seconds(seen.wall_ns));
	return ok;
}

static bool take_script(
	struct lab *lab, const char *way, struct samples *samples, struct err *err)
{
	int64_t wall_ns;
	bool ok = lab_program(
		lab, (const char *const[]){"sh", USUAL_WAY, way, NULL}, &wall_ns, err);

	if (ok)
		samples_add(samples, seconds(wall_ns));
	return ok;
}

static void say_nothing(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/* One round is one of each way, so that a busy moment hits all of them. */
static bool take_ways(struct lab *lab, struct ways *ways, bool by_command,
	bool by_compose, struct err *err)
{
	static const char *const sets[] = {"service.topology=containers", NULL};
	SCOPED(plan_done) struct plan host = {0}, containers = {0};

	if (!read_case(&host, NULL, err) || !read_case(&containers, sets, err) ||
		engine_images(lab->docker, say_nothing, NULL, err) < 0)
		return false;
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (!take_case(lab, &host.cases[0]->scenario, &ways->host, err) ||
			!take_case(lab, &containers.cases[0]->scenario,
				&ways->containers, err) ||
			(by_command &&
				!take_script(lab, "docker", &ways->usual, err)) ||
			(by_compose &&
				!take_script(lab, "compose", &ways->compose, err)))
			return false;
	}
	return true;
}

static void print_seconds(
	struct paper *paper, const char *what, const struct samples *samples)
{
	struct row row = row_of(what, samples, "s", 2);

	paper_row(paper, &row);
}

static void print_times(struct paper *paper, const char *what,
	const struct samples *slower, const struct samples *faster, double at_least)
{
	paper_row(paper,
		&(struct row){
			.what = what,
			.figure = samples_median(slower) / samples_median(faster),
			.unit = "x",
			.digits = 2,
			.at_least = at_least,
		});
}

static bool on_docker(struct lab *lab, struct paper *paper, struct err *err)
{
	bool by_command = lab_has_program("docker") && lab_has_program("curl");
	bool by_compose = by_command && lab_has_program("docker-compose");
	struct ways ways = {0};

	if (!lab->docker) {
		paper_skip("docker", lab->no_docker);
		return true;
	}
	if (!take_ways(lab, &ways, by_command, by_compose, err))
		return false;
	print_seconds(paper, "docker: stopbench, whole case", &ways.host);
	print_seconds(paper, "docker: stopbench, both in containers", &ways.containers);
	if (!by_command) {
		paper_skip(
			"docker: the usual ways", "no docker or no curl command here");
		return true;
	}
	print_seconds(paper, "docker: the docker command and curl", &ways.usual);
	if (by_compose)
		print_seconds(paper, "docker: docker-compose and curl", &ways.compose);
	print_times(paper, "docker command / stopbench", &ways.usual, &ways.host,
		TIMES_USUAL);
	print_times(paper, "docker command / stopbench, both in containers",
		&ways.usual, &ways.containers, 0);
	if (by_compose)
		print_times(paper, "docker-compose / stopbench", &ways.compose,
			&ways.host, TIMES_COMPOSE);
	else
		paper_skip("docker-compose / stopbench", "no docker-compose here");
	return true;
}

bool part_overhead(struct lab *lab, struct paper *paper, struct err *err)
{
	paper_head("overhead: a whole case / the usual ways to do the same",
		"Three sessions with two MCP servers each, from nothing to nothing: up, ready,\n"
		"three webhooks, stop, logs, exit code, all removed. " USUAL_WAY
		" is the usual\n"
		"way. Rounds are interleaved, medians.");
	return on_process(lab, paper, err) && on_docker(lab, paper, err);
}
