/*
 * traffic - HTTP clients that go on all through a rollout, and what became of each request.
 *
 * Half of the clients open a new connection for each request, half keep one open, unless
 * the scenario says otherwise. A client goes on after a request that went wrong. Requests
 * are kept as records and counted afterwards: by the phase in which they ended.
 */
#ifndef HARNESS_ROLLOUT_TRAFFIC_H
#define HARNESS_ROLLOUT_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "harness/scenario/load_request_part.h"
#include "lib/err.h"

/* What became of a request. */
enum traffic_class {
	TRAFFIC_FINISHED,   /* a whole answer as it is wanted */
	TRAFFIC_TURNED_AWAY, /* a whole 429 or 503 with Retry-After: refused politely */
	TRAFFIC_SERVER_ERROR, /* another whole 5xx */
	TRAFFIC_WRONG,      /* another whole answer that is not wanted */
	TRAFFIC_REFUSED,    /* no connection */
	TRAFFIC_RESET,      /* it was sent, and the connection ended before any answer */
	TRAFFIC_LOST,       /* the answer began, and was cut */
	TRAFFIC_UNANSWERED, /* nothing came in time */
	TRAFFIC_CLASSES,
};

/* "finished", "turned-away", "server-error", ...; NULL-terminated. */
extern const char *const traffic_class_names[TRAFFIC_CLASSES + 1];

/* Neither finished nor turned away politely: a failed request. */
bool traffic_class_failed(enum traffic_class class);

struct traffic_record {
	int64_t sent_ns, ended_ns; /* CLOCK_MONOTONIC */
	uint8_t class;             /* enum traffic_class */
	bool reused;               /* over a connection that an earlier request used */
	uint16_t status;           /* 0: none */
	uint16_t port; /* of the task that answered, by the balancer's X-Backend; 0: not
			* known */
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
/* The first request that failed, in words, of each class; NULL: none. Borrowed. */
const char *traffic_first(const struct traffic *traffic, enum traffic_class class);

#endif
