/*
 * rollout_table - what happened in the rollouts of a run: how the tasks stopped and who saw
 * it, how long the orchestrator took, and what became of the requests.
 */
#ifndef HARNESS_REPORT_ROLLOUT_TABLE_H
#define HARNESS_REPORT_ROLLOUT_TABLE_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* Of each round of the results that has one, below the table of the cases. */
void rollout_tables_print(const cJSON *results, FILE *out);

#endif
