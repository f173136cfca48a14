/*
 * container_runtime - what the kernel shows of a container runtime: the names of its
 * programs, and whether a process is in one of its containers.
 */
#ifndef HARNESS_ENGINE_CONTAINER_RUNTIME_H
#define HARNESS_ENGINE_CONTAINER_RUNTIME_H

#include <stdbool.h>
#include <sys/types.h>

/* Is this the command name of a program through which a runtime sends signals? */
bool container_runtime_is(const char *name);

/* Is pid of this machine in the container with this id? By its cgroup, whose name has
 * the id: on another machine's kernel the same pid is another process. */
bool container_runtime_runs(pid_t pid, const char *id);

#endif
