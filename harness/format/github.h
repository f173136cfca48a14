/*
 * github - workflow commands of GitHub Actions: an annotation at the scenario's file and
 * line for each case that is unmet or could not run.
 */
#ifndef HARNESS_FORMAT_GITHUB_H
#define HARNESS_FORMAT_GITHUB_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* `results` is the JSON of results.h. */
void github_print(FILE *out, const cJSON *results);

#endif
