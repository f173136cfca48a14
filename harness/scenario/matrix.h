/*
 * matrix - the combinations of a file's matrix, with its variants and --set applied.
 */
#ifndef HARNESS_SCENARIO_MATRIX_H
#define HARNESS_SCENARIO_MATRIX_H

#include <stdbool.h>

#include "lib/json.h"

#define MATRIX_AXES_MAX 16

/* Borrowed for the call of the matrix_fn. */
struct matrix_case {
	const cJSON *values; /* {"load.sessions": 3}, a member for each axis */
	const char *const
		*axes; /* "load.sessions=3" as --set takes it; as `sets` below */
	bool changed;  /* an axis, a variant or --set changed the file */
};

/* root is a changed copy of the document without matrix and variants, the callback's to
 * change. */
typedef bool matrix_fn(
	void *arg, const struct matrix_case *combination, cJSON *root, struct err *err);

/* Calls each() per combination, the last axis turning fastest. `sets` are "key=value"
 * (the value JSON, or else a string), NULL-terminated, or NULL; one that names an axis,
 * or something above it, pins it. Stops at the first failure. */
bool matrix_expand(const struct json_doc *doc, const char *const *sets, matrix_fn *each,
	void *arg, struct err *err) MUST_CHECK;

/* Is the path a key that matrix, variants, twin and --set may change? err begins with
 * the position of node. */
bool matrix_check_path(const struct json_doc *doc, const cJSON *node, const char *path,
	struct err *err);

/* Puts the value of one "key=value" into root. */
bool matrix_set(cJSON *root, const char *set, struct err *err) MUST_CHECK;

/* The twin in the file of which a combination's twin is a copy, so that errors have a
 * place; the copy itself when the file does not have it. */
const cJSON *matrix_twin_of(const struct json_doc *doc, const cJSON *twin);

/* Makes root its twin: twin.set applied, twin.expect in place of expect. */
bool matrix_twin(cJSON *root, const struct json_doc *doc, const cJSON *twin,
	struct err *err) MUST_CHECK;

#endif
