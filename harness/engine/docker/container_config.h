/*
 * container_config - what a container is created from: a unit, in the words of Docker's API.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_CONFIG_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_CONFIG_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "harness/engine/docker/docker.h"

/* The body of /containers/create, the caller's. argv, where it is given, is all that is
 * run: it takes the place of the image's entrypoint and command. */
cJSON *container_config(const struct docker_engine *docker,
	const struct subject_spec *spec, const char *image, int64_t grace_s) MUST_CHECK;

#endif
