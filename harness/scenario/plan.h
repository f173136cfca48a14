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

extern const char *const half_names[]; /* NULL-terminated */

struct plan_case {
	char *id; /* "history/10-matrix", the path below "scenarios/" without ".json" */
	char *axes;    /* "load.sessions=3 stop.grace=5s"; "" without a matrix */
	cJSON *values; /* the same, {"load.sessions": 3, ...} */
	char *path;    /* of its file */
	unsigned line; /* in it, of what is expected; 1 where nothing is */
	char *alone;   /* arguments of `stopbench run` for this case, for a shell */
	char *json;    /* the resolved scenario, as text */
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
	const char
		*filter; /* only ids with this text in them, or that match this glob */
	bool main_only, twin_only;
};

/* Adds a file, or every *.json below a folder in the order of their names (a file
 * "schema.json" is skipped). The path may lack ".json", and may begin below
 * "scenarios/". Hands every error of every file to `wrong`, in one line that a
 * terminal can show (utf8_mend()); false when there was one. */
bool plan_add(struct plan *plan, const char *path, const struct plan_options *options,
	fields_wrong_fn *wrong, void *arg) MUST_CHECK;
void plan_done(struct plan *plan);

/* The command that runs one round of the case alone, with these draws; to free(). */
char *plan_command(const struct plan_case *plan_case, const char *engine,
	uint64_t seed) MUST_CHECK;

/* The JSON Schema of a scenario file (draft-07), the caller's to cJSON_Delete(). */
cJSON *plan_schema(void) MUST_CHECK;

#endif
