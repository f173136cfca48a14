/*
 * stop_ring - the stops of the last ten minutes, as lines, for readers that come later or
 * whose connection broke.
 *
 * Bounded in age, number and bytes. Stops are numbered from 1 on.
 */
#ifndef HARNESS_WITNESS_STOP_RING_H
#define HARNESS_WITNESS_STOP_RING_H

#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#define STOP_RING_NS    (INT64_C(600) * 1000000000)
#define STOP_RING_MAX   4096
#define STOP_RING_BYTES ((size_t)64 << 20)

struct kept_stop {
	uint64_t seq;
	int64_t ns; /* CLOCK_MONOTONIC, when it was added */
	char *line; /* with its line break */
	size_t len;
	cJSON *labels; /* of the container */
	struct kept_stop *prev, *next;
};

/* All zero is an empty one. */
struct stop_ring {
	struct kept_stop *oldest; /* a list; NULL: none is kept */
	unsigned count;
	size_t bytes;
	uint64_t seq; /* of the last stop, kept or not; 0: there was none */
};

/* Numbers json, an object, in its member "seq" and keeps it as {"stop": json}. Takes json;
 * copies labels. What is too old at now_ns, or past a bound, goes. Borrowed until the next
 * call. */
const struct kept_stop *stop_ring_add(
	struct stop_ring *ring, cJSON *json, const cJSON *labels, int64_t now_ns);

/* The first one after this number that is kept; NULL: there is none. Borrowed likewise. */
const struct kept_stop *stop_ring_after(
	struct stop_ring *ring, uint64_t seq, int64_t now_ns);

void stop_ring_done(struct stop_ring *ring);

#endif
