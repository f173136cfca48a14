/*
 * signed_rank - the distribution of Wilcoxon's signed-rank sum where nothing differs.
 *
 * Source: Wilcoxon, Biometrics Bulletin 1 (1945); Hollander, Wolfe and Chicken,
 * "Nonparametric Statistical Methods", 3rd ed., section 3.1: each rank from 1 to count is
 * in the sum or not, with a probability of a half.
 */
#ifndef HARNESS_STATS_SIGNED_RANK_H
#define HARNESS_STATS_SIGNED_RANK_H

#include "lib/cc.h"

/* P(sum = s), s from 0 to count * (count + 1) / 2. In time count^3. To free(). */
double *signed_rank_distribution(unsigned count) MUST_CHECK;

#endif
