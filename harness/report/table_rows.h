/*
 * table_rows - the text of a table: a row for the rounds of one case and half, and the
 * lines in which rows are drawn. A case by itself is one line; the cases of a matrix
 * hang below a line with the scenario's id, one level for each axis. A twin hangs below
 * its main half.
 */
#ifndef HARNESS_REPORT_TABLE_ROWS_H
#define HARNESS_REPORT_TABLE_ROWS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/strlist.h"

enum column {
	COLUMN_RELEASED, /* "3 of 3": sessions that were disconnected */
	COLUMN_EXIT,
	COLUMN_STOP,    /* the median of the rounds; "> 2.00s" where it was killed */
	COLUMN_RANGE,   /* of the rounds, "2.01..2.04s"; empty for one */
	COLUMN_MARGIN,  /* the smallest; "-" where it was killed */
	COLUMN_VERDICT, /* the worst */
	COLUMN_EXPECTATIONS, /* "met", "NOT MET 1 of 3", "NOT RUN", "known failure" */
	COLUMNS,
};

struct table_row {
	const cJSON **rounds; /* borrowed from the results */
	unsigned count;
	const cJSON *worst; /* of the rounds: the row tells of this one */
	bool met, not_run;
	bool regressed; /* each round is as expected, and the case worse than BASE's */
	const char
		*known; /* why its failure is known: then it counts as met; or NULL */
	char *cells[COLUMNS]; /* none is NULL */
	char *id;             /* what `why` begins with: "H2"; "" when it has none */
	char *why; /* "H2 sequential teardown: ...", or the verdict's reason, or "" */
	struct strlist unmet; /* "verdict: wanted clean, seen killed: ..." */
};

struct table_line {
	char *label;                 /* "history/10-matrix", "sessions=3", "twin" */
	unsigned depth;              /* 0: hangs below no other line */
	const struct table_row *row; /* NULL: the heading of the lines below it */
};

struct table_rows {
	struct table_row *list; /* in the order of the results */
	unsigned count;
	struct table_line *lines; /* in the order in which they are drawn */
	unsigned line_count;
	bool twins; /* a line has the label "twin" */
};

/* Borrows results until table_rows_done(). */
void table_rows_fold(struct table_rows *rows, const cJSON *results);
void table_rows_done(struct table_rows *rows);

#endif
