/*
 * lives - births and ends of processes, stamped by the kernel: the process connector.
 *
 * One netlink socket for all. A lineage is a process that is watched, and all its
 * descendants: whoever it forked, and they, however far they daemonised. It says when
 * each was born and ended, also of processes that are not our children, and goes on
 * when a PID namespace has taken all of them away. Needs CAP_NET_ADMIN in the initial
 * network namespace, since Linux 6.6 nothing.
 */
#ifndef HARNESS_ENGINE_LIVES_H
#define HARNESS_ENGINE_LIVES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "harness/engine/facts.h"
#include "lib/err.h"

#define LIVES_MAX 65536 /* descendants of a lineage */

struct lives;

struct lineage {
	struct life self;
	int64_t leader_ns; /* its main thread ended; others may have gone on */
	struct life *descendants;
	unsigned count;
	/* The kernel had more to tell than there was room for: somebody may be missing,
	 * or live on here who has ended. */
	bool torn;
};

/* Keeps loop, without keeping it running; err says why it is not possible here. */
struct lives *lives_open(uv_loop_t *loop, struct err *err) MUST_CHECK;
void lives_close(struct lives *lives); /* accepts NULL */

/* From what has not been read yet on; who is there already has no birth. Borrowed until
 * lives_forget(). */
const struct lineage *lives_watch(struct lives *lives, pid_t pid) MUST_CHECK;
void lives_forget(struct lives *lives, const struct lineage *lineage);

/* Reads what has arrived, without waiting for the loop. */
void lives_read(struct lives *lives);

#endif
