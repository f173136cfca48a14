/*
 * tap - results in the Test Anything Protocol, version 14: a test point for each case and
 * half, with what is known of it as YAML.
 */
#ifndef HARNESS_FORMAT_TAP_H
#define HARNESS_FORMAT_TAP_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* `results` is the JSON of results.h. */
void tap_print(FILE *out, const cJSON *results);

#endif
