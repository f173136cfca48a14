/*
 * compose_project - the containers of a compose project, and in which order a stop takes
 * them: each after those that depend on it, as compose does.
 *
 * Found by the labels that compose v1 and v2 give them, not by names. What a service
 * depends on is in a label of v2; for v1 it is read from the files (compose_file.h).
 */
#ifndef HARNESS_TARGET_COMPOSE_PROJECT_H
#define HARNESS_TARGET_COMPOSE_PROJECT_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/err.h"
#include "lib/strlist.h"

#define COMPOSE_PROJECT_LABEL "com.docker.compose.project"

struct compose_container {
	char *name; /* "shop_web_1" */
	char *service;
	struct strlist needs; /* services that it depends on */
	bool running;
	bool chosen; /* its service was named, or none was */
};

struct compose_project {
	char *name;
	struct compose_container *containers;
	unsigned count;
};

/* `listed` is what the daemon lists with COMPOSE_PROJECT_LABEL. The project has the name
 * that compose would give it (COMPOSE_PROJECT_NAME, `name:`, the file's folder), or, when
 * no container of that name is from this file, it is the only one that is. False with
 * err: the file can't be read, several projects are from it, no container is of it, no
 * service has such a name. */
bool compose_project_read(struct compose_project *project, const cJSON *listed,
	const char *file, const char *const *services, unsigned service_count,
	struct err *err) MUST_CHECK;
void compose_project_done(struct compose_project *project);

/* Does `first` depend on `second`, itself or through others? Then it is stopped first. */
bool compose_project_depends(const struct compose_project *project,
	const struct compose_container *first, const struct compose_container *second);

#endif
