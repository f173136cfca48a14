/*
 * watchdog - a process that kills a child of ours when we end, however we end.
 *
 * The kernel kills the child of a parent that died (PR_SET_PDEATHSIG), but forgets to
 * as soon as the child changes its user (gosu, su-exec, setpriv). The watchdog kills it
 * when our end of a pipe closes without a byte.
 */
#ifndef HARNESS_ENGINE_WATCHDOG_H
#define HARNESS_ENGINE_WATCHDOG_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"

struct watchdog {
	pid_t pid; /* a child of ours; 0: none */
	int line;  /* our end of the pipe */
};

/* Watches over `child`, which we have not waited for; with `group`, also over its
 * process group. */
bool watchdog_start(
	struct watchdog *watchdog, pid_t child, bool group, struct err *err) MUST_CHECK;

/* The child has ended and was waited for: the watchdog ends and kills nothing. */
void watchdog_stop(struct watchdog *watchdog);

#endif
