/*
 * The same rounds one after the other and side by side: whether the company of other
 * rounds changes what is measured, and how much time it saves.
 */
#include <sched.h>

#include "bench/suite.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define ROUNDS     "16"
#define RATIO_MOST 1.1
#define SCENARIO   "scenarios/baseline/20-sessions.json"

/* Runs the rounds and adds the stop time of each, in ms. */
static bool run_with(struct rig *rig, const char *jobs, struct samples *stops_ms,
	struct samples *walls_s, struct err *err)
{
	SCOPED(mem_free) char *program = mem_textf("%s/stopbench", rig->programs);
	SCOPED(mem_free) char *report = mem_textf("%s/jobs", rig->run_dir.folder);
	SCOPED(mem_free) char *path = mem_textf("%s/results.json", report);
	const char *const argv[] = {program, "run", SCENARIO, "--engine", "process",
		"--half", "main", "--repeat", ROUNDS, "--jobs", jobs, "--report",
		report, NULL};
	struct json_doc results;
	const cJSON *round;
	struct program_cost cost;

	if (!rig_program(rig, argv, &cost, err) || !json_doc_read(&results, path, err))
		return false;
	cJSON_ArrayForEach(round, json_get(results.root, "cases"))
		samples_add(stops_ms,
			(double)json_int(round, "stop_ns", 0) / (double)CLOCK_MS);
	json_doc_done(&results);
	samples_add(walls_s, (double)cost.wall_ns / (double)CLOCK_S);
	return stops_ms->count > 0 || err_set(err, "no round in %s", path);
}

bool suite_jobs(struct rig *rig, struct printout *printout, struct err *err)
{
	struct samples one_ms = {0}, all_ms = {0}, one_s = {0}, all_s = {0};
	SCOPED(mem_free) char *jobs = NULL;
	cpu_set_t processors;

	printout_head("jobs: rounds side by side / one after the other",
		ROUNDS
		" rounds of three sessions that take 200 ms to disconnect, on the\n"
		"process engine, with --jobs 1 and with one job per processor.");
	if (sched_getaffinity(0, sizeof processors, &processors) != 0)
		return err_sys(err, "sched_getaffinity");
	jobs = mem_textf("%d", CPU_COUNT(&processors));
	if (!run_with(rig, "1", &one_ms, &one_s, err) ||
		!run_with(rig, jobs, &all_ms, &all_s, err))
		return false;
	printout_row(printout,
		&(struct printout_row){
			"the stop, one job", &one_ms, .unit = "ms", .digits = 1});
	printout_row(printout,
		&(struct printout_row){"the stop, one job per processor", &all_ms,
			.unit = "ms", .digits = 1});
	printout_row(printout,
		&(struct printout_row){"the stop, side by side / one by one", &all_ms,
			&one_ms, "x", 3, .at_most = RATIO_MOST});
	printout_row(printout,
		&(struct printout_row){"the whole run, side by side / one by one",
			&all_s, &one_s, .unit = "x", .digits = 2});
	return true;
}
