/*
 * two_samples - by how much NEW is above BASE, of samples without pairs.
 *
 * The candidates are all differences of a value of NEW and one of BASE, and the test is
 * Mann and Whitney's (Wilcoxon's rank-sum test). Where there are pairs, paired.h sees
 * smaller shifts.
 *
 * Sources: Mann and Whitney (mann_whitney.h); the interval (Moses): Hollander, Wolfe and
 * Chicken, sections 4.1 to 4.3.
 */
#ifndef HARNESS_STATS_TWO_SAMPLES_H
#define HARNESS_STATS_TWO_SAMPLES_H

#include "harness/stats/rank_estimate.h"

#define TWO_SAMPLES_MAX       1000 /* of each; asserted */
#define TWO_SAMPLES_EXACT_MAX 100  /* one has more: the normal approximation */

/* Values are finite. The shift is in their unit. */
void two_samples_init(struct rank_estimate *shift, const double *base,
	unsigned base_count, const double *new, unsigned new_count);

/* The fewest values of each sample with which a one-sided p can be as small as p: one
 * over the ways to choose n of 2n. */
unsigned two_samples_needed(double p);

#endif
