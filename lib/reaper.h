/*
 * reaper - the processes that are ours: those we spawned, and the orphans.
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
#ifndef LIB_REAPER_H
#define LIB_REAPER_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "lib/err.h"

struct reaper;

/* An orphan was reaped; from the loop. `status` is waitpid's. */
typedef void reaper_orphan_fn(void *arg, pid_t pid, int status);

/* Keeps loop, and does not keep it running. Ignores SIGPIPE unless it is handled,
 * because a child may close its stdin at any time. Blocks no signal; handles SIGCHLD
 * beside libuv. `orphan` NULL: orphans are left to whoever gets them. */
struct reaper *reaper_create(uv_loop_t *loop, reaper_orphan_fn *orphan, void *arg,
	struct err *err) MUST_CHECK;

/* SIGKILLs every descendant that is left (children of ours that we did not spawn or
 * whose child was destroyed, and everybody below those), and gives how many there
 * were. Who belongs to a child that still runs is left to that child's ladder.
 * Whatever turns up later is killed as well, and the loop is kept running until all of
 * them have been reaped. Needs a family that takes orphans in. */
unsigned reaper_kill_all(struct reaper *reaper);

/* All children must have been destroyed; those still dying are reaped by the loop, and
 * orphans no longer are. Accepts NULL. */
void reaper_destroy(struct reaper *reaper);

/* The rest is for child.c. A member is embedded in its child. */
struct reaper_child {
	pid_t pid;
	bool released; /* its owner has let go: a sweep need not spare it */
	struct reaper_child *prev, *next;
};

uv_loop_t *reaper_loop(const struct reaper *reaper);
void reaper_add(struct reaper *reaper, struct reaper_child *member);
void reaper_remove(struct reaper *reaper, struct reaper_child *member);

/* Room to read into, shared by all children; good until the callback returns. */
uv_buf_t reaper_scratch(struct reaper *reaper);

#endif
