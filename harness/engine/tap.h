/*
 * tap - the signals that one process is sent, from the kernel's own tracepoint.
 *
 * perf_event_open(2) on signal:signal_generate, filtered by the target's pid, stamped
 * by the kernel in CLOCK_MONOTONIC. It says when a signal was sent, by whom, and
 * whether it was queued or thrown away on the spot (a PID 1 without a handler). Needs
 * root or CAP_PERFMON and a kernel with tracefs; the system's mounts are not touched.
 */
#ifndef HARNESS_ENGINE_TAP_H
#define HARNESS_ENGINE_TAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

struct tap;

struct tap_record {
	int64_t ns;
	int signal;
	pid_t sender;  /* its process id on the host */
	bool ignored;  /* thrown away: result 1 of the tracepoint */
};

/* Can taps be opened here? err says why not. */
bool tap_possible(struct err *err);

struct tap *tap_open(pid_t target, struct err *err) MUST_CHECK;

/* The next record that was not read yet, oldest first of each processor. */
bool tap_next(struct tap *tap, struct tap_record *record);
void tap_close(struct tap *tap); /* accepts NULL */

#endif
