/*
 * docker - what the parts of the Docker engine share. Private to this folder.
 */
#ifndef HARNESS_ENGINE_DOCKER_DOCKER_H
#define HARNESS_ENGINE_DOCKER_DOCKER_H

#include "harness/engine/docker/api.h"
#include "harness/engine/engine.h"

struct docker_engine {
	struct engine engine;
	struct docker_api *api;
	cJSON *info;                     /* what /info answered */
	int64_t info_ns;                 /* and when */
	bool local;                      /* its containers run on our kernel */
	cJSON *labels;                   /* of all that this run creates */
	struct container_starts *starts; /* NULL: nobody is told of them */
	unsigned made; /* containers and networks so far: their names differ by it */
};

#endif
