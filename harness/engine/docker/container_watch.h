/*
 * container_watch - observes PID 1 of a container: by a monitor where it is a process
 * of our kernel, else by the daemon's word that it has ended.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_WATCH_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_WATCH_H

#include "harness/engine/docker/container.h"

/* json is the daemon's inspection. Writes whether it runs, and which stop signal the
 * daemon would send. */
bool container_watch(
	struct container *container, const cJSON *json, struct err *err) MUST_CHECK;

#endif
