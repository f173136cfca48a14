/*
 * rank_estimate - an estimate with its interval and p values, from one rank test.
 *
 * The tests here count: how many of the candidates (Walsh averages, differences, slopes)
 * are above zero, against the distribution of that count where nothing differs. Their
 * median is the estimate; the values that the test does not reject are the interval. So
 * an interval with a confidence of 1 - 2a lies above zero exactly where p_greater <= a.
 *
 * Ties: a candidate of exactly zero counts for neither side, and distributions are those
 * without ties. Breaking ties at random would give the exact p; it could move such a
 * candidate to either side, so p is never smaller than that, and an interval never
 * narrower.
 *
 * Sources: Hodges and Lehmann, "Estimates of location based on rank tests", Annals of
 * Mathematical Statistics 34 (1963); intervals: Hollander, Wolfe and Chicken,
 * "Nonparametric Statistical Methods", 3rd ed., sections 3.3, 4.3 and 9.3.
 */
#ifndef HARNESS_STATS_RANK_ESTIMATE_H
#define HARNESS_STATS_RANK_ESTIMATE_H

#include "harness/stats/interval.h"
#include "harness/stats/sample.h"

struct rank_estimate {
	struct sample candidates;
	double *cumulative; /* [k]: P(at most k of the candidates are above zero) */
};

/* Takes both arrays: count candidates; probability[k], k from 0 to count, of k of them
 * above zero, symmetric. */
void rank_estimate_init(struct rank_estimate *estimate, double *candidates,
	unsigned count, double *probability);

/* The same with the normal approximation of that count, mean count / 2, and with its
 * continuity correction. Takes candidates. */
void rank_estimate_init_normal(struct rank_estimate *estimate, double *candidates,
	unsigned count, double variance);
void rank_estimate_done(struct rank_estimate *estimate);

/* NAN without candidates. */
double rank_estimate_value(const struct rank_estimate *estimate);

/* Two-sided. None where even from the least to the greatest candidate the confidence is
 * lower. */
struct interval rank_estimate_interval(
	const struct rank_estimate *estimate, double confidence);

/* One-sided: that of a value above zero, and below. 1 without candidates. */
double rank_estimate_p_greater(const struct rank_estimate *estimate);
double rank_estimate_p_less(const struct rank_estimate *estimate);

#endif
