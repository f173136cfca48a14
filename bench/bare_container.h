/*
 * bare_container - the calls of the Engine API that no stop of a container can do
 * without, and nothing else: create, start, its log until it is ready, stop, wait,
 * remove.
 */
#ifndef BENCH_BARE_CONTAINER_H
#define BENCH_BARE_CONTAINER_H

#include "bench/rig.h"

#define BARE_CONTAINER_COMMAND "handles-term" /* of our own image */
#define BARE_CONTAINER_GRACE   "5"            /* in s */

/* Adds how long they took, in ms. The rig has Docker. */
bool bare_container_run(
	struct rig *rig, struct samples *samples, struct err *err) MUST_CHECK;

#endif
