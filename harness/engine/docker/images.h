/*
 * docker_images - our own images (own_image.h), loaded into the daemon.
 */
#ifndef HARNESS_ENGINE_DOCKER_IMAGES_H
#define HARNESS_ENGINE_DOCKER_IMAGES_H

#include <stdbool.h>

#include "harness/engine/docker/docker.h"
#include "harness/engine/own_image.h"
#include "lib/err.h"

/* Loads the image unless it is there. Gives its name with the tag, the caller's; NULL
 * with err. Turns the loop. */
char *docker_images_load(
	struct docker_engine *docker, enum own_image image, struct err *err) MUST_CHECK;

/* The same, and tags the image ":latest". Gives "NAME:latest (NAME:TAG)". */
char *docker_images_load_latest(
	struct docker_engine *docker, enum own_image image, struct err *err) MUST_CHECK;

/* False with err when there is no image of this name. */
bool docker_images_have(
	struct docker_engine *docker, const char *image, struct err *err) MUST_CHECK;

#endif
