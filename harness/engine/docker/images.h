/*
 * docker_images - our own images, made of the programs that lie beside us and of what
 * they need, and loaded into the engine: nothing is pulled.
 *
 * Each is tagged with the hash of its contents, so it is loaded again when a program
 * has changed and never otherwise.
 */
#ifndef HARNESS_ENGINE_DOCKER_IMAGES_H
#define HARNESS_ENGINE_DOCKER_IMAGES_H

#include <stdbool.h>

#include "harness/engine/docker/docker.h"
#include "lib/err.h"

enum docker_image {
	DOCKER_IMAGE_PROGRAMS,   /* all, the subjects and a shell: for scenarios */
	DOCKER_IMAGE_SERVICE,    /* the service and its MCP servers, without a shell */
	DOCKER_IMAGE_MOCK_AGENT, /* for compose files, too */
	DOCKER_IMAGES,
};

/* Makes sure that it is there. Gives its name with the tag, the caller's; NULL with
 * err. Turns the loop. */
char *docker_images_load(struct docker_engine *docker, enum docker_image image,
	struct err *err) MUST_CHECK;

/* Tags it ":latest", too, and gives that name, the caller's. */
char *docker_images_tag(
	struct docker_engine *docker, const char *image, struct err *err) MUST_CHECK;

/* Is an image with this name there? err names it where not. */
bool docker_images_have(
	struct docker_engine *docker, const char *image, struct err *err) MUST_CHECK;

#endif
