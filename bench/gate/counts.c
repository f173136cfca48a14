#include "bench/gate/counts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/gate/decisions.h"
#include "harness/stats/paired_test.h"
#include "harness/stats/sample.h"
#include "lib/cc.h"
#include "lib/mem.h"
#include "lib/rng.h"

#define DRAWN_RUNS   400 /* that are drawn from the comparisons */
#define DRAWN_LOOKS  40  /* the same, of runs that add pairs */
#define SEED         8
#define TOLERANCE_NS 5e6 /* of stops below 100 ms */

/* Cases of one column, all slowed or none. */
struct cases {
	struct measured *item;
	unsigned count;
	double *base_ns, *new_ns; /* of all of them */
};

static void cases_done(struct cases *cases)
{
	free(cases->item);
	free(cases->base_ns);
	free(cases->new_ns);
}

/* Of BASE's stops, in tolerances. */
static double noise_of(const struct block *block)
{
	struct sample base;
	double noise;

	sample_init(&base, block->base_ns, BLOCK_PAIRS);
	noise = sample_spread(&base) / TOLERANCE_NS;
	sample_done(&base);
	return noise;
}

static bool fits(const struct block *block, const struct column *column)
{
	if (!(block->loaded ? column->loaded : column->quiet))
		return false;
	if (column->noise_to <= 0)
		return true;
	return noise_of(block) >= column->noise_from &&
		noise_of(block) < column->noise_to;
}

/* Adds all pairs of the blocks of a kind, in cases of so many pairs. */
static void add_cases(struct cases *cases, const struct times *times,
	const struct column *column, bool loaded, bool slowed, unsigned pairs)
{
	double *base_ns = cases->base_ns + (size_t)cases->count * pairs;
	double *new_ns = cases->new_ns + (size_t)cases->count * pairs;
	unsigned added = 0;

	for (unsigned i = 0; i < times->count; i++) {
		const struct block *block = &times->blocks[i];

		if (block->slowed != slowed || block->loaded != loaded ||
			!fits(block, column))
			continue;
		memcpy(base_ns + added, block->base_ns, sizeof block->base_ns);
		memcpy(new_ns + added, block->new_ns, sizeof block->new_ns);
		added += BLOCK_PAIRS;
	}
	for (unsigned from = 0; from + pairs <= added; from += pairs)
		cases->item[cases->count++] =
			(struct measured){base_ns + from, new_ns + from};
}

static struct cases take_cases(const struct times *times, const struct column *column,
	bool slowed, unsigned pairs)
{
	size_t most = (size_t)(times->count + 1) * BLOCK_PAIRS;
	struct cases cases = {
		.item = mem_zeroed(most * sizeof *cases.item),
		.base_ns = mem_zeroed(most * sizeof *cases.base_ns),
		.new_ns = mem_zeroed(most * sizeof *cases.new_ns),
	};

	add_cases(&cases, times, column, false, slowed, pairs);
	add_cases(&cases, times, column, true, slowed, pairs);
	return cases;
}

static struct seen count_alone(const struct cases *cases, unsigned pairs,
	enum gate_decision decision, bool missed)
{
	struct seen seen = {.of = cases->count};

	for (unsigned i = 0; i < cases->count; i++) {
		struct decided decided;

		decide_run(&decided, &cases->item[i], 1, pairs);
		seen.seen += (decided.decision == decision) != missed;
	}
	return seen;
}

/* In so many is NEW above BASE with a p of at most this, by 20 pairs. */
static struct seen count_p(const struct cases *cases, double p)
{
	struct seen seen = {.of = cases->count};

	for (unsigned i = 0; i < cases->count; i++)
		seen.seen += paired_test(cases->item[i].base_ns, cases->item[i].new_ns,
				     PAIRS) <= p;
	return seen;
}

static bool has_slower(const struct measured *run, unsigned pairs)
{
	struct decided decided[RUN_CASES];
	bool any = false;

	decide_run(decided, run, RUN_CASES, pairs);
	for (unsigned i = 0; i < RUN_CASES; i++)
		any = any || decided[i].decision == GATE_SLOWER;
	return any;
}

/* Moves `wanted` of the cases, chosen by chance, to their begin. */
static void draw(struct cases *cases, unsigned wanted, struct rng *rng)
{
	for (unsigned i = 0; i < wanted; i++) {
		unsigned j = i + (unsigned)(rng_next(rng) * (cases->count - i));
		struct measured swapped = cases->item[i];

		cases->item[i] = cases->item[j];
		cases->item[j] = swapped;
	}
}

/* Runs none of which shares a case with another. */
static struct seen count_runs(struct cases *cases, unsigned pairs)
{
	struct seen seen = {.of = cases->count / RUN_CASES};
	struct rng rng;

	rng_seed(&rng, SEED);
	draw(cases, cases->count, &rng);
	for (unsigned i = 0; i < seen.of; i++)
		seen.seen += has_slower(cases->item + (size_t)i * RUN_CASES, pairs);
	return seen;
}

static struct seen count_drawn_runs(struct cases *cases, unsigned pairs, unsigned times)
{
	struct seen seen = {.of = cases->count < RUN_CASES ? 0 : times};
	struct rng rng;

	rng_seed(&rng, SEED);
	for (unsigned i = 0; i < seen.of; i++) {
		draw(cases, RUN_CASES, &rng);
		seen.seen += has_slower(cases->item, pairs);
	}
	return seen;
}

/* Each slowed case once, among others that are drawn. */
static struct seen count_missed_in_runs(
	const struct cases *slowed, struct cases *others)
{
	struct seen seen = {.of = others->count < RUN_CASES ? 0 : slowed->count};
	struct decided decided[RUN_CASES];
	struct rng rng;

	rng_seed(&rng, SEED);
	for (unsigned i = 0; i < seen.of; i++) {
		struct measured other;

		draw(others, RUN_CASES, &rng);
		other = others->item[0];
		others->item[0] = slowed->item[i];
		decide_run(decided, others->item, RUN_CASES, PAIRS);
		others->item[0] = other;
		seen.seen += decided[0].decision != GATE_SLOWER;
	}
	return seen;
}

/* The same by looks, among others without times: those that are unchanged do not help. */
static struct seen count_missed_by_looks(const struct cases *slowed)
{
	struct seen seen = {.of = slowed->count};
	struct measured run[RUN_CASES] = {0};
	struct decided decided[RUN_CASES];

	for (unsigned i = 0; i < seen.of; i++) {
		run[0] = slowed->item[i];
		decide_run(decided, run, RUN_CASES, 0);
		seen.seen += decided[0].decision != GATE_SLOWER;
	}
	return seen;
}

struct seen count_row(
	const struct times *times, const struct row *row, const struct column *column)
{
	unsigned taken = !row->pairs ? GATE_LOOK_LAST
		: row->pairs < PAIRS ? PAIRS
				     : row->pairs;
	bool slowed = row->kind == ROW_MISSED || row->kind == ROW_CALLED_SAME ||
		row->kind == ROW_MISSED_IN_RUNS;
	SCOPED(cases_done)
	struct cases cases = take_cases(times, column, slowed, taken);
	SCOPED(cases_done)
	struct cases others = take_cases(times, column, false, taken);

	switch (row->kind) {
	case ROW_P:
		return count_p(&cases, row->p);
	case ROW_SLOWER:
		return count_alone(&cases, row->pairs, GATE_SLOWER, false);
	case ROW_FASTER:
		return count_alone(&cases, row->pairs, GATE_FASTER, false);
	case ROW_RUNS:
		return count_runs(&cases, row->pairs);
	case ROW_DRAWN_RUNS:
		return count_drawn_runs(
			&cases, row->pairs, row->pairs ? DRAWN_RUNS : DRAWN_LOOKS);
	case ROW_MISSED:
		return count_alone(&cases, row->pairs, GATE_SLOWER, true);
	case ROW_CALLED_SAME:
		return count_alone(&cases, row->pairs, GATE_SAME, false);
	case ROW_MISSED_IN_RUNS:
		return row->pairs ? count_missed_in_runs(&cases, &others)
				  : count_missed_by_looks(&cases);
	}
	return (struct seen){0};
}

static double stop_ms_of(const struct block *block)
{
	struct sample base;
	double median;

	sample_init(&base, block->base_ns, BLOCK_PAIRS);
	median = sample_median(&base) / 1e6;
	sample_done(&base);
	return median;
}

static double pairs_of(const struct block *block)
{
	struct measured measured = {block->base_ns, block->new_ns};
	struct decided decided;

	decide_run(&decided, &measured, 1, 0);
	return decided.pairs;
}

static double measure_of(const struct block *block, enum measure measure)
{
	switch (measure) {
	case MEASURE_STOP_MS:
		return stop_ms_of(block);
	case MEASURE_NOISE:
		return noise_of(block);
	case MEASURE_LOAD:
		return block->load;
	case MEASURE_PAIRS_SAME:
		return block->slowed ? NAN : pairs_of(block);
	case MEASURE_PAIRS_SLOWED:
		return block->slowed ? pairs_of(block) : NAN;
	}
	return NAN;
}

double median_of(
	const struct times *times, const struct column *column, enum measure measure)
{
	double *values = mem_zeroed((times->count + 1) * sizeof *values), median;
	struct sample all;
	unsigned count = 0;

	for (unsigned i = 0; i < times->count; i++) {
		double value = fits(&times->blocks[i], column)
			? measure_of(&times->blocks[i], measure)
			: NAN;

		if (!isnan(value))
			values[count++] = value;
	}
	sample_take(&all, values, count);
	median = sample_median(&all);
	sample_done(&all);
	return median;
}
