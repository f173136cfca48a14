/*
 * results_file - a results.json of any origin: read, and found to be what `stopbench run`
 * writes, before anything relies on it.
 */
#ifndef HARNESS_COMPARE_RESULTS_FILE_H
#define HARNESS_COMPARE_RESULTS_FILE_H

#include <cjson/cJSON.h>

#include "lib/err.h"

/* Gives the caller a tree to cJSON_Delete(): every member that docs/results.md names is
 * there, of its kind, and the summary and `met` agree with the rounds. A member that is
 * not named there may be anything.
 *
 * NULL: "FILE:LINE:COLUMN: cases[3].stop_ns: expected ...", also of a file that was cut
 * off, or that another version wrote. */
cJSON *results_file_read(const char *path, struct err *err) MUST_CHECK;

#endif
