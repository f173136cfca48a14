/*
 * proc_events - births and ends of processes, stamped by the kernel: the process connector.
 *
 * One netlink socket for all. A lineage is a process that is watched, and all its
 * descendants: whoever it forked, and they, however far they daemonised. It says when
 * each was born and ended, also of processes that are not our children, and goes on
 * when a PID namespace has taken all of them away. Needs CAP_NET_ADMIN in the initial
 * network namespace, since Linux 6.6 nothing.
 */
#ifndef HARNESS_ENGINE_PROC_EVENTS_H
#define HARNESS_ENGINE_PROC_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "harness/engine/facts.h"
#include "lib/err.h"

#define PROC_EVENTS_MAX 65536 /* descendants of a lineage */

struct proc_events;

struct proc_lineage {
	struct proc_record self;
	int64_t leader_ns; /* its main thread ended; others may have gone on */
	struct proc_record *descendants;
	unsigned count;
	/* The kernel had more to tell than there was room for: somebody may be missing,
	 * or live on here who has ended. */
	bool torn;
};

/* Keeps loop, without keeping it running; err says why it is not possible here. */
struct proc_events *proc_events_open(uv_loop_t *loop, struct err *err) MUST_CHECK;
void proc_events_close(struct proc_events *events); /* accepts NULL */

/* From what has not been read yet on; who is there already has no birth. Borrowed until
 * proc_events_forget(). */
const struct proc_lineage *proc_events_watch(
	struct proc_events *events, pid_t pid) MUST_CHECK;
void proc_events_forget(struct proc_events *events, const struct proc_lineage *lineage);

/* Reads what has arrived, without waiting for the loop. */
void proc_events_read(struct proc_events *events);

#endif
