/*
 * container_config - what a container is created from: a unit, in the words of Docker's API.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_CONFIG_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_CONFIG_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "harness/engine/docker/docker.h"

/* The body of /containers/create, the caller's. What the spec leaves NULL is not in it,
 * and the image's own value holds. */
cJSON *container_config(const struct docker_engine *docker,
	const struct subject_spec *spec, const char *image, int64_t grace_s) MUST_CHECK;

#endif
