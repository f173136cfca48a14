/*
 * html_curve - how the stop time grows with an axis of a matrix that is a number: a point
 * for each round, the fitted line, whether the work is serial or parallel, and the largest
 * N that survives the grace.
 */
#ifndef HARNESS_FORMAT_HTML_HTML_CURVE_H
#define HARNESS_FORMAT_HTML_HTML_CURVE_H

#include <cjson/cJSON.h>

#include "lib/buf.h"

/* One curve for each group of cases that differ in one number alone, of at least three
 * values. Adds nothing where there is none. */
void html_curves_add(struct buf *page, const cJSON *results);

#endif
