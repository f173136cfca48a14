/*
 * container_starts - the daemon's word of each container that starts.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_STARTS_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_STARTS_H

#include "harness/engine/docker/docker.h"

struct container_starts;

/* As engine_watch_starts(). Keeps docker. */
struct container_starts *container_starts_open(struct docker_engine *docker,
	const char *label, engine_started_fn *started, void *arg,
	struct err *err) MUST_CHECK;
void container_starts_close(struct container_starts *starts); /* accepts NULL */

#endif
