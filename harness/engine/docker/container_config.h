/*
 * container_config - the body of a call that creates a container.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_CONFIG_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_CONFIG_H

#include <cjson/cJSON.h>

#include "harness/engine/engine.h"
#include "lib/cc.h"

/* Gives the caller the body. What the spec leaves out is not in it, and the image's own
 * value holds. labels is copied. */
cJSON *container_config(const struct subject_spec *spec, const char *image,
	int64_t grace_s, const cJSON *labels) MUST_CHECK;

/* The network that the container is created with: "host", "bridge", a name. Borrowed. */
const char *container_config_network(const struct subject_spec *spec);

#endif
