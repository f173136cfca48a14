/*
 * oom - how many processes of a memory cgroup the out-of-memory killer has killed.
 *
 * An engine's OOMKilled only says that an OOM happened. The kernel's counter, opened
 * while the process runs, is readable until the cgroup is removed, some 30 ms after the
 * end.
 */
#ifndef HARNESS_ENGINE_OOM_H
#define HARNESS_ENGINE_OOM_H

#include <stdint.h>
#include <sys/types.h>

/* Gives a descriptor of the counter of pid's cgroup, the caller's to close; -1: it
 * cannot be read here. */
int oom_open(pid_t pid);
int64_t oom_kills(int fd); /* -1: not known, also for fd -1 */

#endif
