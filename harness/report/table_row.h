/*
 * table_row - the rounds of one case and half, folded into what a table says of them.
 */
#ifndef HARNESS_REPORT_TABLE_ROW_H
#define HARNESS_REPORT_TABLE_ROW_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/strlist.h"

enum column {
	COLUMN_HALF,
	COLUMN_SESSIONS, /* "3", "1/3" where not all of them were disconnected */
	COLUMN_EXIT,
	COLUMN_STOP,     /* the median of the rounds */
	COLUMN_RANGE,    /* of the rounds, "2.01..2.04s"; empty for one */
	COLUMN_MARGIN,   /* the smallest */
	COLUMN_VERDICT,  /* the worst */
	COLUMN_EXPECTED, /* "ok", "NOT MET 2/3", "NOT RUN" */
	COLUMN_WHY,      /* "H2 sequential teardown: ...", or the verdict's reason */
	COLUMNS,
};

struct table_row {
	const cJSON **rounds; /* borrowed from the results */
	unsigned count;
	bool met, not_run;
	char *cells[COLUMNS]; /* none is NULL */
	char *id; /* what COLUMN_WHY begins with: "H2"; "" when it has none */
	struct strlist unmet; /* "verdict: wanted clean, seen killed: ..." */
};

struct rows {
	struct table_row *list; /* in the order of the results */
	unsigned count;
};

/* Borrows results until rows_done(). */
void rows_fold(struct rows *rows, const cJSON *results);
void rows_done(struct rows *rows);

#endif
