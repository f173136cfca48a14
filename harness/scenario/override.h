/*
 * override - a value put into a scenario at a path: {"load.sessions": 20}, as matrix,
 * variants, twin and --set have it.
 */
#ifndef HARNESS_SCENARIO_OVERRIDE_H
#define HARNESS_SCENARIO_OVERRIDE_H

#include <stdbool.h>

#include "lib/json.h"

/* Is there something at this path that may be changed? What makes combinations is no
 * part of one: not the matrix, not the variants. */
bool override_possible(const char *path, struct err *err);

/* The same, of a path that stands at node in the document. */
bool override_check(const struct json_doc *doc, const cJSON *node, const char *path,
	struct err *err);

/* Puts a copy of value into root. An error says where `place` stands. */
bool override_put(cJSON *root, const struct json_doc *doc, const cJSON *place,
	const char *path, const cJSON *value, struct err *err) MUST_CHECK;

/* The same of each member of set, whose keys are paths. */
bool override_put_all(cJSON *root, const struct json_doc *doc, const cJSON *set,
	struct err *err) MUST_CHECK;

#endif
