/*
 * check_service - what an update of a service of Docker Swarm would do, by its settings
 * alone: the grace, the order of stop and start, how many tasks at once, health check and
 * restarts, and whether its tasks end by themselves again and again.
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
	/* The slot whose tasks ended by themselves most often, among those that the
	 * orchestrator still lists, and its words for the last; name NULL: none did. */
	const char *failing, *failure;
	unsigned failures;
};

/* Fills check, which is zeroed before. */
void check_service_find(struct check *check, const struct check_service_input *input);

#endif
