/*
 * docker_images - our own images, made of our programs and their libraries and loaded
 * into the daemon. Nothing is pulled.
 *
 * The tag is the hash of the contents: an image is loaded again only when a program has
 * changed.
 */
#ifndef HARNESS_ENGINE_DOCKER_IMAGES_H
#define HARNESS_ENGINE_DOCKER_IMAGES_H

#include <stdbool.h>

#include "harness/engine/docker/docker.h"
#include "lib/err.h"

enum docker_image {
	DOCKER_IMAGE_PROGRAMS,   /* all, the subjects and a shell: for scenarios */
	DOCKER_IMAGE_SERVICE,    /* the service and its MCP servers, without a shell */
	DOCKER_IMAGE_MOCK_AGENT, /* for compose files */
	DOCKER_IMAGES,
};

/* Loads the image unless it is there. Gives its name with the tag, the caller's; NULL
 * with err. Turns the loop. */
char *docker_images_load(struct docker_engine *docker, enum docker_image image,
	struct err *err) MUST_CHECK;

/* The same, and tags the image ":latest". Gives "NAME:latest (NAME:TAG)". */
char *docker_images_load_latest(struct docker_engine *docker, enum docker_image image,
	struct err *err) MUST_CHECK;

/* False with err when there is no image of this name. */
bool docker_images_have(
	struct docker_engine *docker, const char *image, struct err *err) MUST_CHECK;

#endif
