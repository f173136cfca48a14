/*
 * descendants - the processes below a process, from /proc.
 *
 * Children are read from /proc/PID/task/TID/children. Where the kernel was built
 * without that file, the parent of every process is read instead. Either is a snapshot
 * of something that moves: to end all descendants, read again until a read finds none
 * that is new. Without a /proc of the program's own PID namespace none are found.
 */
#ifndef LIB_DESCENDANTS_H
#define LIB_DESCENDANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct descendant {
	pid_t pid;
	bool dead; /* a zombie, which only its parent can reap */
};

/* Zeroed is empty. */
struct descendants {
	struct descendant *all;
	size_t count;
	size_t room;
};

/* True: leaves out the process and all below it. */
typedef bool descendants_spared_fn(const void *arg, pid_t pid);

/* Replaces the contents by every process below root, each once, parents before their
 * children. `spared` may be NULL. */
void descendants_read(struct descendants *descendants, pid_t root,
	descendants_spared_fn *spared, const void *arg);

/* The same from the parents of all processes, without the children files. */
void descendants_scan(struct descendants *descendants, pid_t root,
	descendants_spared_fn *spared, const void *arg);

/* Adds the processes in the PID namespace of root that are not below it, and what is
 * below them: `docker exec` puts a process there from outside. */
void descendants_join_namespace(struct descendants *descendants, pid_t root);

bool descendants_has(const struct descendants *descendants, pid_t pid);
void descendants_add(struct descendants *descendants, pid_t pid, bool dead);
void descendants_done(struct descendants *descendants);

#endif
