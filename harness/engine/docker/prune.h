/*
 * prune - what runs left behind in the engine: containers and networks with our
 * label, of runs of this machine that are over. Nothing else is ever touched.
 */
#ifndef HARNESS_ENGINE_DOCKER_PRUNE_H
#define HARNESS_ENGINE_DOCKER_PRUNE_H

#include "harness/engine/docker/docker.h"

/* As engine_clean(). */
int prune_runs(struct engine *engine, engine_is_over_fn *is_over, engine_said_fn *said,
	void *arg, struct err *err);

#endif
