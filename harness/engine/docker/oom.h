/*
 * oom - how many processes the out-of-memory killer took in a process's memory cgroup.
 *
 * The engine's own flag says that there was an OOM, once, and no more. The kernel's
 * counter is opened while the process lives and can be read until its cgroup is
 * removed, some 30 ms after its end.
 */
#ifndef HARNESS_ENGINE_DOCKER_OOM_H
#define HARNESS_ENGINE_DOCKER_OOM_H

#include <stdint.h>
#include <sys/types.h>

struct oom;

/* NULL when it cannot be read here. */
struct oom *oom_open(pid_t pid);
int64_t oom_kills(const struct oom *oom); /* -1: not known, so for NULL */
void oom_close(struct oom *oom);          /* accepts NULL */

#endif
