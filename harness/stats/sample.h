/*
 * sample - values in order, and what is said of them without a model of their
 * distribution.
 *
 * Values are finite (asserted), in whatever unit; results are in that unit. Of a sample
 * without values every result is NAN.
 *
 * Sources: quantile: Hyndman and Fan, "Sample quantiles in statistical packages", The
 * American Statistician 50 (1996), definition 7 (R's and NumPy's default). Spread:
 * Rousseeuw and Croux, JASA 88 (1993). Interval of the median: David and Nagaraja,
 * "Order Statistics", 3rd ed., section 7.1. Fences: Tukey, "Exploratory Data Analysis",
 * section 2D.
 */
#ifndef HARNESS_STATS_SAMPLE_H
#define HARNESS_STATS_SAMPLE_H

#include "harness/stats/interval.h"
#include "lib/cc.h"

struct sample {
	double *values; /* sorted, owned; read only */
	unsigned count;
};

void sample_init(struct sample *sample, const double *values, unsigned count);

/* Takes values, an allocation to free(), and sorts them in place. */
void sample_take(struct sample *sample, double *values, unsigned count);
void sample_done(struct sample *sample);

double sample_quantile(const struct sample *sample, double share); /* from 0 to 1 */
double sample_median(const struct sample *sample);

/* 1.4826 times the median distance from the median: for normal values it is near their
 * standard deviation, and up to half of the values may be outliers. */
double sample_spread(const struct sample *sample);

/* Of the median, by two order statistics: exact for any continuous distribution, at
 * least `confidence` (0.95) for any other. None below the count that can give it: 6
 * values for 0.95. */
struct interval sample_median_interval(const struct sample *sample, double confidence);

/* Tukey's outer fences, three interquartile ranges beyond the quartiles: an outlier is
 * a value outside. */
struct interval sample_fences(const struct sample *sample);

#endif
