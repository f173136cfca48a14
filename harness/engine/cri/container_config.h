/*
 * cri_container_config - what a container is made of, as CRI has it: the keys of a
 * scenario's service, and what CRI has not got.
 */
#ifndef HARNESS_ENGINE_CRI_CONTAINER_CONFIG_H
#define HARNESS_ENGINE_CRI_CONTAINER_CONFIG_H

#include "harness/engine/cri/cri.h"

/* The key of "service" that CRI has not got, as "tmpfs"; NULL: it has all of them. */
const char *cri_container_config_missing(const struct container_options *options);

/* of_image is cri_images_config()'s. NULL with err; the caller's. */
Cri__ContainerConfig *cri_container_config(const struct cri_engine *cri,
	const struct subject_spec *spec, const char *image, const cJSON *of_image,
	struct err *err) MUST_CHECK;

#endif
