/*
 * balancer_part - "balancer" of a scenario with a rollout.
 */
#ifndef HARNESS_SCENARIO_BALANCER_PART_H
#define HARNESS_SCENARIO_BALANCER_PART_H

#include <stdint.h>

#include "lib/fields.h"

enum balancer_kind {
	BALANCER_OURS,    /* bin/balancer */
	BALANCER_HAPROXY, /* of the system */
	BALANCER_NONE, /* straight to the published port: a mesh, or a single address */
};

struct balancer_part {
	int kind;       /* enum balancer_kind: "ours", "haproxy", "none" */
	int64_t lag_ns; /* between the order to take a backend out, and its end */
	/* A backend is asked for `health_path` each interval; after `fails` wrong answers
	 * in a row it gets no request, after one right answer it does. NULL: never asked. */
	char *health_path;
	int64_t health_interval_ns;
	int64_t fails;
	/* A request that could not be sent, or whose connection ended before an answer, is
	 * sent to another backend, so often. */
	int64_t retries;
};

extern const struct field balancer_fields[];

#endif
