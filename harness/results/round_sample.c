#include "harness/results/round_sample.h"

#include "harness/results/case_rounds.h"
#include "lib/json.h"
#include "lib/mem.h"

void round_sample(struct sample *sample, const cJSON *const *rounds, unsigned count,
	const char *member)
{
	double *values = mem_zeroed(sizeof *values * (count + 1));
	unsigned known = 0;

	for (unsigned i = 0; i < count; i++) {
		const cJSON *value = json_get(rounds[i], member);
		int64_t whole;

		if (case_rounds_time_ns(rounds[i]) < 0)
			continue;
		/* A number with many digits is raw text. */
		if (json_whole(value, &whole))
			values[known++] = (double)whole;
		else if (cJSON_IsNumber(value))
			values[known++] = value->valuedouble;
	}
	sample_take(sample, values, known);
}

double round_median(const cJSON *const *rounds, unsigned count, const char *member)
{
	SCOPED(sample_done) struct sample sample;

	round_sample(&sample, rounds, count, member);
	return sample_median(&sample);
}
