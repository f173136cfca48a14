/*
 * printout - what is printed: a heading per part, a row per figure.
 *
 * A figure stands beside what it is compared with and its target. A target that is
 * missed is marked and counted, and is no failure: a benchmark measures.
 */
#ifndef BENCH_PRINTOUT_H
#define BENCH_PRINTOUT_H

#include <stdbool.h>

#include "bench/samples.h"
#include "lib/cc.h"

struct printout {
	unsigned missed;
};

struct printout_row {
	const char *what; /* "200 sessions, D = 1s" */
	double figure;
	double least, most; /* its spread; both 0: none */
	const char *spec;   /* "x D", "ms" */
	int digits;         /* behind the point */
	double at_most;     /* target for the figure without its sign; 0: none */
	double at_least;    /* target; 0: none */
	const char *note;   /* printed last, or NULL */
};

/* A row whose figure is the median of the samples. */
struct printout_row printout_row_of(const char *what, const struct samples *samples,
	const char *spec, int digits) MUST_CHECK;

/* What it is measured on, and how busy that is before we begin. */
void printout_machine(void);

/* `text` says what is measured and against what, in whole lines. */
void printout_head(const char *title, const char *text);
void printout_row(struct printout *printout, const struct printout_row *row);

/* A part, or a row of it, that cannot be measured here, and why. */
void printout_skip(const char *what, const char *why);

/* How many targets were missed. */
void printout_end(const struct printout *printout);

#endif
