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
 * Every draw is at least 0 and at most LATENCY_MAX_NS, as is every duration that is
 * read. Draws come from the caller's rng, so one seed reproduces a run.
 */
#ifndef LIB_LATENCY_H
#define LIB_LATENCY_H

#include <stdint.h>

#include "lib/json.h"
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

/* Reads the forms above. On success *latency is replaced (what it held is let go). */
bool latency_read(struct latency *latency, const struct json_doc *doc,
	const cJSON *node, struct err *err) MUST_CHECK;
void latency_done(struct latency *latency);

/* JSON Schema: of the forms above, and of the first alone, which is that of every
 * duration. The caller's to cJSON_Delete(). */
cJSON *latency_schema(void) MUST_CHECK;
cJSON *latency_schema_fixed(void) MUST_CHECK;

int64_t latency_draw(const struct latency *latency, struct rng *rng);

#endif
