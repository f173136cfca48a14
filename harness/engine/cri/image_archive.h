/*
 * image_archive - an image in one file, as `docker save` writes it: a layer, the image's
 * configuration and a manifest with its name. ctr(8) imports it.
 */
#ifndef HARNESS_ENGINE_CRI_IMAGE_ARCHIVE_H
#define HARNESS_ENGINE_CRI_IMAGE_ARCHIVE_H

#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"

/* All borrowed. */
struct image_archive {
	const char *name;        /* with the tag: "stopbench-programs:1a2b" */
	const char *layer;       /* path of a tar file */
	const char *path;        /* PATH inside */
	const char *entrypoint;  /* a program; NULL: none */
	const char *stop_signal; /* NULL: none */
};

/* Writes it to a new file below folder, an existing one, and removes what it makes there
 * besides. Turns the loop. */
bool image_archive_write(const struct image_archive *archive, const char *folder,
	const char *file, uv_loop_t *loop, struct err *err) MUST_CHECK;

#endif
