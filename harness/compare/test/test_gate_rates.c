/*
 * How often the gate is wrong, by simulation. The seed is fixed, so that a run repeats the
 * one before; SIMULATIONS=100 simulates 100 times as many, and every test prints rates.
 *
 * The rates that the gate promises are bounds. A test fails where what it counted would
 * be seen in one of a thousand runs if the rate were exactly at its bound, so that with
 * more simulations it gets sharper.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "harness/compare/test/simulation.h"
#include "lib/cc.h"

#define BASE_NS      50e6
#define TOLERANCE_NS 5e6 /* of that BASE; 5 % of a longer one scale like it */
#define PAIRS        20
#define CASES        120

static unsigned times(unsigned count)
{
	const char *factor = getenv("SIMULATIONS");
	long many = factor ? strtol(factor, NULL, 10) : 1;

	return count * (unsigned)(many > 1 ? many : 1);
}

/* `noise` is in tolerances. */
static struct simulation simulation(
	enum noise kind, double noise, double slowdown_ns, unsigned cases)
{
	struct simulation made = {
		.noise = kind,
		.base_ns = BASE_NS,
		.noise_ns = noise * TOLERANCE_NS,
		.slowdown_ns = slowdown_ns,
		.cases = cases,
	};

	rng_seed(&made.rng, 8 + (unsigned)kind);
	return made;
}

/* The most that are seen in 999 of 1000 runs, by Poisson's distribution. */
static unsigned most_expected(double mean)
{
	double probability = exp(-mean), sum = probability;
	unsigned count = 0;

	while (sum < 0.999) {
		count++;
		probability *= mean / count;
		sum += probability;
	}
	return count;
}

static void assert_seldom(const char *what, enum noise kind, double noise,
	unsigned seen, unsigned of, double bound)
{
	print_message("%-34s %-10s %.2f: %u of %u, %.4f %%\n", what, noise_name(kind),
		noise, seen, of, 100.0 * seen / of);
	if (seen > most_expected(of * bound))
		fail_msg("more than %g %%", 100 * bound);
}

static void unchanged_cases_are_not_told_slower(void **state UNUSED)
{
	static const double noises[] = {0.5, 1, 4};

	for (enum noise kind = 0; kind < NOISE_KINDS; kind++)
		for (size_t i = 0; i < COUNT(noises); i++) {
			struct simulation unchanged = simulation(kind, noises[i], 0, 1);
			unsigned count = times(1000), slower = 0;

			for (unsigned j = 0; j < count; j++)
				slower += simulate_once(&unchanged, PAIRS).decision ==
					GATE_SLOWER;
			assert_seldom("false alarm, 20 pairs", kind, noises[i], slower,
				count, GATE_CASE_LEVEL);
		}
}

static void unchanged_cases_are_not_told_slower_by_looks(void **state UNUSED)
{
	static const double noises[] = {0.2, 0.8};

	for (enum noise kind = 0; kind < NOISE_KINDS; kind++)
		for (size_t i = 0; i < COUNT(noises); i++) {
			struct simulation unchanged = simulation(kind, noises[i], 0, 1);
			unsigned count = times(200), slower = 0;

			for (unsigned j = 0; j < count; j++)
				slower += simulate_looks(&unchanged).decision ==
					GATE_SLOWER;
			assert_seldom("false alarm, looks", kind, noises[i], slower,
				count, GATE_CASE_LEVEL);
		}
}

/* Of noise, because of which a case is most often told slower. */
static void unchanged_runs_have_no_slower_case(void **state UNUSED)
{
	for (enum noise kind = 0; kind < NOISE_KINDS; kind++) {
		struct simulation unchanged = simulation(kind, 1, 0, CASES);
		unsigned count = times(3), once = 0, looks = 0;

		for (unsigned i = 0; i < count; i++)
			once += simulate_run(&unchanged, GATE_ONCE, PAIRS) > 0;
		assert_seldom("false alarm, run of 120, 20 pairs", kind, 1, once, count,
			GATE_FAMILY_LEVEL);
		count = times(1);
		unchanged = simulation(kind, 0.4, 0, CASES);
		for (unsigned i = 0; i < count; i++)
			looks += simulate_run(&unchanged, GATE_LOOKS, 0) > 0;
		assert_seldom("false alarm, run of 120, looks", kind, 0.4, looks, count,
			GATE_FAMILY_LEVEL);
	}
}

/* Up to so much noise, in tolerances, a slowdown by one tolerance is caught in 99 of 100
 * comparisons: by 20 pairs, of one case and of one in a run of 120, and by looks, of one
 * in such a run. */
static const struct {
	double alone, in_run, looks;
} noise_limits[] = {
	[NOISE_NORMAL] = {0.45, 0.35, 0.55},
	[NOISE_LOGNORMAL] = {0.40, 0.25, 0.60},
	[NOISE_SCHEDULING] = {0.15, 0.08, 0.30},
	[NOISE_DRIFT] = {0.45, 0.35, 0.55},
	[NOISE_BIMODAL] = {0.45, 0.40, 0.55},
};

static void assert_caught(const char *what, enum noise kind, double noise,
	unsigned cases, struct simulated (*simulate)(struct simulation *))
{
	struct simulation slowed = simulation(kind, noise, TOLERANCE_NS, cases);
	unsigned count = times(400), missed = 0;

	for (unsigned i = 0; i < count; i++)
		missed += simulate(&slowed).decision != GATE_SLOWER;
	assert_seldom(what, kind, noise, missed, count, 0.01);
}

static struct simulated simulate_pairs(struct simulation *slowed)
{
	return simulate_once(slowed, PAIRS);
}

static void slowdown_by_the_tolerance_is_caught(void **state UNUSED)
{
	for (enum noise kind = 0; kind < NOISE_KINDS; kind++) {
		assert_caught("missed, 20 pairs", kind, noise_limits[kind].alone, 1,
			simulate_pairs);
		assert_caught("missed, 20 pairs, of 120 cases", kind,
			noise_limits[kind].in_run, CASES, simulate_pairs);
		assert_caught("missed, looks, of 120 cases", kind,
			noise_limits[kind].looks, CASES, simulate_looks);
	}
}

static void five_per_cent_of_a_long_stop_are_caught(void **state UNUSED)
{
	struct simulation slowed = simulation(NOISE_NORMAL, 0, 100e6, CASES);
	unsigned count = times(200), missed = 0;

	slowed.base_ns = 2e9;
	slowed.noise_ns = 35e6;
	for (unsigned i = 0; i < count; i++)
		missed += simulate_once(&slowed, PAIRS).decision != GATE_SLOWER;
	assert_seldom("missed, 5 % of 2 s", NOISE_NORMAL, 0.35, missed, count, 0.01);
}

/* In half of the comparisons the first look is the last. */
static void unchanged_cases_cost_eight_pairs(void **state UNUSED)
{
	static const double quiet[] = {
		[NOISE_NORMAL] = 0.25,
		[NOISE_LOGNORMAL] = 0.35,
		[NOISE_SCHEDULING] = 0.15,
		[NOISE_DRIFT] = 0.25,
		[NOISE_BIMODAL] = 0.25,
	};

	for (enum noise kind = 0; kind < NOISE_KINDS; kind++) {
		struct simulation unchanged = simulation(kind, quiet[kind], 0, CASES);
		unsigned count = times(200), more = 0;

		for (unsigned i = 0; i < count; i++)
			more += simulate_looks(&unchanged).pairs > GATE_LOOK_FIRST;
		print_message("%-34s %-10s %.2f: %u of %u\n", "more than 8 pairs",
			noise_name(kind), quiet[kind], more, count);
		assert_true(more < count / 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unchanged_cases_are_not_told_slower),
		cmocka_unit_test(unchanged_cases_are_not_told_slower_by_looks),
		cmocka_unit_test(unchanged_runs_have_no_slower_case),
		cmocka_unit_test(slowdown_by_the_tolerance_is_caught),
		cmocka_unit_test(five_per_cent_of_a_long_stop_are_caught),
		cmocka_unit_test(unchanged_cases_cost_eight_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
