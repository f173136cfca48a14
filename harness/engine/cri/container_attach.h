/*
 * cri_container_attach - watches a container that somebody else made, a kubelet for
 * example, and that runs already.
 */
#ifndef HARNESS_ENGINE_CRI_CONTAINER_ATTACH_H
#define HARNESS_ENGINE_CRI_CONTAINER_ATTACH_H

#include "harness/engine/cri/container.h"

/* As engine_attach(). It is named by its id, the beginning of it, its name, or
 * POD/NAME. */
struct subject *cri_container_attach(struct engine *engine,
	const struct attach_spec *spec, struct err *err) MUST_CHECK;

#endif
