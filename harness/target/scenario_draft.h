/*
 * scenario_draft - a scenario from what the Docker engine says of a container, that runs
 * beside the container as it is.
 *
 * What would hurt the container is changed: its data is an empty volume or read-only, and
 * the engine chooses the ports of the host. Values that look secret are left to be filled
 * in. Each change, and what a scenario cannot have, is a hint.
 */
#ifndef HARNESS_TARGET_SCENARIO_DRAFT_H
#define HARNESS_TARGET_SCENARIO_DRAFT_H

#include <cjson/cJSON.h>

#include "harness/engine/snapshot.h"
#include "lib/strlist.h"

/* What stands for a secret. */
#define SCENARIO_DRAFT_SECRET "FILL-IN"

/* All borrowed for the call. */
struct scenario_draft_of {
	const cJSON *container; /* as docker inspect has it */
	const cJSON *image;     /* of its name; NULL: it has no such image any more */
	const struct snapshot *processes; /* NULL: they cannot be seen */
};

/* Gives the caller the scenario. Adds to hints, a sentence each. */
cJSON *scenario_draft(
	const struct scenario_draft_of *of, struct strlist *hints) MUST_CHECK;

#endif
