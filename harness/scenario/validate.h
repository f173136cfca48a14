/*
 * validate - finds wrong values in a file's matrix, variants and twin, and in --set.
 */
#ifndef HARNESS_SCENARIO_VALIDATE_H
#define HARNESS_SCENARIO_VALIDATE_H

#include "lib/fields.h"

/* Hands every wrong value to `wrong` and returns their number. The rest of the file
 * must be right. `sets` are "key=value", NULL-terminated, or NULL; their errors begin with
 * "--set ". */
unsigned validate_changes(const struct json_doc *doc, const char *const *sets,
	fields_wrong_fn *wrong, void *arg);

#endif
