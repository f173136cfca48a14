#include "harness/compare/gate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "harness/stats/holm.h"
#include "harness/stats/paired.h"
#include "harness/stats/paired_test.h"
#include "harness/stats/sample.h"
#include "harness/stats/two_samples.h"
#include "lib/cc.h"
#include "lib/mem.h"

#define TOLERANCE_SHARE 0.05
#define TOLERANCE_NS    5e6
#define CONFIDENCE      0.95 /* of the interval that a reader sees */

/* The weights are shares of the level and add up to 1. With them the fewest pairs that
 * can prove anything are 12 in a run of 10 cases or fewer, and 16 in one of 122. */
static const struct look {
	unsigned pairs;
	double weight;
} looks[] = {
	{GATE_LOOK_FIRST, 0},
	{12, 4 / 16.},
	{16, 3 / 16.},
	{20, 3 / 16.},
	{28, 3 / 16.},
	{GATE_LOOK_LAST, 3 / 16.},
};

/* One-sided. */
struct p_values {
	double slower, faster;
};

static void shift_init(struct rank_estimate *shift, const struct gate_case *c)
{
	if (c->paired)
		paired_init(shift, c->base_ns, c->new_ns, c->base_count);
	else
		two_samples_init(
			shift, c->base_ns, c->base_count, c->new_ns, c->new_count);
}

/* Of the first `pairs`. */
static struct p_values test_pairs(const struct gate_case *c, unsigned pairs)
{
	return (struct p_values){
		paired_test(c->base_ns, c->new_ns, pairs),
		paired_test(c->new_ns, c->base_ns, pairs),
	};
}

/* The least p of all looks so far, each divided by the look's weight. */
static struct p_values test_looks(const struct gate_case *c)
{
	struct p_values least = {1, 1};

	for (size_t i = 0; i < COUNT(looks) && looks[i].pairs <= c->base_count; i++) {
		struct p_values p;

		if (looks[i].weight <= 0)
			continue;
		p = test_pairs(c, looks[i].pairs);
		least.slower = fmin(least.slower, p.slower / looks[i].weight);
		least.faster = fmin(least.faster, p.faster / looks[i].weight);
	}
	return least;
}

static double tolerance_ns(const struct gate_case *c)
{
	struct sample base;
	double median;

	sample_init(&base, c->base_ns, c->base_count);
	median = sample_median(&base);
	sample_done(&base);
	return fmax(TOLERANCE_NS, TOLERANCE_SHARE * median); /* of NAN the other */
}

/* Adjusted in place, over the cases and against the level of a single one. */
static void adjust(double *p, unsigned count)
{
	double *holm = mem_grown(NULL, (size_t)count + 1, sizeof *holm);

	holm_adjust(holm, p, count);
	for (unsigned i = 0; i < count; i++)
		p[i] = fmax(
			holm[i], fmin(1, p[i] * (GATE_FAMILY_LEVEL / GATE_CASE_LEVEL)));
	free(holm);
}

static enum gate_decision decide(const struct gate_result *result)
{
	bool proven = result->adjusted_p <= GATE_FAMILY_LEVEL;
	double least = result->tolerance_ns / 2;

	if (proven && result->shift_ns >= least && result->interval_ns.low > 0)
		return GATE_SLOWER;
	if (proven && result->shift_ns <= -least && result->interval_ns.high < 0)
		return GATE_FASTER;
	return result->interval_ns.low > -result->tolerance_ns &&
			result->interval_ns.high < result->tolerance_ns
		? GATE_SAME
		: GATE_TOO_FEW;
}

/* With which the level of a case can be reached at all. */
static unsigned rounds_for_level(const struct gate_case *c, unsigned count)
{
	double level = fmin(GATE_CASE_LEVEL, GATE_FAMILY_LEVEL / count);

	return c->paired ? paired_test_needed(level) : two_samples_needed(level);
}

/* With which the interval would be half as wide on either side as the tolerance: its
 * width goes with one over the root of the count. */
static unsigned rounds_for_noise(const struct gate_result *result, unsigned rounds)
{
	double wide = (result->interval_ns.high - result->interval_ns.low) /
		result->tolerance_ns;

	return (unsigned)fmin(GATE_TIMES_MAX, ceil(rounds * wide * wide));
}

static unsigned rounds_for_proof(
	const struct gate_result *result, const struct gate_case *c, unsigned count)
{
	unsigned rounds = c->base_count < c->new_count ? c->base_count : c->new_count;
	unsigned needed = rounds_for_level(c, count), noise;

	if (isnan(result->interval_ns.low))
		return needed;
	noise = rounds_for_noise(result, rounds);
	if (needed < noise)
		needed = noise;
	return needed > rounds ? needed : rounds + 1;
}

static bool is_surely_same(const struct gate_result *result)
{
	double half = result->tolerance_ns / 2;

	return result->interval_ns.low > -half && result->interval_ns.high < half;
}

static unsigned rounds_needed(const struct gate_result *result,
	const struct gate_case *c, unsigned count, enum gate_plan plan)
{
	if (result->decision == GATE_SLOWER || result->decision == GATE_FASTER)
		return 0;
	if (plan == GATE_LOOKS && !is_surely_same(result))
		for (size_t i = 0; i < COUNT(looks); i++)
			if (looks[i].pairs > c->base_count)
				return looks[i].pairs;
	return result->decision == GATE_SAME ? 0 : rounds_for_proof(result, c, count);
}

static void check(const struct gate_case *c, enum gate_plan plan)
{
	assert(c->base_count <= GATE_TIMES_MAX && c->new_count <= GATE_TIMES_MAX);
	assert(!c->paired || c->base_count == c->new_count);
	assert(c->paired || plan == GATE_ONCE);
}

/* All of a result that its own case gives; returns its p, not adjusted. */
static struct p_values examine(
	struct gate_result *result, const struct gate_case *c, enum gate_plan plan)
{
	struct rank_estimate shift;
	struct p_values p;

	shift_init(&shift, c);
	*result = (struct gate_result){
		.tolerance_ns = tolerance_ns(c),
		.shift_ns = rank_estimate_value(&shift),
		.interval_ns = rank_estimate_interval(&shift, CONFIDENCE),
	};
	if (plan == GATE_LOOKS)
		p = test_looks(c);
	else if (c->paired)
		p = test_pairs(c, c->base_count);
	else
		p = (struct p_values){
			rank_estimate_p_greater(&shift), rank_estimate_p_less(&shift)};
	rank_estimate_done(&shift);
	return p;
}

void gate_decide(struct gate_result *results, const struct gate_case *cases,
	unsigned count, enum gate_plan plan)
{
	double *slower = mem_grown(NULL, (size_t)count + 1, sizeof *slower);
	double *faster = mem_grown(NULL, (size_t)count + 1, sizeof *faster);

	for (unsigned i = 0; i < count; i++) {
		struct p_values p;

		check(&cases[i], plan);
		p = examine(&results[i], &cases[i], plan);
		slower[i] = p.slower;
		faster[i] = p.faster;
	}
	adjust(slower, count);
	adjust(faster, count);
	for (unsigned i = 0; i < count; i++) {
		results[i].adjusted_p = results[i].shift_ns < 0 ? faster[i] : slower[i];
		results[i].decision = decide(&results[i]);
		results[i].rounds_needed =
			rounds_needed(&results[i], &cases[i], count, plan);
	}
	free(slower);
	free(faster);
}

const char *gate_decision_name(enum gate_decision decision)
{
	switch (decision) {
	case GATE_SAME:
		return "same";
	case GATE_SLOWER:
		return "slower";
	case GATE_FASTER:
		return "faster";
	case GATE_TOO_FEW:
		return "too few";
	}
	return "";
}
