/*
 * mann_whitney - the distribution of Mann and Whitney's U where nothing differs.
 *
 * U counts the pairs, of one value of each sample, in which that of the first is the
 * greater. Source: Mann and Whitney, Annals of Mathematical Statistics 18 (1947), their
 * recurrence on the greatest of all values.
 */
#ifndef HARNESS_STATS_MANN_WHITNEY_H
#define HARNESS_STATS_MANN_WHITNEY_H

#include "lib/cc.h"

/* P(U = u), u from 0 to first * second. In time (first * second)^2. To free(). */
double *mann_whitney_distribution(unsigned first, unsigned second) MUST_CHECK;

#endif
