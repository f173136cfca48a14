/*
 * simulation - stops of BASE and NEW, in turn (A B B A ...), with noise of a known kind
 * and size, put through the gate.
 */
#ifndef HARNESS_COMPARE_TEST_SIMULATION_H
#define HARNESS_COMPARE_TEST_SIMULATION_H

#include <stdbool.h>

#include "harness/compare/gate.h"
#include "lib/rng.h"

enum noise {
	NOISE_NORMAL,
	NOISE_LOGNORMAL,  /* skewed: most stops are a little late, few very */
	NOISE_SCHEDULING, /* exponential, and one stop in twenty waits for a busy core: a
	                     Pareto tail of shape 1.5, whose deviation is infinite */
	NOISE_DRIFT,      /* normal, on a machine that gets slower from stop to stop */
	NOISE_BIMODAL,    /* three stops in ten miss a tick */
	NOISE_KINDS,
};

struct simulation {
	enum noise noise;
	double base_ns;     /* a stop of BASE without noise */
	double noise_ns;    /* standard deviation of a time; that of the exponential of
	                       NOISE_SCHEDULING */
	double slowdown_ns; /* of NEW */
	unsigned cases;     /* of the run: this one, and others without any times */
	struct rng rng;
};

struct simulated {
	enum gate_decision decision;
	unsigned pairs;
};

const char *noise_name(enum noise noise);

/* One comparison of so many pairs; at most 64, as in simulate_run(). */
struct simulated simulate_once(struct simulation *simulation, unsigned pairs);

/* One comparison that adds pairs until it is settled. */
struct simulated simulate_looks(struct simulation *simulation);

/* A run in which all cases have times: how many of them are told slower. */
unsigned simulate_run(
	struct simulation *simulation, enum gate_plan plan, unsigned pairs);

#endif
