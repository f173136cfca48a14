/*
 * traffic - HTTP clients that go on all through a rollout, and what became of each request.
 *
 * Half of the clients open a new connection for each request, half keep one open, unless
 * the scenario says otherwise. A client goes on after a request that went wrong; what a
 * real client would repeat (traffic_class.h) is sent again, and counted as one request
 * with a repeat. Requests are kept as records and counted afterwards: by the phase in
 * which they ended (traffic_table.h).
 */
#ifndef HARNESS_ROLLOUT_TRAFFIC_H
#define HARNESS_ROLLOUT_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "harness/rollout/traffic_class.h"
#include "harness/scenario/load_request_part.h"
#include "lib/err.h"

struct traffic_record {
	int64_t sent_ns, ended_ns; /* CLOCK_MONOTONIC; sent for the first time */
	uint8_t class;             /* enum traffic_class */
	uint8_t repeats; /* how often it was sent again; at most UINT8_MAX are told */
	bool reused;     /* over a connection that an earlier request used */
	uint16_t status; /* 0: none */
	/* Who answered, for traffic_backend(), by the balancer's X-Backend; 0: not known. */
	uint16_t backend;
};

/* Past this bound requests are counted and not kept. */
#define TRAFFIC_RECORDS_MAX (1u << 22)

struct traffic;

/* Keeps loop and part. base: "http://10.99.1.2:8080", copied. Nothing is sent yet. */
struct traffic *traffic_create(uv_loop_t *loop, const struct load_request_part *part,
	const char *base, struct err *err) MUST_CHECK;
void traffic_destroy(struct traffic *traffic); /* accepts NULL */

void traffic_begin(struct traffic *traffic);
/* No client sends another request. */
void traffic_hold(struct traffic *traffic);
/* No request is under way; after traffic_hold() none will be. */
bool traffic_is_quiet(const struct traffic *traffic);

/* Every client has had an answer as it is wanted since the traffic began. */
bool traffic_flows(const struct traffic *traffic);

/* In the order in which they ended. Borrowed until the loop turns. */
const struct traffic_record *traffic_records(
	const struct traffic *traffic, unsigned *count);
unsigned traffic_dropped(const struct traffic *traffic); /* past the bound */
/* "10.99.2.2:30001" of a record's backend; NULL of 0. Borrowed. */
const char *traffic_backend(const struct traffic *traffic, unsigned backend);
/* The first request of each class but the finished ones, in words; NULL: none.
 * Borrowed. */
const char *traffic_first(const struct traffic *traffic, enum traffic_class class);

#endif
