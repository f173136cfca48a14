/*
 * paired - by how much NEW is above BASE, of pairs that were measured in turn.
 *
 * The candidates are the Walsh averages of the differences NEW - BASE, and the test is
 * Wilcoxon's signed-rank test; paired_test.h has a p that outliers move less. It supposes that a difference is as likely above as below
 * the shift, which the pairing itself gives where nothing but chance differs; no shape
 * of the noise is supposed.
 *
 * Sources: Wilcoxon, Biometrics Bulletin 1 (1945); Tukey's count of Walsh averages and
 * the distribution: Hollander, Wolfe and Chicken, sections 3.1 to 3.3.
 */
#ifndef HARNESS_STATS_PAIRED_H
#define HARNESS_STATS_PAIRED_H

#include "harness/stats/rank_estimate.h"

#define PAIRED_MAX       1000 /* asserted */
#define PAIRED_EXACT_MAX 200  /* beyond, the normal approximation */

/* base[i] and new[i] are a pair; finite. The shift is in their unit. */
void paired_init(struct rank_estimate *shift, const double *base, const double *new,
	unsigned count);

#endif
