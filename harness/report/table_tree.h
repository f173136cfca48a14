/*
 * table_tree - the rows of a table in the order of their drawing: a case by itself, the cases
 * of a matrix below its name, a level for each axis.
 */
#ifndef HARNESS_REPORT_TABLE_TREE_H
#define HARNESS_REPORT_TABLE_TREE_H

#include "harness/report/table_row.h"

struct branch {
	char *label;                 /* "history/10-matrix", "sessions=3" */
	const struct table_row *row; /* NULL: a name for what is below it */
	unsigned depth;
	struct branch *parent, *first, *last, *next;
};

/* The invisible root of what is drawn. Keeps rows, all of one results; to be given to
 * tree_free(). */
struct branch *tree_grow(const struct rows *rows);
void tree_free(struct branch *root);

/* The one that is drawn behind this one; NULL behind the last. Begin with the root. */
struct branch *tree_next(const struct branch *branch);

#endif
