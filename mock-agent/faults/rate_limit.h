/*
 * rate_limit - how many sessions the agent API lets its clients open and end in a second:
 * a token bucket for each of both, as the hosted API limits requests.
 *
 * A bucket fills at its rate and holds what comes together in `burst`, at least one. A
 * request takes one token. One that finds none is answered with HTTP 429 at once, before
 * any latency; its Retry-After is the time until the next token, in whole seconds, and
 * retry-after-ms the same in milliseconds. A refused request takes nothing.
 */
#ifndef MOCK_AGENT_FAULTS_RATE_LIMIT_H
#define MOCK_AGENT_FAULTS_RATE_LIMIT_H

#include <stdint.h>

#include "lib/fields.h"

enum rate_limited {
	RATE_LIMITED_CONNECTS,    /* POST /v1/sessions */
	RATE_LIMITED_DISCONNECTS, /* archive and delete, of any session */
	RATE_LIMITED,
};

/* Of the behavior. */
struct rate_limit_behavior {
	int64_t per_second[RATE_LIMITED]; /* 0: no limit */
	int64_t burst_ns;
};

extern const struct field rate_limit_fields[];

/* Zeroed is full. */
struct rate_bucket {
	double missing; /* tokens, at filled_ns */
	int64_t filled_ns;
};

struct rate_limit {
	struct rate_bucket bucket[RATE_LIMITED];
};

/* Takes a token at now_ns (CLOCK_MONOTONIC) and gives 0; or gives the time until the next
 * one, and takes none. */
int64_t rate_limit_take(struct rate_limit *limit,
	const struct rate_limit_behavior *behavior, enum rate_limited what,
	int64_t now_ns);

#endif
