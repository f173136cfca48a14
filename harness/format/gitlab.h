/*
 * gitlab - a code quality report of GitLab (a subset of Code Climate's): an issue at the
 * scenario's file and line for each case that is unmet or could not run.
 */
#ifndef HARNESS_FORMAT_GITLAB_H
#define HARNESS_FORMAT_GITLAB_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* `results` is the JSON of results.h. */
void gitlab_print(FILE *out, const cJSON *results);

#endif
