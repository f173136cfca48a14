#include "harness/compare/saving.h"

#include <math.h>

#include "harness/stats/paired.h"
#include "lib/mem.h"

#define CONFIDENCE 0.95

static bool is_beyond_zero(const struct interval *range)
{
	return range->low > 0 || range->high < 0;
}

static bool is_plain(const struct interval *range)
{
	double margin = SAVING_PLAIN * (range->high - range->low);

	return range->low > margin || range->high < -margin;
}

void saving_find(struct saving *saving, const double *with_ns, const double *without_ns,
	unsigned pairs)
{
	double *each = mem_zeroed((pairs + 1) * sizeof *each);
	struct rank_estimate shift;
	struct sample sample;

	*saving = (struct saving){.ns = NAN, .range_ns = {NAN, NAN}};
	for (unsigned i = 0; i < pairs; i++)
		each[i] = without_ns[i] - with_ns[i];
	sample_take(&sample, each, pairs);
	paired_init(&shift, with_ns, without_ns, pairs);
	if (pairs >= SAVING_EXACT) {
		saving->range_ns = rank_estimate_interval(&shift, CONFIDENCE);
		saving->ns = rank_estimate_value(&shift);
		saving->proven = is_beyond_zero(&saving->range_ns) &&
			fabs(saving->ns) >= sample_spread(&sample);
	} else if (pairs > 0) {
		saving->range_ns =
			(struct interval){sample.values[0], sample.values[pairs - 1]};
		saving->ns = rank_estimate_value(&shift);
		saving->proven = pairs >= SAVING_LEAST && is_plain(&saving->range_ns);
	}
	rank_estimate_done(&shift);
	sample_done(&sample);
}
