/*
 * printout - the printed result: a heading for each part, a row for each figure.
 *
 * A figure stands beside what it is compared with and its target. A missed target is
 * marked and counted but is no failure: a benchmark measures.
 */
#ifndef BENCH_PRINTOUT_H
#define BENCH_PRINTOUT_H

#include <stdbool.h>

#include "bench/samples.h"

struct printout {
	unsigned missed; /* targets */
};

struct printout_row {
	const char *what;              /* "200 sessions, D = 1s" */
	const struct samples *samples; /* prints their median, and their range */
	const struct samples *over; /* divides the median by that of these, or NULL */
	const char *unit;           /* "x D", "ms" */
	int digits;                 /* after the point */
	double at_most;             /* target; 0: none */
	bool either_way;            /* it is for the figure without its sign */
	double at_least;            /* target; 0: none */
	const char *note;           /* printed last, or NULL */
};

/* The machine, and how busy it is before the benchmark begins. */
void printout_machine(void);

/* `text` says what is measured and against what, in whole lines. */
void printout_head(const char *title, const char *text);
void printout_row(struct printout *printout, const struct printout_row *row);

/* A part or row that cannot be measured on this machine, and why. */
void printout_skip(const char *what, const char *why);

/* How many targets were missed. */
void printout_end(const struct printout *printout);

#endif
