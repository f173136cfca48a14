/*
 * results_members - the members of results.json (docs/results.md), as a table.
 */
#ifndef HARNESS_RESULTS_RESULTS_MEMBERS_H
#define HARNESS_RESULTS_RESULTS_MEMBERS_H

#include "harness/results/members.h"

extern const struct member results_members[];

/* docs/results.schema.json. Gives the caller a tree to cJSON_Delete(). */
cJSON *results_schema(void) MUST_CHECK;

#endif
