#include "harness/stats/rank_estimate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "lib/mem.h"

void rank_estimate_init(struct rank_estimate *estimate, double *candidates,
	unsigned count, double *probability)
{
	sample_take(&estimate->candidates, candidates, count);
	estimate->cumulative = probability;
	for (unsigned k = 1; k <= count; k++) /* a sum may be over 1 by rounding */
		probability[k] = fmin(1, probability[k] + probability[k - 1]);
}

void rank_estimate_init_normal(struct rank_estimate *estimate, double *candidates,
	unsigned count, double variance)
{
	double *cumulative = mem_grown(NULL, (size_t)count + 1, sizeof *cumulative);

	assert(count == 0 || variance > 0);
	for (unsigned k = 0; k < count; k++)
		cumulative[k] = erfc((count / 2.0 - k - 0.5) / sqrt(2 * variance)) / 2;
	cumulative[count] = 1;
	sample_take(&estimate->candidates, candidates, count);
	estimate->cumulative = cumulative;
}

void rank_estimate_done(struct rank_estimate *estimate)
{
	sample_done(&estimate->candidates);
	free(estimate->cumulative);
	estimate->cumulative = NULL;
}

double rank_estimate_value(const struct rank_estimate *estimate)
{
	return sample_median(&estimate->candidates);
}

struct interval rank_estimate_interval(
	const struct rank_estimate *estimate, double confidence)
{
	const struct sample *candidates = &estimate->candidates;
	double each_side = (1 - confidence) / 2;
	unsigned cut = 0; /* candidates left out on each side, and one more */

	assert(confidence > 0 && confidence < 1);
	while (cut < candidates->count && estimate->cumulative[cut] <= each_side)
		cut++;
	if (cut == 0)
		return (struct interval){NAN, NAN};
	return (struct interval){candidates->values[cut - 1],
		candidates->values[candidates->count - cut]};
}

double rank_estimate_p_greater(const struct rank_estimate *estimate)
{
	const struct sample *candidates = &estimate->candidates;
	unsigned not_above = 0;

	while (not_above < candidates->count && candidates->values[not_above] <= 0)
		not_above++;
	return estimate->cumulative[not_above];
}

double rank_estimate_p_less(const struct rank_estimate *estimate)
{
	const struct sample *candidates = &estimate->candidates;
	unsigned not_below = 0;

	while (not_below < candidates->count &&
		candidates->values[candidates->count - 1 - not_below] >= 0)
		not_below++;
	return estimate->cumulative[not_below];
}
