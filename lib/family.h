/*
 * family - the processes that are ours: those we spawned, and the orphans.
 *
 * libuv waits for the pids that it spawned and for no others. A family also takes in
 * orphans: as PID 1, or as child subreaper when we are not PID 1, it reaps whatever
 * the kernel hands us, and can end what is left at the very end.
 *
 * That makes every child of the process that no child_spawn() of this family started
 * an orphan, so there is at most one such family in a program, and the program starts
 * its children with nothing else. A family without an orphan callback takes nobody in
 * and may live beside others.
 */
#ifndef LIB_FAMILY_H
#define LIB_FAMILY_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "lib/err.h"

struct family;

/* An orphan was reaped; from the loop. `status` is waitpid's. */
typedef void family_orphan_fn(void *arg, pid_t pid, int status);

/* Keeps loop, and does not keep it running. Ignores SIGPIPE unless it is handled,
 * because a child may close its stdin at any time. Blocks no signal; handles SIGCHLD
 * beside libuv. `orphan` NULL: orphans are left to whoever gets them. */
struct family *family_create(uv_loop_t *loop, family_orphan_fn *orphan, void *arg,
	struct err *err) MUST_CHECK;

/* SIGKILLs every descendant that is left (children of ours that we did not spawn or
 * whose child was destroyed, and everybody below those), and gives how many there
 * were. Who belongs to a child that still runs is left to that child's ladder.
 * Whatever turns up later is killed as well, and the loop is kept running until all of
 * them have been reaped. Needs a family that takes orphans in. */
unsigned family_sweep(struct family *family);

/* All children must have been destroyed; those still dying are reaped by the loop, and
 * orphans no longer are. Accepts NULL. */
void family_destroy(struct family *family);

/* The rest is for child.c. A member is embedded in its child. */
struct family_member {
	pid_t pid;
	bool released; /* its owner has let go: a sweep need not spare it */
	struct family_member *prev, *next;
};

uv_loop_t *family_loop(const struct family *family);
void family_join(struct family *family, struct family_member *member);
void family_leave(struct family *family, struct family_member *member);

/* Room to read into, shared by all children; good until the callback returns. */
uv_buf_t family_scratch(struct family *family);

#endif
