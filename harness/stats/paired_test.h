/*
 * paired_test - is NEW above BASE, of pairs that were measured in turn.
 *
 * Two tests are one here: the sign test, which a few outliers cannot outweigh, and
 * Wilcoxon's signed-rank test, which sees smaller shifts where there are none. The
 * statistic is the smaller p of the two. Its own distribution, over all signs of the
 * differences, is exact up to PAIRED_TEST_EXACT_MAX pairs. Beyond, p is twice the smaller
 * one (Bonferroni), with a normal signed-rank sum from PAIRED_EXACT_MAX on; so it is where
 * both are above a half.
 *
 * No shape of the noise is supposed, only that a difference is as likely above as below
 * zero where nothing differs. A difference or a Walsh average of zero counts against, so
 * that ties make p larger, never smaller.
 *
 * Sources: Tippett, "The Methods of Statistics" (1931), for the smaller p; sign test and
 * signed-rank test: Hollander, Wolfe and Chicken, sections 3.1 and 3.4.
 */
#ifndef HARNESS_STATS_PAIRED_TEST_H
#define HARNESS_STATS_PAIRED_TEST_H

#define PAIRED_TEST_EXACT_MAX 100

/* One-sided p that new is above base. base[i] and new[i] are a pair; finite; at most
 * PAIRED_MAX (paired.h). 1 without pairs. */
double paired_test(const double *base, const double *new, unsigned count);

/* The fewest pairs with which p can be as small as `p`: 2^-n. At most
 * PAIRED_TEST_EXACT_MAX (asserted). */
unsigned paired_test_needed(double p);

#endif
