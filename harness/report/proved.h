/*
 * proved - the table, and behind it what the run has proved: of each scenario its own
 * claim, and whether its cases went as that says.
 *
 *   Proved by kill/60-no-handler (2 runs): PID 1 without a handler never gets SIGTERM.
 */
#ifndef HARNESS_REPORT_PROVED_H
#define HARNESS_REPORT_PROVED_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* `results` is the JSON of results.h. A scenario without a "why" claims its name. */
void proved_print(FILE *out, const cJSON *results);

#endif
