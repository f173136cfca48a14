#include "bench/samples.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/cc.h"

void samples_add(struct samples *samples, double value)
{
	assert(samples->count < COUNT(samples->value));
	samples->value[samples->count++] = value;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static struct samples sorted(const struct samples *samples)
{
	struct samples copy = *samples;

	assert(samples->count > 0);
	qsort(copy.value, copy.count, sizeof copy.value[0], compare);
	return copy;
}

double samples_median(const struct samples *samples)
{
	struct samples copy = sorted(samples);
	unsigned half = copy.count / 2;

	return copy.count % 2 ? copy.value[half]
			      : (copy.value[half - 1] + copy.value[half]) / 2;
}

double samples_least(const struct samples *samples)
{
	return sorted(samples).value[0];
}

double samples_most(const struct samples *samples)
{
	return sorted(samples).value[samples->count - 1];
}
