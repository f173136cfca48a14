/*
 * recipe - what a container is created from: a unit, in the words of Docker's API.
 */
#ifndef HARNESS_ENGINE_DOCKER_RECIPE_H
#define HARNESS_ENGINE_DOCKER_RECIPE_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "harness/engine/docker/docker.h"

/* The body of /containers/create, the caller's. argv, where it is given, is all that is
 * run: it takes the place of the image's entrypoint and command. */
cJSON *recipe_of(const struct docker_engine *docker, const struct unit *unit,
	const char *image, int64_t grace_s) MUST_CHECK;

#endif
