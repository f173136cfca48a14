/*
 * readiness - is the service ready? By observation, never by sleeping.
 *
 * HTTP and TCP ask its port, the log is read as it comes, and readiness for the stop
 * signal is read from PID 1's masks in /proc: what can only be asked is asked again
 * every few milliseconds until the bound.
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
	const struct subject *subject;
	const struct evidence *evidence;
	const bool *interrupted;
};

enum readiness_end {
	READINESS_YES,
	READINESS_NOT_IN_TIME, /* err says what was asked and how it was answered */
	READINESS_EXITED,      /* PID 1 ended first */
	READINESS_INTERRUPTED,
};

/* `base` gets "http://host:port", the caller's to free(); NULL where no port is known. */
enum readiness_end readiness_await(const struct readiness_options *options, char **base,
	struct err *err) MUST_CHECK;

#endif
