/*
 * reference - every key of a scenario as a document: docs/scenario-reference.md, written
 * from the tables that read a scenario.
 */
#ifndef HARNESS_SCENARIO_REFERENCE_H
#define HARNESS_SCENARIO_REFERENCE_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* `schema` is that of plan.h. */
void reference_print(FILE *out, const cJSON *schema);

#endif
