/*
 * rig - shared by every part of the benchmark: the loop, the engines, cases run through
 * the harness, other programs timed from outside.
 */
#ifndef BENCH_RIG_H
#define BENCH_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "bench/samples.h"
#include "harness/engine/engine.h"
#include "harness/judge/judge.h"
#include "harness/run/case_step.h"
#include "harness/run/evidence.h"
#include "harness/run/run_dir.h"
#include "harness/scenario/scenario.h"
#include "lib/err.h"

struct rig {
	uv_loop_t loop;
	uv_signal_t signals[2];
	bool interrupted;
	struct run_dir run_dir;
	char *here;     /* folder of the benchmark's own programs */
	char *programs; /* folder of stopbench and its mocks */
	struct engine *process;
	struct engine *docker; /* NULL: no daemon; no_docker says why */
	char no_docker[256];
	case_step_fn *step; /* watches the cases that follow; may be NULL */
	int64_t step_every_ns;
	void *step_arg;
};

/* Opens both engines. rig_close() is needed also after a failure. */
bool rig_open(struct rig *rig, struct err *err) MUST_CHECK;
void rig_close(struct rig *rig);

/* Reads a scenario from its JSON, of less than 4 kB. */
bool rig_scenario(struct scenario *scenario, struct err *err, const char *format, ...)
	PRINTF(3, 4) MUST_CHECK;

/* The result of one case. */
struct seen {
	struct evidence evidence;
	struct judgement judgement;
	int64_t wall_ns; /* of the whole case, from before its start to after its end */
};

/* Runs a case. One without a stop, or with another than it expects, is an error, because
 * its times would mean nothing. `seen` is zeroed, and needs seen_done() either way. */
bool rig_case(struct rig *rig, struct engine *engine, const struct scenario *scenario,
	struct seen *seen, struct err *err) MUST_CHECK;
void seen_done(struct seen *seen);

/* Runs a case and adds one of its times, in units of unit_ns. */
enum rig_quantity {
	RIG_STOP,     /* of the stop */
	RIG_CASE,     /* of the whole case */
	RIG_OVERHEAD, /* of the whole case without its stop */
};
bool rig_sample(struct rig *rig, struct engine *engine, const struct scenario *scenario,
	enum rig_quantity quantity, int64_t unit_ns, struct samples *samples,
	struct err *err) MUST_CHECK;

/* What a program cost, from before its start to after its end. */
struct program_cost {
	int64_t wall_ns;
	int64_t cpu_ns; /* of it and the children that it waited for, user and system */
};

/* Runs another program to its end. False: its exit code is not 0, or it ran for more than
 * a minute. */
bool rig_program(struct rig *rig, const char *const *argv, struct program_cost *cost,
	struct err *err) MUST_CHECK;

/* The processor time of RUSAGE_SELF, or of RUSAGE_CHILDREN that were waited for; user and
 * system. */
int64_t rig_cpu_ns(int who);

/* Is there a program of this name in PATH? */
bool rig_has_program(const char *name);

#endif
