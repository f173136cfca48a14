/*
 * docker - what the parts of the Docker engine share. Private to docker.c and this
 * folder.
 */
#ifndef HARNESS_ENGINE_DOCKER_DOCKER_H
#define HARNESS_ENGINE_DOCKER_DOCKER_H

#include "harness/engine/docker/api.h"
#include "harness/engine/engine_impl.h"

/* Labels of all that a run creates: its id; and where the lock lies that says whether
 * it is over, since several machines may share a daemon. */
#define DOCKER_RUN_LABEL  "stopbench.run"
#define DOCKER_HOME_LABEL "stopbench.home"

struct docker_engine {
	struct engine engine;
	struct docker_api *api;
	cJSON *info;   /* what /info answered */
	bool local;    /* its containers run on our kernel */
	char *run_dir; /* "vm:/tmp", for the label */
	char *image;   /* the programs image, once it is there */
	unsigned made; /* containers and networks so far: their names differ by it */
};

/* The labels, as an object, the caller's. */
cJSON *docker_labels(const struct docker_engine *docker) MUST_CHECK;

#endif
