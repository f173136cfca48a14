/*
 * descendants - the processes below one, as /proc tells.
 *
 * Children are read from /proc/PID/task/TID/children. Where the kernel was built
 * without that file, every process is asked for its parent instead. Either is a
 * snapshot of something that moves: whoever wants to end all of them looks again
 * until nobody new is there. Without a /proc of our own pid namespace nobody is found.
 */
#ifndef LIB_DESCENDANTS_H
#define LIB_DESCENDANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct descendant {
	pid_t pid;
	bool dead; /* a zombie: only its parent can do anything for it */
};

/* A zeroed kin is a valid empty one. */
struct descendants {
	struct descendant *all;
	size_t count;
	size_t room;
};

/* True: leave this process out, and everybody below it. */
typedef bool descendants_spared_fn(const void *arg, pid_t pid);

/* Fills kin, in place of what it held, with everybody below root; each once, parents
 * before their children. `spared` may be NULL. */
void descendants_read(struct descendants *descendants, pid_t root,
	descendants_spared_fn *spared, const void *arg);

/* The same without the children files: asks every process of /proc. */
void descendants_scan(struct descendants *descendants, pid_t root,
	descendants_spared_fn *spared, const void *arg);

bool descendants_has(const struct descendants *descendants, pid_t pid);
void descendants_add(struct descendants *descendants, pid_t pid, bool dead);
void descendants_done(struct descendants *descendants);

#endif
