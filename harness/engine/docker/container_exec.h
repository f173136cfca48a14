/*
 * container_exec - processes that the daemon starts in a container beside its PID 1.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_EXEC_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_EXEC_H

#include "harness/engine/docker/container.h"

/* As in engine.h. */
bool container_exec(
	struct subject *subject, const char *const *argv, struct err *err) MUST_CHECK;

#endif
