/*
 * The measured time of a stop, beside the time that the stopped program measured itself.
 * The subject `stamps` takes 500 ms to stop and prints when its stop began and ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/suite.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define ROUNDS     15
#define PROCESS_MS 2.0
#define DOCKER_MS  5.0
#define GRACE_NS   (10 * CLOCK_S)
#define WITHIN_NS  (30 * CLOCK_S)

/* Difference of each way to time a stop from the subject's own time, in ms. */
struct readings {
	struct samples harness; /* T1 - T0 */
	struct samples call;    /* wall clock of the engine's stop call */
	struct samples command; /* wall clock of `docker stop` */
};

/* Read from its digits, because a double rounds a large one. */
static int64_t stamp_in(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? strtoll(at + strlen(key), NULL, 10) : 0;
}

/* Sets own_ns to the time between the stamps, if the line has them. */
static bool read_stamps(const char *line, int64_t *own_ns)
{
	int64_t began_ns = stamp_in(line, "\"began_ns\":");
	int64_t ended_ns = stamp_in(line, "\"ended_ns\":");

	if (began_ns == 0 || ended_ns == 0)
		return false;
	*own_ns = ended_ns - began_ns;
	return true;
}

static bool find_stamps(
	const struct evidence *evidence, int64_t *own_ns, struct err *err)
{
	for (unsigned i = 0; i < evidence->log_count; i++) {
		if (read_stamps(evidence->log[i].text, own_ns))
			return true;
	}
	return err_set(err, "stamps did not print its stamps");
}

static void add_difference(struct samples *samples, int64_t read_ns, int64_t own_ns)
{
	samples_add(samples, (double)(read_ns - own_ns) / (double)CLOCK_MS);
}

static bool read_by_harness(struct rig *rig, struct engine *engine,
	struct readings *readings, struct err *err)
{
	SCOPED(scenario_done) struct scenario scenario = {0};
	SCOPED(seen_done) struct seen seen = {0};
	int64_t own_ns;

	if (!rig_scenario(&scenario, err,
		    "{\"name\": \"stamps\","
		    " \"service\": {\"command\": [\"stamps\"], \"mocks\": false,"
		    "  \"ready\": {\"log\": \"ready\"}},"
		    " \"stop\": {\"grace\": \"10s\"}}") ||
		!rig_case(rig, engine, &scenario, &seen, err) ||
		!find_stamps(&seen.evidence, &own_ns, err))
		return false;
	add_difference(&readings->harness, seen.judgement.stop_ns, own_ns);
	add_difference(&readings->call, seen.judgement.call_ns, own_ns);
	return true;
}

/* The log of a container that `docker stop` stops. */
struct stamps_log {
	bool ready;
	int64_t own_ns; /* 0: not read yet */
};

static void on_line(void *arg, int64_t ns UNUSED, const char *line, size_t len)
{
	struct stamps_log *log = arg;
	SCOPED(mem_free) char *text = mem_textf("%.*s", (int)len, line);

	log->ready = log->ready || strcmp(text, "ready") == 0;
	read_stamps(text, &log->own_ns);
}

static bool is_ready(const void *arg)
{
	return ((const struct stamps_log *)arg)->ready;
}

static bool has_stamps(const void *arg)
{
	return ((const struct stamps_log *)arg)->own_ns != 0;
}

static bool await_line(
	struct rig *rig, wait_fn *is_so, struct stamps_log *log, struct err *err)
{
	if (wait_until(&rig->loop, is_so, log, clock_now() + WITHIN_NS,
		    &rig->interrupted) != WAIT_SO)
		return err_set(err, "stamps did not print the line in time");
	return true;
}

static bool read_by_command(struct rig *rig, struct readings *readings, struct err *err)
{
	static const char *const argv[] = {"stamps", NULL};
	struct stamps_log log = {0};
	struct program_cost cost;
	struct subject *subject = engine_up(rig->docker,
		&(struct subject_spec){
			.name = "stamps",
			.command = argv,
			.run_folder = rig->run_dir.folder,
			.stop_signal = "SIGTERM",
			.grace_ns = GRACE_NS,
			.log = on_line,
			.arg = &log,
		},
		err);
	bool ok;

	if (!subject)
		return false;
	ok = await_line(rig, is_ready, &log, err) &&
		rig_program(rig,
			(const char *const[]){"docker", "stop", subject->id, NULL},
			&cost, err) &&
		await_line(rig, has_stamps, &log, err);
	subject_down(subject);
	if (ok)
		add_difference(&readings->command, cost.wall_ns, log.own_ns);
	return ok;
}

static void print(struct printout *printout, const char *what,
	const struct samples *samples, double at_most)
{
	printout_row(printout,
		&(struct printout_row){what, samples, .unit = "ms off", .digits = 2,
			.at_most = at_most, .either_way = true});
}

static bool on_process(struct rig *rig, struct printout *printout, struct err *err)
{
	struct readings readings = {0};

	for (unsigned i = 0; i < ROUNDS; i++) {
		if (!read_by_harness(rig, rig->process, &readings, err))
			return false;
	}
	print(printout, "process: stopbench, signal to exit", &readings.harness,
		PROCESS_MS);
	print(printout, "process: wall clock of the stop call", &readings.call, 0);
	return true;
}

static bool on_docker(struct rig *rig, struct printout *printout, struct err *err)
{
	struct readings readings = {0};
	bool has_command = rig_has_program("docker");

	if (!rig->docker) {
		printout_skip("docker", rig->no_docker);
		return true;
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (!read_by_harness(rig, rig->docker, &readings, err) ||
			(has_command && !read_by_command(rig, &readings, err)))
			return false;
	}
	print(printout, "docker: stopbench, signal to exit", &readings.harness,
		DOCKER_MS);
	print(printout, "docker: wall clock of the API's stop call", &readings.call, 0);
	if (has_command)
		print(printout, "docker: wall clock of `docker stop`",
			&readings.command, 0);
	else
		printout_skip("docker: wall clock of `docker stop`",
			"no docker command here");
	return true;
}

bool suite_truth(struct rig *rig, struct printout *printout, struct err *err)
{
	printout_head("truth: the measured time - the stopped program's own",
		"The program stops in 500 ms by the clock that the harness reads too. How much more\n"
		"(or less) each way to time the same stop measures: median of 15 rounds.");
	return on_process(rig, printout, err) && on_docker(rig, printout, err);
}
