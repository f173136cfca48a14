/*
 * suite - the parts of the benchmark, each of which measures and prints.
 *
 * False: something could not be measured, and err says what. What this machine cannot do
 * is printed as skipped and is no failure.
 */
#ifndef BENCH_SUITE_H
#define BENCH_SUITE_H

#include <stdbool.h>

#include "bench/printout.h"
#include "bench/rig.h"
#include "lib/err.h"

typedef bool suite_fn(struct rig *rig, struct printout *printout, struct err *err);

suite_fn suite_parallel; /* many sessions at once: the stop beside one disconnect */
suite_fn suite_curve; /* the stop over the number of sessions, one by one and at once */
suite_fn suite_scale; /* very many sessions: stop, processor time and memory */
suite_fn suite_ladder;   /* very many MCP servers that do not end by themselves */
suite_fn suite_harness;  /* what the harness takes of a case with very many sessions */
suite_fn suite_herd;     /* sessions that end at once: a rate limit, a replacement */
suite_fn suite_idle;     /* a stop without sessions, beside that of a bare program */
suite_fn suite_truth;    /* measured times beside the subject's own */
suite_fn suite_overhead; /* a whole case beside its stop, and beside the usual ways */
suite_fn suite_commands; /* stop, check and try beside the docker commands */
suite_fn suite_jobs;     /* rounds side by side, beside the same one after the other */

#endif
