#include "harness/stats/fisher.h"

#include <assert.h>
#include <math.h>

static double log_choose(unsigned n, unsigned k)
{
	return lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma((double)n - k + 1.0);
}

double fisher_p_more(unsigned base_failed, unsigned base_count, unsigned new_failed,
	unsigned new_count)
{
	unsigned failed = base_failed + new_failed, count = base_count + new_count;
	unsigned most = failed < new_count ? failed : new_count;
	double p = 0;

	assert(base_failed <= base_count && new_failed <= new_count);
	if (base_count == 0 || new_count == 0)
		return 1;
	/* Of failed, at most new_failed + base_failed are NEW's, so BASE has room for the
	 * rest: base_failed of them at most. */
	for (unsigned k = new_failed; k <= most; k++)
		p += exp(log_choose(new_count, k) + log_choose(base_count, failed - k) -
			log_choose(count, failed));
	return p < 1 ? p : 1;
}
