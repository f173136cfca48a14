#include "harness/stats/line.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "harness/stats/mann_whitney.h"
#include "lib/mem.h"

/* Slopes above zero among those of points with different x, where y does not depend on
 * x: each x is compared with all smaller ones together, and these counts are independent
 * (Terpstra's decomposition), so that their distributions are convolved. */
static double *kendall_distribution(const struct sample *x, unsigned slopes)
{
	double *sum = mem_zeroed((slopes + 1) * sizeof *sum);
	unsigned most = 0;

	sum[0] = 1;
	for (unsigned from = 0, to; from < x->count; from = to) {
		double *added, *before = mem_grown(NULL, most + 1, sizeof *before);
		unsigned more;

		for (to = from; to < x->count && x->values[to] == x->values[from];)
			to++;
		more = from * (to - from);
		added = mann_whitney_distribution(to - from, from);
		for (unsigned i = 0; i <= most; i++) {
			before[i] = sum[i];
			sum[i] = 0;
		}
		for (unsigned i = 0; i <= most; i++)
			for (unsigned j = 0; j <= more; j++)
				sum[i + j] += before[i] * added[j];
		most += more;
		free(before);
		free(added);
	}
	return sum;
}

/* Of the same count: Kendall, "Rank Correlation Methods", with ties in x alone. */
static double kendall_variance(const struct sample *x)
{
	double n = x->count, sum = n * (n - 1) * (2 * n + 5);

	for (unsigned from = 0, to; from < x->count; from = to) {
		double tied;

		for (to = from; to < x->count && x->values[to] == x->values[from];)
			to++;
		tied = to - from;
		sum -= tied * (tied - 1) * (2 * tied + 5);
	}
	return sum / 72; /* of S, above less below, it is sum / 18 */
}

void line_slope_init(
	struct rank_estimate *slope, const double *x, const double *y, unsigned count)
{
	struct sample sorted;
	double *slopes;
	unsigned found = 0;

	assert(count <= LINE_MAX);
	slopes = mem_grown(NULL, (size_t)count * count / 2 + 1, sizeof *slopes);
	for (unsigned i = 0; i < count; i++)
		for (unsigned j = 0; j < i; j++)
			if (x[i] != x[j])
				slopes[found++] = (y[i] - y[j]) / (x[i] - x[j]);
	sample_init(&sorted, x, count);
	if (count <= LINE_EXACT_MAX)
		rank_estimate_init(
			slope, slopes, found, kendall_distribution(&sorted, found));
	else
		rank_estimate_init_normal(
			slope, slopes, found, kendall_variance(&sorted));
	sample_done(&sorted);
}

struct line line_theil_sen(const double *x, const double *y, unsigned count)
{
	struct rank_estimate slope;
	struct sample left;
	struct line line;

	line_slope_init(&slope, x, y, count);
	line.slope = line.intercept = rank_estimate_value(&slope);
	rank_estimate_done(&slope);
	if (isnan(line.slope))
		return line;
	sample_init(&left, y, count);
	for (unsigned i = 0; i < count; i++)
		left.values[i] = y[i] - line.slope * x[i];
	sample_take(&left, left.values, count);
	line.intercept = sample_median(&left);
	sample_done(&left);
	return line;
}

struct line line_least_squares(const double *x, const double *y, unsigned count)
{
	double mean_x = 0, mean_y = 0, xx = 0, xy = 0;

	for (unsigned i = 0; i < count; i++) {
		assert(isfinite(x[i]) && isfinite(y[i]));
		mean_x += x[i] / count;
		mean_y += y[i] / count;
	}
	for (unsigned i = 0; i < count; i++) {
		xx += (x[i] - mean_x) * (x[i] - mean_x);
		xy += (x[i] - mean_x) * (y[i] - mean_y);
	}
	if (!(xx > 0))
		return (struct line){NAN, NAN};
	return (struct line){xy / xx, mean_y - xy / xx * mean_x};
}
