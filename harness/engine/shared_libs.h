/*
 * shared_libs - a program and the shared libraries that it needs, as listed by the
 * dynamic loader that the program names.
 */
#ifndef HARNESS_ENGINE_SHARED_LIBS_H
#define HARNESS_ENGINE_SHARED_LIBS_H

#include <stdbool.h>
#include <uv.h>

#include "harness/engine/image_files.h"
#include "lib/err.h"

/* Adds program (a path on this machine) as `inside`, and its libraries to the loader's
 * default folders. A static program or a script has none. Turns the loop. */
bool shared_libs_add(struct image_files *files, const char *inside, const char *program,
	uv_loop_t *loop, struct err *err) MUST_CHECK;

#endif
