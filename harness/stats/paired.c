#include "harness/stats/paired.h"

#include <assert.h>
#include <math.h>

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

/* Each rank is in the sum or not, with a probability of a half. */
static double *signed_rank_distribution(unsigned count)
{
	unsigned most = count * (count + 1) / 2;
	double *probability = mem_zeroed((most + 1) * sizeof *probability);

	probability[0] = 1;
	for (unsigned rank = 1; rank <= count; rank++)
		for (unsigned sum = rank * (rank + 1) / 2 + 1; sum-- > 0;)
			probability[sum] =
				(probability[sum] +
					(sum >= rank ? probability[sum - rank] : 0)) /
				2;
	return probability;
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

unsigned paired_needed(double p)
{
	assert(p > 0 && p <= 1);
	return (unsigned)ceil(-log2(p));
}
