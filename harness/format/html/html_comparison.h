/*
 * html_comparison - how a run compares with an earlier one, on a page: what became worse
 * first, each shift with its interval beside the tolerance.
 */
#ifndef HARNESS_FORMAT_HTML_HTML_COMPARISON_H
#define HARNESS_FORMAT_HTML_HTML_COMPARISON_H

#include <cjson/cJSON.h>

#include "lib/buf.h"

/* Adds nothing where `results` has no "comparison". */
void html_comparison_add(struct buf *page, const cJSON *results);

#endif
