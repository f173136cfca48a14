#include "harness/stats/proportion.h"

#include <assert.h>
#include <math.h>

#define HALVINGS 60 /* of an interval of 1: below a double's precision */

/* P(at most `seen` of count trials), by logarithms, for 0 < p < 1. */
static double at_most(unsigned seen, unsigned count, double p)
{
	double sum = 0;

	for (unsigned k = 0; k <= seen; k++)
		sum += exp(lgamma(count + 1.0) - lgamma(k + 1.0) -
			lgamma((double)count - k + 1.0) + k * log(p) +
			((double)count - k) * log1p(-p));
	return sum;
}

double proportion_upper(unsigned seen, unsigned count, double confidence)
{
	double low = 0, high = 1;

	assert(seen <= count && confidence > 0 && confidence < 1);
	if (seen == count)
		return 1;
	for (unsigned i = 0; i < HALVINGS; i++) {
		double middle = (low + high) / 2;

		if (at_most(seen, count, middle) > 1 - confidence)
			low = middle;
		else
			high = middle;
	}
	return high;
}
