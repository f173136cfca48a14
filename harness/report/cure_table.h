/*
 * cure_table - which cures were tried on a case, and what became of its stop.
 */
#ifndef HARNESS_REPORT_CURE_TABLE_H
#define HARNESS_REPORT_CURE_TABLE_H

#include <stdio.h>

#include <cjson/cJSON.h>

#include "lib/terminal.h"

/* Prints a list of cures.h: a row for each, and what a user writes for those that made
 * the stop clean, or else ended in time what was killed without them. `verdict` is that
 * of the stop without a cure. */
void cure_table_print(const cJSON *cures, const char *verdict,
	const struct terminal *terminal, FILE *out);

/* The same of each round of the results that was run again, below its case. */
void cure_tables_print(const cJSON *results, FILE *out);

#endif
