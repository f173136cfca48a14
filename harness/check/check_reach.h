/*
 * check_reach - would the stop signal reach the program, and mean a stop to it?
 */
#ifndef HARNESS_CHECK_CHECK_REACH_H
#define HARNESS_CHECK_CHECK_REACH_H

#include "harness/check/check.h"

/* Adds what it finds, and says whether PID 1's reaction is known. */
void check_reach(struct check *check, const struct check_input *input);

#endif
