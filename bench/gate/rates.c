#include "bench/gate/rates.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "bench/gate/counts.h"
#include "harness/stats/proportion.h"
#include "lib/cc.h"

#define CONFIDENCE 0.95

static const struct column machine[] = {
	{"quiet", true, false, 0, 0},
	{"loaded", false, true, 0, 0},
	{"all", true, true, 0, 0},
};

static const struct column noises[] = {
	{"noise below 0.5", true, true, 0, 0.5},
	{"0.5 to 1", true, true, 0.5, 1},
	{"1 and more", true, true, 1, 1e9},
};

#define COLUMNS 3
static_assert(COUNT(machine) == COLUMNS && COUNT(noises) == COLUMNS, "of all tables");

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

static void print_median(const struct times *times, const char *label,
	enum measure measure, const char *unit)
{
	print_label(label);
	for (unsigned i = 0; i < COLUMNS; i++)
		print_number(median_of(times, &machine[i], measure), unit);
	putchar('\n');
}

static void print_rows(const struct times *times, const struct column *columns,
	const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct seen seen = {0};

		print_label(rows[i].label);
		for (unsigned j = 0; j < COLUMNS; j++) {
			seen = count_row(times, &rows[i], &columns[j]);
			print_seen(seen, rows[i].kind != ROW_DRAWN_RUNS);
			fflush(stdout);
		}
		print_end(seen, rows[i].at_most);
	}
}

static const struct row unchanged[] = {
	{"by chance: p at most 5 %, 20 pairs", 20, 0, 0.05, ROW_P},
	{"by chance: p at most 1 %, 20 pairs", 20, 0, 0.01, ROW_P},
	{"slower, by 20 pairs", 20, 0.001, 0, ROW_SLOWER},
	{"faster, by 20 pairs", 20, 0.001, 0, ROW_FASTER},
	{"slower, pairs added", 0, 0.001, 0, ROW_SLOWER},
	{"slower in a run of 120, 20 pairs", 20, 0.01, 0, ROW_RUNS},
	{"such runs, drawn again and again", 20, 0.01, 0, ROW_DRAWN_RUNS},
	{"such runs, pairs added", 0, 0.01, 0, ROW_DRAWN_RUNS},
};

static const struct row slowed[] = {
	{"by 8 pairs, too few for any proof", 8, 0, 0, ROW_MISSED},
	{"by 12 pairs", 12, 0, 0, ROW_MISSED},
	{"by 16 pairs", 16, 0, 0, ROW_MISSED},
	{"by 20 pairs", 20, 0.01, 0, ROW_MISSED},
	{"by 40 pairs", 40, 0, 0, ROW_MISSED},
	{"by 80 pairs", 80, 0, 0, ROW_MISSED},
	{"by 120 pairs", 120, 0, 0, ROW_MISSED},
	{"pairs added", 0, 0, 0, ROW_MISSED},
	{"and called the same, by 20 pairs", 20, 0, 0, ROW_CALLED_SAME},
	{"and called the same, pairs added", 0, 0, 0, ROW_CALLED_SAME},
	{"in a run of 120, by 20 pairs", 20, 0.01, 0, ROW_MISSED_IN_RUNS},
	{"in a run of 120, pairs added", 0, 0, 0, ROW_MISSED_IN_RUNS},
};

static const struct row slowed_by_noise[] = {
	{"by 12 pairs", 12, 0, 0, ROW_MISSED},
	{"by 16 pairs", 16, 0, 0, ROW_MISSED},
	{"by 20 pairs", 20, 0, 0, ROW_MISSED},
	{"by 40 pairs", 40, 0, 0, ROW_MISSED},
	{"by 80 pairs", 80, 0, 0, ROW_MISSED},
};

static void print_columns(const struct column *columns)
{
	print_label("");
	for (unsigned i = 0; i < COLUMNS; i++)
		printf(" %24s", columns[i].label);
	putchar('\n');
}

void rates_print(const struct times *times)
{
	printf("%s\n\ngate: how often it is wrong, on real stops\n"
	       "In brackets what the rate is below, with a confidence of 95 %% (Clopper and "
	       "Pearson).\nRuns that are drawn share cases, so there is none for them.\n\n",
		times->host);
	print_columns(machine);
	print_median(times, "the stop of BASE, median", MEASURE_STOP_MS, " ms");
	print_median(times, "noise: its spread / the tolerance", MEASURE_NOISE, "");
	print_median(times, "load average", MEASURE_LOAD, "");
	puts("unchanged, told to be");
	print_rows(times, machine, unchanged, COUNT(unchanged));
	print_median(times, "pairs used where added, median", MEASURE_PAIRS_SAME, "");
	puts("slowed by the tolerance, missed");
	print_rows(times, machine, slowed, COUNT(slowed));
	print_median(times, "pairs used where added, median", MEASURE_PAIRS_SLOWED, "");
	putchar('\n');
	print_columns(noises);
	puts("slowed by the tolerance, missed");
	print_rows(times, noises, slowed_by_noise, COUNT(slowed_by_noise));
}
