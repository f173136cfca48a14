/*
 * what_if_table - what held a case up, and how much shorter its stop is without.
 */
#ifndef HARNESS_REPORT_WHAT_IF_TABLE_H
#define HARNESS_REPORT_WHAT_IF_TABLE_H

#include <stdio.h>

#include <cjson/cJSON.h>

#include "lib/terminal.h"

/* Prints a round's "what_if": each change with its saving, and what it takes away.
 * `verdict` is that of the stop without a change. */
void what_if_table_print(const cJSON *changes, const char *verdict,
	const struct terminal *terminal, FILE *out);

/* The same of each round of the results that has one, below its case. */
void what_if_tables_print(const cJSON *results, FILE *out);

#endif
