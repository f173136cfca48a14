/*
 * reaper - starts programs and waits for them, and for orphans.
 *
 * A reaper with an orphan callback takes in orphans: as PID 1, or else as child
 * subreaper, it reaps every process that the kernel reparents to it, and can kill what is
 * left at the very end. It takes one dead process after the other, whosever it was: a
 * thousand that end at once cost a wait each. (libuv asks for each of its processes at
 * every SIGCHLD, a million times then.) A reaper without such a callback asks for its own
 * children alone, one by one.
 *
 * To such a reaper every child that no child_spawn() of its own started is an orphan. A
 * program has at most one, and starts its children with nothing else. Reapers without
 * an orphan callback take in none, and there may be several.
 */
#ifndef LIB_REAPER_H
#define LIB_REAPER_H

#include <stdbool.h>
#include <sys/types.h>
#include <uthash.h>
#include <uv.h>

#include "lib/err.h"
#include "lib/spawner.h"

struct reaper;

/* From the loop, for each orphan that was reaped. `status` is that of waitpid(). */
typedef void reaper_orphan_fn(void *arg, pid_t pid, int status);

/* Keeps loop, which it keeps running while it has children. Ignores SIGPIPE unless it is
 * handled, because a child may close its stdin at any time. Blocks no signal; handles
 * SIGCHLD. `orphan` NULL: takes in no orphans. 0, 1 and 2 must be open. */
struct reaper *reaper_create(uv_loop_t *loop, reaper_orphan_fn *orphan, void *arg,
	struct err *err) MUST_CHECK;

/* Sends SIGKILL to every descendant that is left (orphans, processes whose child was
 * destroyed, and all below those), and gives how many there were. Spares a child that
 * was not destroyed, and all below it: its ladder ends them. Descendants that appear
 * later are killed as well, and the loop keeps running until all of them have been
 * reaped. Needs an orphan callback. */
unsigned reaper_kill_all(struct reaper *reaper);

/* All children must have been destroyed. The loop still reaps those, and no orphans any
 * more. Accepts NULL. */
void reaper_destroy(struct reaper *reaper);

/* The rest is for child.c, whose struct child embeds this. */
struct reaper_child {
	pid_t pid;
	bool released; /* its child was destroyed: reaper_kill_all() does not spare it
			*/
	/* From the loop, once it was reaped and taken out of the reaper. */
	void (*reaped)(struct reaper_child *child, int status);
	UT_hash_handle hh;
};

uv_loop_t *reaper_loop(const struct reaper *reaper);

/* Starts the program, and waits for it from now on. 0 or an errno. */
int reaper_start(struct reaper *reaper, const struct spawn *spawn,
	struct reaper_child *child) MUST_CHECK;

/* A buffer to read into, shared by all children; valid until the callback returns. */
uv_buf_t reaper_scratch(struct reaper *reaper);

#endif
