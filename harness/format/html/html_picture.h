/*
 * html_picture - the lanes of one stop as a drawing: a row for each lane, bars and marks
 * in percent of one time axis, the grace and the target as labelled lines, and the
 * critical chain across the lanes. It stands without script and at any width.
 */
#ifndef HARNESS_FORMAT_HTML_HTML_PICTURE_H
#define HARNESS_FORMAT_HTML_HTML_PICTURE_H

#include <cjson/cJSON.h>

#include "lib/buf.h"

/* `round` has a "picture" with lanes. */
void html_picture_add(struct buf *page, const cJSON *round);

#endif
