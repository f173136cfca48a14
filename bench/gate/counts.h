/*
 * counts - in how many of the cases that were measured the gate decides what.
 */
#ifndef BENCH_GATE_COUNTS_H
#define BENCH_GATE_COUNTS_H

#include <stdbool.h>

#include "bench/gate/times.h"

/* What is counted together. */
struct column {
	const char *label;
	bool quiet, loaded;
	double noise_from, noise_to; /* of a block, in tolerances; to 0: any */
};

/* What is counted, as a row of a table. */
struct row {
	const char *label;
	unsigned pairs; /* 0: they are added until a case is settled */
	double at_most; /* target; 0: none */
	double p;       /* of ROW_P */
	enum {
		ROW_P, /* unchanged cases in which NEW is above BASE by this p */
		ROW_SLOWER,
		ROW_FASTER,
		ROW_RUNS, /* of RUN_CASES unchanged cases, with one that is told slower */
		ROW_DRAWN_RUNS,     /* the same, which share cases */
		ROW_MISSED,         /* slowed cases that are not told slower */
		ROW_CALLED_SAME,    /* slowed cases that are told to be the same */
		ROW_MISSED_IN_RUNS, /* the same, among unchanged ones */
	} kind;
};

struct seen {
	unsigned seen, of;
};

struct seen count_row(
	const struct times *times, const struct row *row, const struct column *column);

/* Medians over the blocks of the column, NAN without any. */
enum measure {
	MEASURE_STOP_MS, /* of BASE */
	MEASURE_NOISE,   /* the spread of these stops, in tolerances */
	MEASURE_LOAD,
	MEASURE_PAIRS_SAME, /* that are used where pairs are added */
	MEASURE_PAIRS_SLOWED,
};
double median_of(
	const struct times *times, const struct column *column, enum measure measure);

#endif
