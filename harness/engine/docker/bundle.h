/*
 * bundle - the files of an image: where each is inside, and where it comes from.
 *
 * It has a content hash, so that an image is loaded again when any of them has changed
 * and never otherwise, and it can be written as a tar file.
 */
#ifndef HARNESS_ENGINE_DOCKER_BUNDLE_H
#define HARNESS_ENGINE_DOCKER_BUNDLE_H

#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"

struct bundle_file {
	char *inside; /* "bin/service", without a slash in front */
	char *source; /* path on this machine; NULL: it holds text */
	char *text;
};

/* A zeroed bundle is a valid empty one. */
struct bundle {
	struct bundle_file *files; /* by their place inside */
	unsigned count;
};

/* What is there already stays as it is. Links are followed. */
void bundle_add(struct bundle *bundle, const char *inside, const char *source);
void bundle_add_text(struct bundle *bundle, const char *inside, const char *text);
void bundle_done(struct bundle *bundle);

/* Sixteen hexadecimal digits over all names and contents. */
#define BUNDLE_HASH_SIZE 17
bool bundle_hash(const struct bundle *bundle, char hash[BUNDLE_HASH_SIZE],
	struct err *err) MUST_CHECK;

/* Writes it, and an empty tmp/ for everybody, to a new tar file at path. Turns the
 * loop. */
bool bundle_write(const struct bundle *bundle, const char *path, uv_loop_t *loop,
	struct err *err) MUST_CHECK;

#endif
