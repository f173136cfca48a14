/*
 * check_limits - do the times that the stacks among the processes may take for their
 * graceful stop fit the grace, and who holds connections?
 */
#ifndef HARNESS_CHECK_CHECK_LIMITS_H
#define HARNESS_CHECK_CHECK_LIMITS_H

#include "harness/check/check.h"

/* Adds what it finds, and the timeouts. */
void check_limits(struct check *check, const struct check_input *input);

#endif
