/*
 * round_sample - a figure of the rounds of a case, as a sample of harness/stats.
 */
#ifndef HARNESS_RESULTS_ROUND_SAMPLE_H
#define HARNESS_RESULTS_ROUND_SAMPLE_H

#include <cjson/cJSON.h>

#include "harness/stats/sample.h"

/* The numbers of this member ("stop_ns"), of the rounds whose time counts
 * (case_rounds_time_ns()). For sample_done(). */
void round_sample(struct sample *sample, const cJSON *const *rounds, unsigned count,
	const char *member);

/* Their median; NAN: none is known. */
double round_median(const cJSON *const *rounds, unsigned count, const char *member);

#endif
