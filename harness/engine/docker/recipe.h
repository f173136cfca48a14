/*
 * recipe - what a container is created from: a unit, in the words of Docker's API.
 */
#ifndef HARNESS_ENGINE_DOCKER_RECIPE_H
#define HARNESS_ENGINE_DOCKER_RECIPE_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "harness/engine/engine.h"

/* The body of /containers/create, the caller's. */
cJSON *recipe_of(const struct unit *unit, const char *image, const char *run_id,
	int64_t grace_s) MUST_CHECK;

#endif
