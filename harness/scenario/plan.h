/*
 * plan - scenario files made into cases: one per matrix combination and half.
 *
 * In a file, in this order:
 *   "matrix":   {"load.sessions": [1, 3, 20]}   one case per combination
 *   "variants": [{"where": {"service.env.DISCONNECT": "none"}, "set": {...}}]
 *               what else changes for the combinations that match; a "twin" of null
 *               takes the twin away
 *   --set       pins a path (a matrix axis too) from the command line
 *   "twin":     {"set": {...}, "expect": {...}} the second half of each case
 * The values are put into the raw JSON and read by scenario_read() afterwards, so each
 * path is checked like a key in the file.
 */
#ifndef HARNESS_SCENARIO_PLAN_H
#define HARNESS_SCENARIO_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/scenario/scenario.h"

#define PLAN_CASES_MAX 10000

enum half {
	HALF_MAIN,
	HALF_TWIN,
};

const char *half_name(enum half half); /* "main", "twin" */

struct plan_case {
	char *id; /* "history/10-matrix", the path below "scenarios/" without ".json" */
	char *axes; /* "load.sessions=3 service.env.DISCONNECT=none", "" without a matrix */
	cJSON *values; /* the same, {"load.sessions": 3, ...} */
	char *path;    /* of its file */
	char *alone; /* arguments that make `stopbench run` run this case alone, quoted for
			a shell */
	char *json; /* the resolved scenario, as text */
	enum half half;
	struct scenario scenario;
};

struct plan {
	struct plan_case **cases; /* twins directly behind their main halves */
	unsigned count;
	unsigned files; /* that they come from */
};

struct plan_options {
	const char *const *sets; /* "key=value" each; NULL-terminated, or NULL */
	bool main_only, twin_only;
};

/* Adds a file, or every *.json below a folder in the order of their names (a file
 * "schema.json" is passed over). All errors of all files are wanted: each is handed to
 * `wrong`, and false comes back when there was one. */
typedef void plan_wrong_fn(void *arg, const struct err *err);
bool plan_add(struct plan *plan, const char *path, const struct plan_options *options,
	plan_wrong_fn *wrong, void *arg) MUST_CHECK;
void plan_done(struct plan *plan);

/* The command that runs one round of the case alone, with these draws; to free(). */
char *plan_command(const struct plan_case *plan_case, const char *engine,
	uint64_t seed) MUST_CHECK;

/* The JSON Schema of a scenario file (draft-07), the caller's to cJSON_Delete(). */
cJSON *plan_schema(void) MUST_CHECK;

#endif
