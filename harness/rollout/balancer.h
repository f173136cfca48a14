/*
 * balancer - what stands between the traffic and the tasks: ours (bin/balancer), haproxy
 * from the system, or none, where the orchestrator has a mesh of its own.
 *
 * It is told which tasks there are, as service discovery tells a balancer: a backend that is
 * to be taken out is out `lag` later. It listens on a port of the harness's host that it
 * chooses.
 */
#ifndef HARNESS_ROLLOUT_BALANCER_H
#define HARNESS_ROLLOUT_BALANCER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "harness/scenario/balancer_part.h"
#include "lib/err.h"

struct balancer;

struct balancer_options {
	uv_loop_t *loop;
	const char *programs; /* folder of our programs */
	const char *folder;   /* of the case: configuration, sockets, its log */
	const struct balancer_part *part;
	const bool *interrupted;
};

/* Gives a balancer that listens, without backends: it answers 503. Keeps options'
 * pointers. Turns the loop. */
struct balancer *balancer_up(
	const struct balancer_options *options, struct err *err) MUST_CHECK;

/* "http://127.0.0.1:41234". Borrowed. */
const char *balancer_url(const struct balancer *balancer);

/* The backends from now on, "10.99.2.2:30001" each; borrowed. One that is missing is taken
 * out after the lag; a new one gets requests at once, or once it is found healthy. Does not
 * wait; may be called from the loop. */
void balancer_set(
	struct balancer *balancer, const char *const *backends, unsigned count);
/* Every backend of the last balancer_set() gets requests, and no other one does. */
bool balancer_has_settled(const struct balancer *balancer);

bool balancer_running(const struct balancer *balancer);

/* Stops it and waits for its end. Turns the loop. Accepts NULL. */
void balancer_down(struct balancer *balancer);

#endif
