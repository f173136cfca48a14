#include "harness/stats/paired.h"

#include <assert.h>

#include "harness/stats/signed_rank.h"
#include "lib/mem.h"

static double *walsh_averages(const double *base, const double *new, unsigned count)
{
	size_t averages = (size_t)count * (count + 1) / 2, at = 0;
	double *walsh = mem_grown(NULL, averages + 1, sizeof *walsh);

	for (unsigned i = 0; i < count; i++)
		for (unsigned j = 0; j <= i; j++)
			walsh[at++] = (new[i] - base[i] + (new[j] - base[j])) / 2;
	return walsh;
}

void paired_init(struct rank_estimate *shift, const double *base, const double *new,
	unsigned count)
{
	unsigned averages = count * (count + 1) / 2;
	double *walsh;

	assert(count <= PAIRED_MAX);
	walsh = walsh_averages(base, new, count);
	if (count <= PAIRED_EXACT_MAX)
		rank_estimate_init(
			shift, walsh, averages, signed_rank_distribution(count));
	else
		rank_estimate_init_normal(
			shift, walsh, averages, averages * (2.0 * count + 1) / 12);
}
