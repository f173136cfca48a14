/*
 * container_create - makes and starts containers.
 *
 * Events are subscribed to before the start; the log is read from its beginning; PID 1
 * has a monitor where it is a process of our kernel.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_CREATE_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_CREATE_H

#include "harness/engine/docker/docker.h"

/* As engine_up(); image is never NULL. */
struct subject *container_create(struct docker_engine *docker,
	const struct subject_spec *spec, const char *image, struct err *err) MUST_CHECK;

#endif
