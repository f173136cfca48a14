#include "harness/stats/sample.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

static int compare(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

void sample_take(struct sample *sample, double *values, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert(isfinite(values[i]));
	if (count)
		qsort(values, count, sizeof *values, compare);
	*sample = (struct sample){values, count};
}

void sample_init(struct sample *sample, const double *values, unsigned count)
{
	double *copy = mem_grown(NULL, (size_t)count + 1, sizeof *copy);

	if (count)
		memcpy(copy, values, count * sizeof *copy);
	sample_take(sample, copy, count);
}

void sample_done(struct sample *sample)
{
	free(sample->values);
	*sample = (struct sample){0};
}

double sample_quantile(const struct sample *sample, double share)
{
	double at, whole;
	unsigned below;

	assert(share >= 0 && share <= 1);
	if (sample->count == 0)
		return NAN;
	at = share * (sample->count - 1);
	whole = floor(at);
	below = (unsigned)whole;
	if (below + 1 >= sample->count)
		return sample->values[sample->count - 1];
	return sample->values[below] +
		(at - whole) * (sample->values[below + 1] - sample->values[below]);
}

double sample_median(const struct sample *sample)
{
	return sample_quantile(sample, 0.5);
}

double sample_spread(const struct sample *sample)
{
	double median = sample_median(sample), spread;
	struct sample distances;

	sample_init(&distances, sample->values, sample->count);
	for (unsigned i = 0; i < distances.count; i++)
		distances.values[i] = fabs(distances.values[i] - median);
	sample_take(&distances, distances.values, distances.count);
	spread = 1.4826 * sample_median(&distances);
	sample_done(&distances);
	return spread;
}

/* P(exactly k of n values are below the median). By logarithms: 2^-n is 0 to a double
 * from n = 1075 on. */
static double binomial(unsigned n, unsigned k)
{
	return exp(lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) - n * M_LN2);
}

struct interval sample_median_interval(const struct sample *sample, double confidence)
{
	double each_side = (1 - confidence) / 2, outside = 0;
	unsigned cut = 0; /* values left out on each side, and one more */

	assert(confidence > 0 && confidence < 1);
	while (cut < sample->count) {
		outside += binomial(sample->count, cut);
		if (outside > each_side)
			break;
		cut++;
	}
	if (cut == 0)
		return (struct interval){NAN, NAN};
	return (struct interval){
		sample->values[cut - 1], sample->values[sample->count - cut]};
}

struct interval sample_fences(const struct sample *sample)
{
	double low = sample_quantile(sample, 0.25),
	       high = sample_quantile(sample, 0.75);
	double reach = 3 * (high - low);

	return (struct interval){low - reach, high + reach};
}
