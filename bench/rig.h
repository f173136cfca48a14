/*
 * rig - what every part of the benchmark works with: the loop, the engines, cases run
 * through the harness, other programs timed from outside.
 */
#ifndef BENCH_RIG_H
#define BENCH_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/judge/judge.h"
#include "harness/run/evidence.h"
#include "harness/run/run_dir.h"
#include "harness/scenario/scenario.h"
#include "lib/err.h"
#include "lib/reaper.h"

struct rig {
	uv_loop_t loop;
	uv_signal_t signals[2];
	bool interrupted;
	struct run_dir run_dir;
	struct reaper *reaper;
	char *here;     /* folder of the benchmark's own programs */
	char *programs; /* folder of ours */
	struct engine *process;
	struct engine *docker; /* NULL: no daemon, and why: */
	char no_docker[256];
};

/* Brings up both engines. What fails half way is let go by rig_close(), too. */
bool rig_open(struct rig *rig, struct err *err) MUST_CHECK;
void rig_close(struct rig *rig);

/* A scenario from its JSON; what `format` makes must be short of 4 kB. */
bool rig_scenario(struct scenario *scenario, struct err *err, const char *format, ...)
	PRINTF(3, 4) MUST_CHECK;

/* What came of one case. */
struct seen {
	struct evidence evidence;
	struct judgement judgement;
	int64_t wall_ns; /* of the whole case, from nothing to nothing */
};

/* Runs it. A case without a stop, or with another one than it expects, is an error: its
 * times would mean nothing. `seen` is zeroed memory, and to be let go either way. */
bool rig_case(struct rig *rig, struct engine *engine, const struct scenario *scenario,
	struct seen *seen, struct err *err) MUST_CHECK;
void seen_done(struct seen *seen);

/* Runs another program to its end, and gives the time from before its start to after
 * its end. What it printed is the error when its exit code is not 0. */
bool rig_program(struct rig *rig, const char *const *argv, int64_t *wall_ns,
	struct err *err) MUST_CHECK;

/* Is there a program of this name in our PATH? */
bool rig_has_program(const char *name);

#endif
