/*
 * watchdog - a process that outlives us by a moment, to end what must not.
 *
 * A cell dies with its harness because the kernel kills it when its parent dies. The
 * kernel forgets that as soon as the cell changes its user (gosu, su-exec, setpriv), so a
 * guard waits beside it: when our end of a pipe closes without a word, however we ended,
 * it kills.
 */
#ifndef HARNESS_ENGINE_WATCHDOG_H
#define HARNESS_ENGINE_WATCHDOG_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"

struct watchdog {
	pid_t pid; /* a child of ours; 0: there is none */
	int line;  /* our end of its pipe */
};

/* Over `ward`, a child that we have not waited for; with `group`, over its process
 * group as well. */
bool watchdog_start(
	struct watchdog *watchdog, pid_t ward, bool group, struct err *err) MUST_CHECK;

/* Its ward has ended and was waited for: the guard goes without killing anybody. */
void watchdog_stop(struct watchdog *watchdog);

#endif
