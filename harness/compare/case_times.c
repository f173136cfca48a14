#include "harness/compare/case_times.h"

#include <stdlib.h>

#include "lib/json.h"
#include "lib/mem.h"

static const cJSON *round_with(const struct case_rounds *item, int64_t number)
{
	for (unsigned i = 0; i < item->count; i++) {
		if (json_int(item->rounds[i], "round", -1) == number)
			return item->rounds[i];
	}
	return NULL;
}

static void add(double *times, unsigned *count, double ns)
{
	if (ns >= 0 && *count < GATE_TIMES_MAX)
		times[(*count)++] = ns;
}

static void fill_pairs(struct case_times *times, const struct case_rounds *base,
	const struct case_rounds *new)
{
	for (unsigned i = 0; i < new->count; i++) {
		const cJSON *round = new->rounds[i];
		const cJSON *other = round_with(base, json_int(round, "round", -1));
		double new_ns = case_rounds_time_ns(round),
		       base_ns = other ? case_rounds_time_ns(other) : -1;

		if (new_ns < 0 || base_ns < 0)
			continue;
		add(times->base_ns, &times->base_count, base_ns);
		add(times->new_ns, &times->new_count, new_ns);
	}
}

static double *fill_side(const struct case_rounds *item, unsigned *count)
{
	double *times = mem_zeroed(sizeof *times * GATE_TIMES_MAX);

	for (unsigned i = 0; item && i < item->count; i++)
		add(times, count, case_rounds_time_ns(item->rounds[i]));
	return times;
}

void case_times_fill(struct case_times *times, const struct case_rounds *base,
	const struct case_rounds *new, bool paired)
{
	*times = (struct case_times){0};
	if (paired && base && new) {
		times->base_ns = mem_zeroed(sizeof *times->base_ns * GATE_TIMES_MAX);
		times->new_ns = mem_zeroed(sizeof *times->new_ns * GATE_TIMES_MAX);
		fill_pairs(times, base, new);
		return;
	}
	times->base_ns = fill_side(base, &times->base_count);
	times->new_ns = fill_side(new, &times->new_count);
}

void case_times_done(struct case_times *times)
{
	free(times->base_ns);
	free(times->new_ns);
	*times = (struct case_times){0};
}
