/*
 * measure - real stops of a program whose stop takes a planted time, in pairs.
 *
 * Each is a case of its own on the process engine, from start to end, as `stopbench run`
 * makes them; the pairs are in the order of --against (A B B A). Blocks alternate between
 * a machine that is left alone and one with a program that computes on each processor;
 * of every eight, two have a NEW that waits longer by the gate's tolerance.
 */
#ifndef BENCH_GATE_MEASURE_H
#define BENCH_GATE_MEASURE_H

#include <stdbool.h>
#include <stdio.h>

#include "bench/gate/times.h"
#include "bench/rig.h"

struct measure_options {
	unsigned comparisons; /* of two equal sides */
	bool realtime; /* the quiet blocks run at real-time priority, which keeps other
	                  work of the machine away from them; needs CAP_SYS_NICE */
	FILE *file;    /* gets each block when it is there */
};

/* Fills `times`, empty before. Interrupted, it ends early and is no failure. */
bool measure(struct rig *rig, struct times *times,
	const struct measure_options *options, struct err *err) MUST_CHECK;

#endif
