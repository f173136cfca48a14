/*
 * samples - one quantity, measured several times.
 */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#define SAMPLES_MAX 64

/* Zeroed is empty. */
struct samples {
	double value[SAMPLES_MAX];
	unsigned count;
};

/* At most SAMPLES_MAX times. */
void samples_add(struct samples *samples, double value);

/* Of at least one value. */
double samples_median(const struct samples *samples);
double samples_least(const struct samples *samples);
double samples_most(const struct samples *samples);

#endif
