/*
 * cri_images - the images of the runtime: whether one is there, what it says of itself,
 * and our own images (own_image.h), imported.
 *
 * CRI has no call for an import: containerd's own ctr(8) makes it, in the namespace that
 * the CRI plugin looks into. Nothing is pulled.
 */
#ifndef HARNESS_ENGINE_CRI_IMAGES_H
#define HARNESS_ENGINE_CRI_IMAGES_H

#include "harness/engine/cri/cri.h"
#include "harness/engine/own_image.h"

/* Gives what the image says of itself, as OCI's image configuration has it: an object
 * with "Entrypoint", "Cmd", "Env", "WorkingDir", "StopSignal"; the caller's. NULL with
 * err when there is no image of this name. */
cJSON *cri_images_config(
	struct cri_engine *cri, const char *image, struct err *err) MUST_CHECK;

/* Imports one of ours unless it is there. stop_signal is what the image names, since a
 * runtime takes it from there alone; NULL: none. Gives the name with the tag, the
 * caller's; NULL with err. */
char *cri_images_load(struct cri_engine *cri, enum own_image image,
	const char *stop_signal, struct err *err) MUST_CHECK;

/* All of them, and each as ":latest" too, as engine_images(). */
int cri_images_load_all(
	struct engine *engine, engine_said_fn *said, void *arg, struct err *err);

#endif
