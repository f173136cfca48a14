/*
 * spawner - starts programs, each at the same cost, however large the program that starts
 * them is and however many descriptors it has open.
 *
 * fork() copies the page tables and the descriptors of the program, and the new program
 * closes those again: with a thousand children, whose pipes are open, that is most of a
 * start. Here the new process shares both until it executes (CLONE_VM, CLONE_VFORK and
 * CLONE_FILES of clone(2)), and keeps of the descriptors only those below a few that were
 * reserved early (CLOSE_RANGE_UNSHARE of close_range(2)). bench/starts compares this with
 * fork(), posix_spawn() and a zygote.
 *
 * The started program has an empty signal mask, default dispositions and no descriptor
 * but 0, 1 and 2.
 */
#ifndef LIB_SPAWNER_H
#define LIB_SPAWNER_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"

#define SPAWNER_FILES 3

/* Embedded in its owner. To be made early: descriptors that are open then are copied in
 * each start. */
struct spawner {
	int slots[SPAWNER_FILES]; /* what becomes 0, 1 and 2 of the next program */
	int null;                 /* what is in them meanwhile */
	int top;                  /* the largest of these */
	bool ready;
};

struct spawn {
	const char *const
		*argv; /* NULL-terminated; argv[0] is looked up in the PATH of env */
	const char *const *env; /* NULL-terminated; NULL: inherited */
	const char *folder;     /* NULL: inherited */
	/* Which descriptors of ours it gets as 0, 1 and 2; -1: /dev/null as 0, ours as 1
	 * and 2. */
	int files[SPAWNER_FILES];
	bool same_group; /* false: a session and a process group of its own */
	bool dies_with_us; /* SIGKILL when our thread ends, by whatever (PR_SET_PDEATHSIG) */
};

/* 0, 1 and 2 must be open (standard_files.h). */
bool spawner_init(struct spawner *spawner, struct err *err) MUST_CHECK;
void spawner_done(struct spawner *spawner); /* accepts a zeroed one */

/* Gives 0 and the pid of the running program, which the caller waits for, or an errno. One
 * that cannot be executed is an error, and nothing is left to wait for. */
int spawner_start(
	struct spawner *spawner, const struct spawn *spawn, pid_t *pid) MUST_CHECK;

#endif
