/*
 * container_config - what a container is created from: a subject_spec as JSON of the
 * Docker API.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_CONFIG_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_CONFIG_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "harness/engine/engine.h"

/* The body of /containers/create, the caller's. What the spec leaves NULL is not in it,
 * and the image's own value holds. Takes labels. */
cJSON *container_config(const struct subject_spec *spec, const char *image,
	int64_t grace_s, cJSON *labels) MUST_CHECK;

#endif
