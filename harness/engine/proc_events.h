/*
 * proc_events - forks and exits of processes, stamped by the kernel's process
 * connector.
 *
 * One netlink socket serves all lineages. A lineage is a watched process and all its
 * descendants, daemonised ones included, and, where it is PID 1, whatever was put into
 * its PID namespace from outside; it says when each was forked and ended. It stays
 * readable after the end of the PID namespace. The connector needs CAP_NET_ADMIN
 * in the initial network namespace; since Linux 6.6 no capability.
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
	int64_t leader_ns; /* its main thread ended; other threads may run on */
	struct proc_record *descendants;
	unsigned count;
	/* Events were lost: a process may be missing, or have ended unnoticed. */
	bool incomplete;
};

/* Keeps loop; the handle is unreferenced. NULL with err where it is not possible. */
struct proc_events *proc_events_open(uv_loop_t *loop, struct err *err) MUST_CHECK;
void proc_events_close(struct proc_events *events); /* accepts NULL */

/* Tracks pid and its descendants from now on. Existing descendants have born_ns 0.
 * Borrowed until proc_events_forget(). */
const struct proc_lineage *proc_events_watch(
	struct proc_events *events, pid_t pid) MUST_CHECK;
void proc_events_forget(struct proc_events *events, const struct proc_lineage *lineage);

/* Lets go of the descendants that ended before this, zombies excepted: a lineage may be
 * watched for weeks. An incomplete one becomes complete again: it is read anew. */
void proc_events_trim(struct proc_events *events, const struct proc_lineage *lineage,
	int64_t before_ns);

/* The lineage's process that has this pid now, or had it last; NULL: none. */
const struct proc_record *proc_events_find(const struct proc_events *events,
	const struct proc_lineage *lineage, pid_t pid);

/* A thread of this process began to exit, as the kernel's trace has it. */
void proc_events_note_dying(struct proc_events *events,
	const struct proc_lineage *lineage, pid_t pid, int64_t ns);

/* Reads what has arrived, without a turn of the loop. */
void proc_events_read(struct proc_events *events);

#endif
