/*
 * check_service - what an update of a service of Docker Swarm would do, by its settings
 * alone: the grace, the order of stop and start, how many tasks at once, health check and
 * restarts.
 */
#ifndef HARNESS_CHECK_CHECK_SERVICE_H
#define HARNESS_CHECK_CHECK_SERVICE_H

#include <cjson/cJSON.h>

#include "harness/check/check.h"

/* All borrowed. */
struct check_service_input {
	const char *name;
	const cJSON *spec; /* "Spec" of GET /services/NAME */
	unsigned replicas;
	/* "Config" of a container of it; NULL: none is known. */
	const cJSON *container;
};

/* Fills check, which is zeroed before. */
void check_service_find(struct check *check, const struct check_service_input *input);

#endif
