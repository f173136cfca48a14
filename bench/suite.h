/*
 * suite - the parts of the benchmark. Each measures and prints on its own.
 *
 * False: something could not be measured, and err says what. What is not possible on
 * this machine is skipped on paper and is no failure.
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
suite_fn suite_idle;  /* a stop without any session, beside a bare program's */
suite_fn suite_truth; /* what is measured beside what the subject says itself */
suite_fn suite_overhead; /* a whole case beside its stop, and beside the usual ways */

#endif
