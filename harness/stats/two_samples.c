#include "harness/stats/two_samples.h"

#include <assert.h>

#include "harness/stats/mann_whitney.h"
#include "lib/mem.h"

void two_samples_init(struct rank_estimate *shift, const double *base,
	unsigned base_count, const double *new, unsigned new_count)
{
	unsigned count = base_count * new_count, at = 0;
	double *differences;

	assert(base_count <= TWO_SAMPLES_MAX && new_count <= TWO_SAMPLES_MAX);
	differences = mem_grown(NULL, (size_t)count + 1, sizeof *differences);
	for (unsigned i = 0; i < new_count; i++)
		for (unsigned j = 0; j < base_count; j++)
			differences[at++] = new[i] - base[j];
	if (base_count <= TWO_SAMPLES_EXACT_MAX && new_count <= TWO_SAMPLES_EXACT_MAX)
		rank_estimate_init(shift, differences, count,
			mann_whitney_distribution(new_count, base_count));
	else
		rank_estimate_init_normal(shift, differences, count,
			count * (base_count + new_count + 1.0) / 12);
}

unsigned two_samples_needed(double p)
{
	double least = 1;
	unsigned count = 0;

	assert(p > 0 && p <= 1);
	while (least > p) { /* C(2n, n) = C(2n - 2, n - 1) * 2 (2n - 1) / n */
		count++;
		least *= count / (2 * (2.0 * count - 1));
	}
	return count;
}
