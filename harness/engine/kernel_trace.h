/*
 * kernel_trace - signals, handlers, waits, exits and closed connections of all processes,
 * from the kernel's tracepoints.
 *
 * perf_event_open(2) on six tracepoints, one ring for each processor, stamped in
 * CLOCK_MONOTONIC. They say when a signal was sent, by which process, and whether it
 * was queued or discarded (PID 1 without a handler); when its handler began to run;
 * when a process asked for the end of a child; when a process began to
 * exit; and when it closed a TCP connection,
 * and when its peer reset it.
 *
 * Left out are signals that no stop is made of (SIGCHLD, timers, SIGURG, real-time
 * signals to a thread: runtimes send thousands of them), and signals that the kernel
 * sends from an idle processor. Needs root or CAP_PERFMON, and a kernel with tracefs,
 * which is mounted nowhere.
 */
#ifndef HARNESS_ENGINE_KERNEL_TRACE_H
#define HARNESS_ENGINE_KERNEL_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "lib/err.h"

struct kernel_trace;

enum kernel_trace_what {
	KERNEL_TRACE_SENT,    /* a signal was sent to `target` by `pid` */
	KERNEL_TRACE_HANDLED, /* a handler of `pid` begins */
	KERNEL_TRACE_DYING,   /* a thread of `pid` exits; descriptors are open */
	KERNEL_TRACE_WAITS,   /* `pid` calls wait(2) for a child */
	KERNEL_TRACE_CLOSES,  /* `pid` closes a TCP connection, or its end does */
	KERNEL_TRACE_RESET, /* the peer of a TCP connection sent RST; pid is nobody's */
	KERNEL_TRACE_WHATS,
};

struct kernel_trace_record {
	enum kernel_trace_what what;
	int64_t ns;
	pid_t pid;  /* the process that runs, on the host; for SENT the sender */
	int signal; /* of SENT and HANDLED */

	/* Of SENT. */
	pid_t target;     /* a process, or one thread of it */
	bool to_thread;   /* raise(3), abort(3), pthread_kill(3) and faults */
	bool from_kernel; /* sent by the kernel; the sender only ran at that time */
	bool ignored;     /* discarded: result 1 of the tracepoint */

	/* Of HANDLED. */
	bool restarts; /* SA_RESTART: an interrupted system call goes on after it */

	/* Of CLOSES and RESET. */
	unsigned port, peer_port;
	bool after_peer; /* of CLOSES: whose FIN came before */

	bool main_thread; /* of DYING: it is the one that ran main() */
};

/* Called from the loop or kernel_trace_read(); in order for each processor only. */
typedef void kernel_trace_fn(void *arg, const struct kernel_trace_record *record);

/* Keeps loop; the handles are unreferenced. NULL with err where it is not allowed. */
struct kernel_trace *kernel_trace_open(uv_loop_t *loop, kernel_trace_fn *traced,
	void *arg, struct err *err) MUST_CHECK;

/* Reads what has arrived, without a turn of the loop. */
void kernel_trace_read(struct kernel_trace *trace);

/* Records were lost at since_ns or later, because a ring was full. 0: ever. */
bool kernel_trace_has_gap(const struct kernel_trace *trace, int64_t since_ns);

void kernel_trace_close(struct kernel_trace *trace); /* accepts NULL */

#endif
