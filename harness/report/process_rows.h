/*
 * process_rows - the processes of a snapshot, one a line, with what each does with the
 * stop signal by its masks.
 */
#ifndef HARNESS_REPORT_PROCESS_ROWS_H
#define HARNESS_REPORT_PROCESS_ROWS_H

#include <stdio.h>

#include "harness/engine/snapshot.h"
#include "lib/terminal.h"

void process_rows_print(const struct snapshot *snapshot, int signal_number,
	const struct terminal *terminal, FILE *out);

#endif
