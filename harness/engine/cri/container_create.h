/*
 * cri_container_create - makes containers for the CRI engine, each in a sandbox of its
 * own, and starts them.
 */
#ifndef HARNESS_ENGINE_CRI_CONTAINER_CREATE_H
#define HARNESS_ENGINE_CRI_CONTAINER_CREATE_H

#include "harness/engine/cri/container.h"

/* As engine_up(). */
struct subject *cri_container_create(struct engine *engine,
	const struct subject_spec *spec, struct err *err) MUST_CHECK;

#endif
