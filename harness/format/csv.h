/*
 * csv - a row for each round (RFC 4180: lines end in CRLF), with a line of headings. A
 * text that a spreadsheet would take for a formula has a ' in front.
 */
#ifndef HARNESS_FORMAT_CSV_H
#define HARNESS_FORMAT_CSV_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* `results` is the JSON of results.h. */
void csv_print(FILE *out, const cJSON *results);

#endif
