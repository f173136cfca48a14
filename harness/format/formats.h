/*
 * formats - the forms in which `stopbench run` prints its results: one row each, with
 * its own file for what is printed.
 */
#ifndef HARNESS_FORMAT_FORMATS_H
#define HARNESS_FORMAT_FORMATS_H

#include <stdbool.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

struct format {
	const char *name; /* of --format */
	const char *help;
	/* `results` is the JSON of results.h. */
	void (*print)(FILE *out, const cJSON *results);
	bool for_programs;  /* stdout gets the results and nothing else */
	bool wants_picture; /* of each round; only `stopbench run` can draw it */
};

/* The first one is the default. The last one has no name. */
extern const struct format formats[];

/* NULL: there is no such format. */
const struct format *format_find(const char *name);

/* "table or json"; the caller's to free(). */
char *format_names(void) MUST_CHECK;

#endif
