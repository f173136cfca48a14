/*
 * junit - results as JUnit XML, as Jenkins and GitLab read it: a testsuite for each
 * scenario, a testcase for each case and half. An unmet case is a failure, one that could
 * not run is an error. `time` is the stop, in seconds: the median of the rounds.
 */
#ifndef HARNESS_FORMAT_JUNIT_H
#define HARNESS_FORMAT_JUNIT_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* `results` is the JSON of results.h. */
void junit_print(FILE *out, const cJSON *results);

#endif
