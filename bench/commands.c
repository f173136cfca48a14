/*
 * What stop, check and try cost beside the docker commands that do as much, on containers
 * of the same image.
 */
#include <stdio.h>
#include <unistd.h>

#include "bench/suite.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define PAIRS      10
#define LONG_PAIRS 5
#define IMAGE      "stopbench-programs:latest"
#define EXTRA_MS   50.0
#define CPU_SHARE  1.0 /* percent of one processor */

/* A container and two ways to do something with it, as scripts: $1 is the container's
 * name, $0 stopbench. (A try waits 200 ms for the program, so whoever does the same by
 * hand waits as well.) */
struct comparison {
	const char *start; /* NULL: the ways start one themselves */
	const char *docker, *stopbench;
	unsigned pairs;
};

#define START "docker run -d --pull never --name \"$1\" " IMAGE " "

static const struct comparison stop = {
	.start = START "handles-term",
	.docker = "docker stop \"$1\"",
	.stopbench = "exec \"$0\" stop \"$1\"",
	.pairs = PAIRS,
};
static const struct comparison long_stop = {
	.start = START "ignores-term",
	.docker = "docker stop -t 5 \"$1\"",
	.stopbench = "\"$0\" stop -t 5 \"$1\" || [ $? -eq 1 ]",
	.pairs = LONG_PAIRS,
};
static const struct comparison check = {
	.start = START "handles-term",
	.docker = "docker inspect \"$1\" && docker top \"$1\"",
	.stopbench = "exec \"$0\" check \"$1\"",
	.pairs = PAIRS,
};
static const struct comparison try = {
	.docker = START
	"handles-term && sleep 0.2 && docker stop \"$1\" && docker rm \"$1\"",
	.stopbench = "exec \"$0\" try --name \"$1\" " IMAGE " handles-term",
	.pairs = PAIRS,
};

struct costs {
	struct samples docker_ms, stopbench_ms,
		more_ms; /* wall clock; more: by pairs */
	struct samples docker_cpu_ms, stopbench_cpu_ms;
	struct samples share; /* of a processor that stopbench used, in percent */
};

static double ms_of(int64_t ns)
{
	return (double)ns / (double)CLOCK_MS;
}

static bool run_script(struct rig *rig, const char *script, const char *name,
	struct program_cost *cost, struct err *err)
{
	SCOPED(mem_free) char *stopbench = mem_textf("%s/stopbench", rig->programs);

	return rig_program(rig,
		(const char *const[]){"sh", "-c", script, stopbench, name, NULL}, cost,
		err);
}

/* One way, on a container of its own. */
static bool take_way(struct rig *rig, const struct comparison *comparison,
	const char *script, struct program_cost *cost, struct err *err)
{
	SCOPED(mem_free) char *name = mem_textf("stopbench-bench-%d", (int)getpid());
	struct program_cost ignored;
	struct err other;
	bool ok = (!comparison->start ||
			  run_script(rig, comparison->start, name, &ignored, err)) &&
		run_script(rig, script, name, cost, err);

	return run_script(rig, "docker rm -f \"$1\" || true", name, &ignored,
		       ok ? err : &other) &&
		ok;
}

static bool take_pair(struct rig *rig, const struct comparison *comparison,
	bool docker_first, struct costs *costs, struct err *err)
{
	struct program_cost docker, stopbench;

	if ((docker_first &&
		    !take_way(rig, comparison, comparison->docker, &docker, err)) ||
		!take_way(rig, comparison, comparison->stopbench, &stopbench, err) ||
		(!docker_first &&
			!take_way(rig, comparison, comparison->docker, &docker, err)))
		return false;
	samples_add(&costs->docker_ms, ms_of(docker.wall_ns));
	samples_add(&costs->stopbench_ms, ms_of(stopbench.wall_ns));
	samples_add(&costs->more_ms, ms_of(stopbench.wall_ns - docker.wall_ns));
	samples_add(&costs->docker_cpu_ms, ms_of(docker.cpu_ns));
	samples_add(&costs->stopbench_cpu_ms, ms_of(stopbench.cpu_ns));
	samples_add(&costs->share,
		100.0 * (double)stopbench.cpu_ns / (double)stopbench.wall_ns);
	return true;
}

static bool take(struct rig *rig, const struct comparison *comparison,
	struct costs *costs, struct err *err)
{
	for (unsigned i = 0; i < comparison->pairs; i++) {
		if (!take_pair(rig, comparison, i % 2 == 0, costs, err))
			return false;
	}
	return true;
}

static void print(struct printout *printout, const char *what,
	const struct samples *samples, double at_most, const char *note)
{
	printout_row(printout,
		&(struct printout_row){what, samples, .unit = "ms", .digits = 1,
			.at_most = at_most, .note = note});
}

static bool on_stop(struct rig *rig, struct printout *printout, struct err *err)
{
	struct costs costs = {0};

	if (!take(rig, &stop, &costs, err))
		return false;
	print(printout, "`docker stop`", &costs.docker_ms, 0, NULL);
	print(printout, "stop - `docker stop`", &costs.more_ms, EXTRA_MS, NULL);
	print(printout, "`docker stop`, processor time", &costs.docker_cpu_ms, 0, NULL);
	print(printout, "stop, processor time", &costs.stopbench_cpu_ms, 0, NULL);
	return true;
}

static bool on_long_stop(struct rig *rig, struct printout *printout, struct err *err)
{
	struct costs costs = {0};

	if (!take(rig, &long_stop, &costs, err))
		return false;
	print(printout, "stop - `docker stop`, a grace of 5 s", &costs.more_ms,
		EXTRA_MS, NULL);
	printout_row(printout,
		&(struct printout_row){"stop, of a processor, a grace of 5 s",
			&costs.share, .unit = "%", .digits = 2, .at_most = CPU_SHARE});
	return true;
}

static bool on_check(struct rig *rig, struct printout *printout, struct err *err)
{
	struct costs costs = {0};

	if (!take(rig, &check, &costs, err))
		return false;
	print(printout, "`docker inspect`, `docker top`", &costs.docker_ms, 0, NULL);
	print(printout, "check - these two", &costs.more_ms, EXTRA_MS, NULL);
	print(printout, "these two, processor time", &costs.docker_cpu_ms, 0, NULL);
	print(printout, "check, processor time", &costs.stopbench_cpu_ms, 0, NULL);
	return true;
}

static bool on_try(struct rig *rig, struct printout *printout, struct err *err)
{
	struct costs costs = {0};

	if (!take(rig, &try, &costs, err))
		return false;
	print(printout, "`docker run`, `sleep 0.2`, `stop`, `rm`", &costs.docker_ms, 0,
		NULL);
	print(printout, "try - these four", &costs.more_ms, EXTRA_MS, NULL);
	print(printout, "these four, processor time", &costs.docker_cpu_ms, 0, NULL);
	print(printout, "try, processor time", &costs.stopbench_cpu_ms, 0, NULL);
	return true;
}

static void say_nothing(void *arg UNUSED, const char *line UNUSED)
{
}

bool suite_commands(struct rig *rig, struct printout *printout, struct err *err)
{
	printout_head("commands: stop, check, try - the docker commands",
		"On a container each, in pairs that alternate, medians. The processor time is\n"
		"that of the command alone; the daemon's is not counted. A try waits 200 ms,\n"
		"in which the program has to settle; `docker run -d` is given the same.");
	if (!rig->docker || !rig_has_program("docker")) {
		printout_skip("commands",
			rig->docker ? "no docker command here" : rig->no_docker);
		return true;
	}
	return engine_images(rig->docker, say_nothing, NULL, err) >= 0 &&
		on_stop(rig, printout, err) && on_long_stop(rig, printout, err) &&
		on_check(rig, printout, err) && on_try(rig, printout, err);
}
