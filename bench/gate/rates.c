#include "bench/gate/rates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/gate/decisions.h"
#include "harness/stats/proportion.h"
#include "harness/stats/sample.h"
#include "lib/cc.h"
#include "lib/mem.h"
#include "lib/rng.h"

#define DRAWN_RUNS   1000 /* that are drawn from the comparisons */
#define DRAWN_LOOKS  100  /* the same, of runs that add pairs */
#define SEED         8
#define CONFIDENCE   0.95
#define TOLERANCE_NS 5e6 /* of stops below 100 ms */

/* What is measured, by the machine's state. */
enum column {
	COLUMN_QUIET,
	COLUMN_LOADED,
	COLUMN_ALL,
	COLUMNS,
};

/* Cases of one column, all slowed or none. */
struct cases {
	struct measured *item;
	unsigned count;
	double *base_ns, *new_ns; /* of all of them */
};

struct seen {
	unsigned seen, of;
};

static void cases_done(struct cases *cases)
{
	free(cases->item);
	free(cases->base_ns);
	free(cases->new_ns);
}

/* Adds all pairs of the blocks of a kind, in cases of so many pairs. */
static void add_cases(struct cases *cases, const struct times *times, bool loaded,
	bool slowed, unsigned pairs)
{
	double *base_ns = cases->base_ns + (size_t)cases->count * pairs;
	double *new_ns = cases->new_ns + (size_t)cases->count * pairs;
	unsigned added = 0;

	for (unsigned i = 0; i < times->count; i++) {
		const struct block *block = &times->blocks[i];

		if (block->slowed != slowed || block->loaded != loaded)
			continue;
		memcpy(base_ns + added, block->base_ns, sizeof block->base_ns);
		memcpy(new_ns + added, block->new_ns, sizeof block->new_ns);
		added += BLOCK_PAIRS;
	}
	for (unsigned from = 0; from + pairs <= added; from += pairs)
		cases->item[cases->count++] =
			(struct measured){base_ns + from, new_ns + from};
}

static struct cases take_cases(
	const struct times *times, enum column column, bool slowed, unsigned pairs)
{
	size_t most = (size_t)(times->count + 1) * BLOCK_PAIRS;
	struct cases cases = {
		.item = mem_zeroed(most * sizeof *cases.item),
		.base_ns = mem_zeroed(most * sizeof *cases.base_ns),
		.new_ns = mem_zeroed(most * sizeof *cases.new_ns),
	};

	if (column != COLUMN_LOADED)
		add_cases(&cases, times, false, slowed, pairs);
	if (column != COLUMN_QUIET)
		add_cases(&cases, times, true, slowed, pairs);
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
	const struct cases *slowed, struct cases *others, unsigned pairs)
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
		decide_run(decided, others->item, RUN_CASES, pairs);
		others->item[0] = other;
		seen.seen += decided[0].decision != GATE_SLOWER;
	}
	return seen;
}

static void print_label(const char *label)
{
	printf("  %-34s", label);
}

static void print_number(double number, const char *unit)
{
	char text[32] = "-";

	if (!isnan(number))
		snprintf(text, sizeof text, "%.2f%s", number, unit);
	printf(" %24s", text);
}

static void print_seen(struct seen seen, bool independent)
{
	char text[64] = "-";

	if (seen.of > 0 && independent)
		snprintf(text, sizeof text, "%u of %u (< %.2f %%)", seen.seen, seen.of,
			100 * proportion_upper(seen.seen, seen.of, CONFIDENCE));
	else if (seen.of > 0)
		snprintf(text, sizeof text, "%u of %u", seen.seen, seen.of);
	printf(" %24s", text);
}

static void print_end(struct seen all, double at_most)
{
	if (at_most > 0)
		printf(" [at most %g %%]%s", 100 * at_most,
			all.seen > at_most * all.of ? " <-- MISSED" : "");
	putchar('\n');
	fflush(stdout);
}

enum noise {
	NOISE_STOP,
	NOISE_SPREAD,
	NOISE_LOAD,
};

static double noise_of(const struct times *times, enum column column, enum noise noise)
{
	double *values = mem_zeroed((times->count + 1) * sizeof *values), median;
	struct sample all;
	unsigned count = 0;

	for (unsigned i = 0; i < times->count; i++) {
		const struct block *block = &times->blocks[i];
		struct sample base;

		if (column != COLUMN_ALL && block->loaded != (column == COLUMN_LOADED))
			continue;
		sample_init(&base, block->base_ns, BLOCK_PAIRS);
		values[count++] = noise == NOISE_STOP ? sample_median(&base) / 1e6
			: noise == NOISE_SPREAD ? sample_spread(&base) / TOLERANCE_NS
						: block->load;
		sample_done(&base);
	}
	sample_take(&all, values, count);
	median = sample_median(&all);
	sample_done(&all);
	return median;
}

static void print_noise(const struct times *times)
{
	static const struct {
		const char *label, *unit;
	} rows[] = {
		[NOISE_STOP] = {"the stop of BASE, median", " ms"},
		[NOISE_SPREAD] = {"its spread / the tolerance, median", ""},
		[NOISE_LOAD] = {"load average, median", ""},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		print_label(rows[i].label);
		for (enum column column = 0; column < COLUMNS; column++)
			print_number(noise_of(times, column, i), rows[i].unit);
		putchar('\n');
	}
}

/* How a row counts one column. */
struct row {
	const char *label;
	unsigned pairs; /* 0: looks */
	double at_most;
	enum {
		ROW_SLOWER,
		ROW_FASTER,
		ROW_RUNS,
		ROW_DRAWN_RUNS,
		ROW_MISSED,
		ROW_MISSED_IN_RUNS,
	} kind;
};

static struct seen count_row(
	const struct times *times, const struct row *row, enum column column)
{
	unsigned taken = !row->pairs ? GATE_LOOK_LAST
		: row->pairs < PAIRS ? PAIRS
				     : row->pairs;
	bool missed = row->kind == ROW_MISSED || row->kind == ROW_MISSED_IN_RUNS;
	SCOPED(cases_done)
	struct cases cases = take_cases(times, column, missed, taken);
	SCOPED(cases_done)
	struct cases others = take_cases(times, column, false, taken);

	switch (row->kind) {
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
	case ROW_MISSED_IN_RUNS:
		return count_missed_in_runs(&cases, &others, row->pairs);
	}
	return (struct seen){0};
}

static void print_rows(const struct times *times, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct seen seen = {0};

		print_label(rows[i].label);
		for (enum column column = 0; column < COLUMNS; column++) {
			seen = count_row(times, &rows[i], column);
			print_seen(seen, rows[i].kind != ROW_DRAWN_RUNS);
			fflush(stdout);
		}
		print_end(seen, rows[i].at_most);
	}
}

static double median_pairs(const struct times *times, enum column column, bool slowed)
{
	SCOPED(cases_done)
	struct cases cases = take_cases(times, column, slowed, BLOCK_PAIRS);
	double *pairs = mem_zeroed((cases.count + 1) * sizeof *pairs), median;
	struct sample sample;

	for (unsigned i = 0; i < cases.count; i++) {
		struct decided decided;

		decide_run(&decided, &cases.item[i], 1, 0);
		pairs[i] = decided.pairs;
	}
	sample_take(&sample, pairs, cases.count);
	median = sample_median(&sample);
	sample_done(&sample);
	return median;
}

static void print_pairs(const struct times *times, bool slowed)
{
	print_label("pairs used where added, median");
	for (enum column column = 0; column < COLUMNS; column++)
		print_number(median_pairs(times, column, slowed), "");
	putchar('\n');
}

static const struct row unchanged[] = {
	{"slower, by 20 pairs", 20, 0.001, ROW_SLOWER},
	{"faster, by 20 pairs", 20, 0.001, ROW_FASTER},
	{"slower, pairs added", 0, 0.001, ROW_SLOWER},
	{"slower in a run of 120, 20 pairs", 20, 0.01, ROW_RUNS},
	{"such runs, drawn again and again", 20, 0.01, ROW_DRAWN_RUNS},
	{"such runs, pairs added", 0, 0.01, ROW_DRAWN_RUNS},
};

static const struct row slowed[] = {
	{"by 8 pairs, too few for any proof", 8, 0, ROW_MISSED},
	{"by 12 pairs", 12, 0, ROW_MISSED},
	{"by 16 pairs", 16, 0, ROW_MISSED},
	{"by 20 pairs", 20, 0.01, ROW_MISSED},
	{"by 40 pairs", 40, 0, ROW_MISSED},
	{"by 80 pairs", 80, 0, ROW_MISSED},
	{"by 120 pairs", 120, 0, ROW_MISSED},
	{"pairs added", 0, 0, ROW_MISSED},
	{"in a run of 120, by 20 pairs", 20, 0.01, ROW_MISSED_IN_RUNS},
	{"in a run of 120, pairs added", 0, 0, ROW_MISSED_IN_RUNS},
};

void rates_print(const struct times *times)
{
	printf("%s\n\ngate: how often it is wrong, on real stops\n"
	       "In brackets what the rate is below, with a confidence of 95 %% (Clopper and "
	       "Pearson).\nRuns that are drawn share cases, so there is none for them.\n\n",
		times->host);
	printf("  %-34s %24s %24s %24s\n", "", "quiet", "loaded", "all");
	print_noise(times);
	puts("unchanged, told");
	print_rows(times, unchanged, COUNT(unchanged));
	print_pairs(times, false);
	puts("slowed by the tolerance, missed");
	print_rows(times, slowed, COUNT(slowed));
	print_pairs(times, true);
}
