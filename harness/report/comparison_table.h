/*
 * comparison_table - a comparison as people read it: a row for each case, below it what
 * differs, then what bears on all of it, and the result in one sentence.
 *
 *   CASE              BASE     NEW    SHIFT             95 %  RESULT
 *   shop/10-idle    52.1ms  57.9ms  +5.62ms  4.98ms..6.31ms  slower
 */
#ifndef HARNESS_REPORT_COMPARISON_TABLE_H
#define HARNESS_REPORT_COMPARISON_TABLE_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* `comparison` is "comparison" of docs/results.md. Colors and characters are those of
 * terminal.h. */
void comparison_table_print(FILE *out, const cJSON *comparison);

#endif
