/*
 * container_attach - watches a container that runs already and that is not ours.
 *
 * It is inspected, its events and its log are followed from now on, and PID 1 has a
 * monitor. Nothing of it is changed but by its stop.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_ATTACH_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_ATTACH_H

#include "harness/engine/docker/docker.h"

/* As engine_attach(). */
struct subject *container_attach(struct docker_engine *docker,
	const struct attach_spec *spec, struct err *err) MUST_CHECK;

#endif
