/*
 * latency - how long something takes: a fixed time, or draws from a distribution.
 *
 *   "250ms"
 *   {"distribution": "uniform",     "min": "50ms", "max": "400ms"}
 *   {"distribution": "normal",      "mean": "200ms", "deviation": "30ms"}
 *   {"distribution": "lognormal",   "median": "200ms", "sigma": 0.5}
 *   {"distribution": "exponential", "mean": "200ms"}
 *   {"distribution": "pareto",      "min": "100ms", "shape": 2.5}
 *   {"distribution": "empirical",   "values": ["10ms", "12ms", "480ms"]}
 *
 * Every draw is from 0 to LATENCY_MAX_NS, and so is every duration in the forms above.
 */
#ifndef LIB_LATENCY_H
#define LIB_LATENCY_H

#include <stdint.h>

#include "lib/fields.h"
#include "lib/rng.h"

#define LATENCY_MAX_NS     (INT64_C(24) * 3600 * 1000000000)
#define LATENCY_VALUES_MAX 256

enum latency_kind {
	LATENCY_FIXED, /* a zeroed latency is fixed at 0 */
	LATENCY_UNIFORM,
	LATENCY_NORMAL,
	LATENCY_LOGNORMAL,
	LATENCY_EXPONENTIAL,
	LATENCY_PARETO,
	LATENCY_EMPIRICAL,
};

struct latency {
	enum latency_kind kind;
	int64_t a_ns;       /* fixed value, min, mean or median */
	int64_t b_ns;       /* max or deviation */
	double shape;       /* sigma of lognormal, alpha of pareto */
	int64_t *values_ns; /* empirical: owned, NULL otherwise */
	unsigned values;
};

/* Of a struct latency in a table of fields. Reading frees what the latency had, and
 * leaves it as it was on failure. */
extern const struct field_type latency_type;

void latency_done(void *latency); /* a struct latency */

/* The longest that can be drawn; -1: there is none below LATENCY_MAX_NS. */
int64_t latency_longest(const struct latency *latency);

int64_t latency_draw(const struct latency *latency, struct rng *rng);

#endif
