/*
 * signal_trace - the signals sent to one process and the beginning of its exit, from
 * the kernel's tracepoints.
 *
 * perf_event_open(2) on signal:signal_generate and sched:sched_process_exit, filtered
 * by the target's pid and stamped in CLOCK_MONOTONIC: when a signal was sent, by which
 * process, and whether it was queued or discarded (PID 1 without a handler). Left out
 * are SIGCHLD and signals that the kernel sends from an idle processor (timers). Needs
 * root or CAP_PERFMON and a kernel with tracefs, which is mounted nowhere.
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
	SIGNAL_TRACE_DYING,  /* it began to exit; its descriptors are still open */
};

struct signal_trace_record {
	enum signal_trace_what what;
	int64_t ns;
	/* Of SIGNAL_TRACE_SIGNAL only. */
	int signal;
	pid_t sender;     /* its process id on the host */
	bool from_kernel; /* sent by the kernel; the sender only ran at that time */
	bool ignored;     /* discarded: result 1 of the tracepoint */
};

/* Called from the loop or signal_trace_read(), in order per tracepoint and processor
 * only. */
typedef void signal_trace_fn(void *arg, const struct signal_trace_record *record);

/* Keeps loop; the handles are unreferenced. NULL with err where it is not allowed. A
 * target of 0, `sent` NULL, traces no process and keeps the tracepoints attached. */
struct signal_trace *signal_trace_open(uv_loop_t *loop, pid_t target,
	signal_trace_fn *sent, void *arg, struct err *err) MUST_CHECK;

/* Reads what has arrived, without a turn of the loop. */
void signal_trace_read(struct signal_trace *trace);
void signal_trace_close(struct signal_trace *trace); /* accepts NULL */

#endif
