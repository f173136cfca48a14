/*
 * validate - proofreading a scenario: every member that is wrong by itself, not just the
 * first one.
 */
#ifndef HARNESS_SCENARIO_VALIDATE_H
#define HARNESS_SCENARIO_VALIDATE_H

#include "lib/json.h"

typedef void validate_wrong_fn(void *arg, const struct err *err);

/* Hands each wrong member of root, an object, to `wrong`, in the order of the text, and
 * gives how many there were. How members fit together is not looked at: scenario_read()
 * does that. `wrong` may be NULL. */
unsigned validate_read(const struct json_doc *doc, const cJSON *root,
	validate_wrong_fn *wrong, void *arg);

/* The same of what matrix, variants and twin would put into the scenario, each value by
 * itself and at its own place in the text. The rest of the file must be good. */
unsigned validate_changes(
	const struct json_doc *doc, validate_wrong_fn *wrong, void *arg);

/* The same of "key=value" from the command line: errors begin with "--set ". */
unsigned validate_sets(const struct json_doc *doc, const char *const *sets,
	validate_wrong_fn *wrong, void *arg);

#endif
