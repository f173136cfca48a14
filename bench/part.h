/*
 * part - the parts of the benchmark. Each measures and prints on its own.
 *
 * False: something could not be measured, and err says what. What is not possible on
 * this machine is skipped on paper and is no failure.
 */
#ifndef BENCH_PART_H
#define BENCH_PART_H

#include <stdbool.h>

#include "bench/lab.h"
#include "bench/paper.h"
#include "lib/err.h"

typedef bool part_fn(struct lab *lab, struct paper *paper, struct err *err);

part_fn part_parallel; /* many sessions at once: the stop beside one disconnect */
part_fn part_curve; /* the stop over the number of sessions, one by one and at once */
part_fn part_idle;  /* a stop without any session, beside a bare program's */
part_fn part_truth; /* what is measured beside what the subject says itself */
part_fn part_overhead; /* a whole case beside its stop, and beside the usual ways */

#endif
