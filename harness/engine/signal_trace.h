/*
 * signal_trace - the signals that one process is sent and the beginning of its end, from the
 * kernel's own tracepoints.
 *
 * perf_event_open(2) on signal:signal_generate and sched:sched_process_exit, filtered
 * by the target's pid, stamped by the kernel in CLOCK_MONOTONIC. It says when a signal
 * was sent, by whom, and whether it was queued or thrown away on the spot (a PID 1
 * without a handler). SIGCHLD is left out, and so is what the kernel sends from an idle
 * processor (a timer's signal). Needs root or CAP_PERFMON and a kernel with tracefs; the
 * system's mounts are not touched.
 */
#ifndef HARNESS_ENGINE_SIGNAL_TRACE_H
#define HARNESS_ENGINE_SIGNAL_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "lib/err.h"

struct signal_trace;

enum signal_trace_what {
	SIGNAL_TRACE_SIGNAL, /* the process was sent a signal */
	SIGNAL_TRACE_DYING,  /* it began to exit: its descriptors are not closed yet */
};

struct signal_trace_record {
	enum signal_trace_what what;
	int64_t ns;
	/* Of SIGNAL_TRACE_SIGNAL. */
	int signal;
	pid_t sender;     /* its process id on the host */
	bool from_kernel; /* of its own accord; the sender only happened to run then */
	bool ignored;     /* thrown away: result 1 of the tracepoint */
};

/* From the loop or signal_trace_read(). In order for each tracepoint and processor, not across
 * them. */
typedef void signal_trace_fn(void *arg, const struct signal_trace_record *record);

/* NULL with err where it is not allowed. Keeps loop, without keeping it running. From the loop's next turn on it is woken by
 * each signal; what came before is read with the rest. */
struct signal_trace *signal_trace_open(uv_loop_t *loop, pid_t target,
	signal_trace_fn *sent, void *arg, struct err *err) MUST_CHECK;

/* Reads what has arrived, without waiting for the loop. */
void signal_trace_read(struct signal_trace *trace);
void signal_trace_close(struct signal_trace *trace); /* accepts NULL */

#endif
