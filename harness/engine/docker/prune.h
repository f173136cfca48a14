/*
 * prune - removes containers and networks with our label whose run was on this machine
 * and is over. Nothing else is touched.
 */
#ifndef HARNESS_ENGINE_DOCKER_PRUNE_H
#define HARNESS_ENGINE_DOCKER_PRUNE_H

#include "harness/engine/docker/docker.h"

/* As engine_clean(). */
int prune_runs(struct engine *engine, engine_is_over_fn *is_over, engine_said_fn *said,
	void *arg, struct err *err);

#endif
