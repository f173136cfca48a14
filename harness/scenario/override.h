/*
 * override - puts a value into a scenario at a path, for matrix, variants, twin and --set:
 * {"load.sessions": 20}.
 */
#ifndef HARNESS_SCENARIO_OVERRIDE_H
#define HARNESS_SCENARIO_OVERRIDE_H

#include <stdbool.h>

#include "lib/json.h"

/* Is the path a key that may be changed? matrix and variants are not: they make the
 * combinations. */
bool override_possible(const char *path, struct err *err);

/* The same; err begins with the position of node. */
bool override_check(const struct json_doc *doc, const cJSON *node, const char *path,
	struct err *err);

/* Puts a copy of value into root. An error begins with the position of `place`. */
bool override_put(cJSON *root, const struct json_doc *doc, const cJSON *place,
	const char *path, const cJSON *value, struct err *err) MUST_CHECK;

/* Puts each member of set, whose keys are paths. */
bool override_put_all(cJSON *root, const struct json_doc *doc, const cJSON *set,
	struct err *err) MUST_CHECK;

#endif
