/*
 * table - the results as people read them, on stdout, drawn by libsmartcols.
 *
 * A row per case and half: rounds, sessions, exit code, stop time (median, with its
 * spread over the rounds), margin, verdict, deepest diagnosis, whether it was expected.
 */
#ifndef HARNESS_REPORT_TABLE_H
#define HARNESS_REPORT_TABLE_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* `results` is results_json()'s. Colours when `out` is a terminal and NO_COLOR unset. */
void table_print(FILE *out, const cJSON *results);

#endif
