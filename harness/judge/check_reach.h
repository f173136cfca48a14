/*
 * check_reach - would the stop signal reach the program, and mean a stop to it?
 */
#ifndef HARNESS_JUDGE_CHECK_REACH_H
#define HARNESS_JUDGE_CHECK_REACH_H

#include "harness/judge/check.h"

/* Adds what it finds, and says whether PID 1's reaction is known. */
void check_reach(struct check *check, const struct check_input *input);

#endif
