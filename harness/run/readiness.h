/*
 * readiness - waits until the service is ready, by observation.
 *
 * HTTP and TCP ask its port once no other process listens there, the log is searched as
 * it comes, and readiness for the stop signal is read from PID 1's masks in /proc.
 * Without "ready" in its scenario our own service is asked over HTTP and another one
 * with a port over TCP. One without a port is ready when its processes have settled:
 * each of them sleeps, and none comes, goes or runs another program for 200 ms; 2 s
 * after its start it counts as ready in any case (READINESS_UNSETTLED).
 */
#ifndef HARNESS_RUN_READINESS_H
#define HARNESS_RUN_READINESS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/run/evidence.h"
#include "harness/scenario/scenario.h"
#include "lib/err.h"

struct readiness_options {
	uv_loop_t *loop;
	const struct scenario *scenario;
	int64_t port; /* the service's; 0: our service logs it */
	const struct subject *subject;
	const struct evidence *evidence;
	const bool *interrupted;
};

enum readiness_end {
	READINESS_YES,
	READINESS_UNSETTLED,   /* so too, and nothing has said that it is ready */
	READINESS_NOT_IN_TIME, /* err says what was asked and how it was answered */
	READINESS_NEVER, /* another process has its port, or there is no health check */
	READINESS_EXITED, /* PID 1 ended first */
	READINESS_INTERRUPTED,
};

/* `base` gets "http://host:port", the caller's to free(); NULL where no port is
 * known. */
enum readiness_end readiness_await(const struct readiness_options *options, char **base,
	struct err *err) MUST_CHECK;

#endif
