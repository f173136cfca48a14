/*
 * decisions - what the gate says of cases that were measured: of a run of them, by so many
 * pairs or by adding pairs as stopbench run --against does.
 */
#ifndef BENCH_GATE_DECISIONS_H
#define BENCH_GATE_DECISIONS_H

#include "harness/compare/gate.h"

#define RUN_CASES 120 /* the most of a run */

/* Borrows the times. Zeroed is a case without any. */
struct measured {
	const double *base_ns, *new_ns;
};

struct decided {
	enum gate_decision decision;
	unsigned pairs; /* that were used */
};

/* Fills decided[i] for run[i]; `pairs` 0: looks, of cases with GATE_LOOK_LAST. */
void decide_run(struct decided *decided, const struct measured *run, unsigned count,
	unsigned pairs);

#endif
