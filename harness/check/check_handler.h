/*
 * check_handler - the program takes the stop signal: what is known of what it does then?
 *
 * A shell's trap that waits, a launcher that tells a shell, a runtime's own handler, a
 * signal that means something else to this program, and the processes beside it.
 */
#ifndef HARNESS_CHECK_CHECK_HANDLER_H
#define HARNESS_CHECK_CHECK_HANDLER_H

#include "harness/check/check_process.h"

void check_handler(const struct reach *reach, const struct process *process);

#endif
