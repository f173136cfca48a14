/*
 * table - the results as people read them, on stdout, drawn by libsmartcols.
 *
 * A row per case and half: sessions released, exit code, stop time (of several rounds
 * the median, with their range), margin and verdict; below it, in a sentence, the
 * deepest diagnosis, and what was not as expected. The cases of a matrix are a tree,
 * its last axis the leaves; a twin hangs below its main half. A legend says what the
 * ids mean.
 */
#ifndef HARNESS_REPORT_TABLE_H
#define HARNESS_REPORT_TABLE_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* `results` is the JSON of results.h. As wide as the terminal; into
 * a file or pipe nothing is cut. Characters are the locale's (setlocale(LC_CTYPE, "")
 * belongs to main), colors those of terminal.h. */
void table_print(FILE *out, const cJSON *results);

#endif
