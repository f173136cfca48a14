/*
 * line - a line through points: how y grows with x.
 *
 * Theil and Sen's slope is the median of the slopes of all pairs of points with different
 * x; nearly three in ten points may be outliers. Its interval inverts Kendall's test, in
 * Jonckheere and Terpstra's form where points share an x (rounds of one N): exact up to
 * LINE_EXACT_MAX points, beyond by the normal approximation. The intercept is the median
 * of what is left of y. Least squares stands beside it, as the line that most know.
 *
 * Sources: Theil, Indagationes Mathematicae 12 (1950); Sen, JASA 63 (1968); the
 * distribution with shared x: Hollander, Wolfe and Chicken, sections 6.2 and 9.3.
 */
#ifndef HARNESS_STATS_LINE_H
#define HARNESS_STATS_LINE_H

#include "harness/stats/interval.h"
#include "harness/stats/rank_estimate.h"

#define LINE_MAX       1000 /* points; asserted */
#define LINE_EXACT_MAX 100

/* y = intercept + slope * x; both NAN where all points have one x. */
struct line {
	double slope, intercept;
};

/* The candidates of the slope: rank_estimate_value(), _interval() and p values. */
void line_slope_init(
	struct rank_estimate *slope, const double *x, const double *y, unsigned count);

struct line line_theil_sen(const double *x, const double *y, unsigned count);
struct line line_least_squares(const double *x, const double *y, unsigned count);

#endif
