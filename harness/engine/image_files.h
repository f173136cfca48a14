/*
 * image_files - the files of an image: the place of each inside, and its source. They
 * have a content hash and can be written as a tar file.
 */
#ifndef HARNESS_ENGINE_IMAGE_FILES_H
#define HARNESS_ENGINE_IMAGE_FILES_H

#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"

struct image_files_file {
	char *inside; /* "bin/service", without a slash in front */
	char *source; /* path on this machine; NULL: it holds text */
	char *text;
};

/* A zeroed struct is a valid empty list. */
struct image_files {
	struct image_files_file *files; /* sorted by place */
	unsigned count;
};

/* Either source or text is given. A place that is taken stays as it is. Links are
 * followed. */
void image_files_add(struct image_files *files, const char *inside, const char *source,
	const char *text);
void image_files_done(struct image_files *files);

/* Sixteen hexadecimal digits over all names and contents. */
#define IMAGE_FILES_HASH_SIZE 17
bool image_files_hash(const struct image_files *files, char hash[IMAGE_FILES_HASH_SIZE],
	struct err *err) MUST_CHECK;

/* Writes the files and an empty tmp/ (mode 1777) to a new tar file at path. Turns the
 * loop. */
bool image_files_write(const struct image_files *files, const char *path,
	uv_loop_t *loop, struct err *err) MUST_CHECK;

#endif
