/*
 * cri_sandbox - the pod around a container that we start: on the host's network, which
 * needs no CNI, and with the labels of the run.
 */
#ifndef HARNESS_ENGINE_CRI_SANDBOX_H
#define HARNESS_ENGINE_CRI_SANDBOX_H

#include "harness/engine/cri/cri.h"

/* A container is PID 1 of a namespace of its own, on the host's network. The caller's. */
Cri__NamespaceOption *cri_sandbox_namespaces(void) MUST_CHECK;

/* Adds the labels of the engine's run. */
void cri_sandbox_add_labels(
	const struct cri_engine *cri, Cri__Pair ***labels, size_t *n);

/* What a sandbox is made of; the caller's. */
Cri__PodSandboxConfig *cri_sandbox_config(
	struct cri_engine *cri, const char *name, const char *log_folder) MUST_CHECK;

/* Gives its id, the caller's; NULL with err. Turns the loop. */
char *cri_sandbox_run(struct cri_engine *cri, Cri__PodSandboxConfig *config,
	struct err *err) MUST_CHECK;

/* Ends what is in it, and removes it with its containers. Turns the loop, also when
 * interrupted. False with err. */
bool cri_sandbox_remove(
	struct runtime_service *service, const char *id, struct err *err);

/* Removes the sandboxes of runs that are over, as engine_clean(). */
int cri_sandbox_clean(struct engine *engine, engine_is_over_fn *is_over,
	engine_said_fn *said, void *arg, struct err *err);

#endif
