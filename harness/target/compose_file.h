/*
 * compose_file - what a stop needs of a compose file: its project's name, and which
 * services each service depends on.
 *
 * Containers of compose v1 do not say what they depend on. This reads the block style
 * that compose files are written in, with flow lists ([a, b]), and not all of YAML:
 * anchors, merged keys and `extends` are not followed.
 */
#ifndef HARNESS_TARGET_COMPOSE_FILE_H
#define HARNESS_TARGET_COMPOSE_FILE_H

#include "lib/strlist.h"

/* Of a top-level `name:`; NULL: there is none. The caller's. */
char *compose_file_name(const char *text) MUST_CHECK;

/* Adds the services that this one depends on: by depends_on, links, volumes_from, or by
 * sharing a namespace (`network_mode: service:db`). */
void compose_file_needs(const char *text, const char *service, struct strlist *needs);

#endif
