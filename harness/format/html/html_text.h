/*
 * html_text - texts of any origin on a page, and times in it.
 */
#ifndef HARNESS_FORMAT_HTML_HTML_TEXT_H
#define HARNESS_FORMAT_HTML_HTML_TEXT_H

#include <stdint.h>

#include "lib/buf.h"

/* Adds text as text, within elements and quoted attributes: nothing in it is markup, no
 * byte is invalid, and no character turns the writing direction. NULL adds nothing. */
void html_add(struct buf *page, const char *text);

/* Constant markup with texts in it: each %s is escaped as above. Of the others there are
 * %d, %u, %f (with two decimals) and %%, without flags. */
void html_addf(struct buf *page, const char *format, ...) PRINTF(2, 3);

/* "+51.9 ms" from the signal, all with one decimal, so that they stand below each
 * other. */
void html_add_moment(struct buf *page, int64_t ns);

/* "51.9 ms", the same without a sign. */
void html_add_duration(struct buf *page, int64_t ns);

/* Where a time stands on an axis, in percent. */
struct html_axis {
	int64_t from_ns, to_ns;
};

double html_percent(const struct html_axis *axis, int64_t ns);

#endif
