/*
 * image_files - the files of an image: where each is inside, and where it comes from.
 *
 * It has a content hash, so that an image is loaded again when any of them has changed
 * and never otherwise, and it can be written as a tar file.
 */
#ifndef HARNESS_ENGINE_DOCKER_IMAGE_FILES_H
#define HARNESS_ENGINE_DOCKER_IMAGE_FILES_H

#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"

struct image_files_file {
	char *inside; /* "bin/service", without a slash in front */
	char *source; /* path on this machine; NULL: it holds text */
	char *text;
};

/* A zeroed bundle is a valid empty one. */
struct image_files {
	struct image_files_file *files; /* by their place inside */
	unsigned count;
};

/* What is there already stays as it is. Links are followed. */
void image_files_add(struct image_files *files, const char *inside, const char *source);
void image_files_add_text(
	struct image_files *files, const char *inside, const char *text);
void image_files_done(struct image_files *files);

/* Sixteen hexadecimal digits over all names and contents. */
#define IMAGE_FILES_HASH_SIZE 17
bool image_files_hash(const struct image_files *files, char hash[IMAGE_FILES_HASH_SIZE],
	struct err *err) MUST_CHECK;

/* Writes it, and an empty tmp/ for everybody, to a new tar file at path. Turns the
 * loop. */
bool image_files_write(const struct image_files *files, const char *path,
	uv_loop_t *loop, struct err *err) MUST_CHECK;

#endif
