/*
 * own_image - the images that are made of our own programs: what each holds.
 *
 * An engine imports them as it can; nothing is pulled. The tag is the hash of the
 * contents, so an image is imported again only when a program has changed.
 */
#ifndef HARNESS_ENGINE_OWN_IMAGE_H
#define HARNESS_ENGINE_OWN_IMAGE_H

#include <stdbool.h>
#include <uv.h>

#include "harness/engine/image_files.h"
#include "lib/err.h"

enum own_image {
	OWN_IMAGE_PROGRAMS,   /* all, the subjects and a shell: for scenarios */
	OWN_IMAGE_SERVICE,    /* the service and its MCP servers, without a shell */
	OWN_IMAGE_MOCK_AGENT, /* for compose files */
	OWN_IMAGES,
};

/* Of every one of them. */
#define OWN_IMAGE_PATH "/bin"

const char *own_image_name(enum own_image image); /* "stopbench-programs" */
/* A program of OWN_IMAGE_PATH; NULL: it has none. */
const char *own_image_entrypoint(enum own_image image);

/* Adds the files, and writes their hash. programs: the folder of our programs,
 * "../subjects" beside it. Turns the loop. */
bool own_image_collect(struct image_files *files, enum own_image image,
	const char *programs, uv_loop_t *loop, char hash[IMAGE_FILES_HASH_SIZE],
	struct err *err) MUST_CHECK;

/* Writes them to a new tar file in a folder of its own below $TMPDIR or /tmp. Gives its
 * path, the caller's, for own_image_remove_tar(); NULL with err. Turns the loop. */
char *own_image_write_tar(
	const struct image_files *files, uv_loop_t *loop, struct err *err) MUST_CHECK;
/* Removes the file and its folder, which holds nothing else. Accepts NULL. */
void own_image_remove_tar(const char *tar);

#endif
