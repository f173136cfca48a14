/*
 * live_area - the last lines of a terminal, drawn again and again where they stand.
 *
 * What stays is printed above them. Nothing of them is left when they are wiped, when
 * the terminal is resized in between, or when the program crashes.
 */
#ifndef HARNESS_REPORT_LIVE_AREA_H
#define HARNESS_REPORT_LIVE_AREA_H

#include <stdio.h>

#include "lib/cc.h"
#include "lib/strlist.h"

struct live_area;

/* Keeps out, a terminal. There is one area in a process. */
struct live_area *live_area_create(FILE *out) MUST_CHECK;
void live_area_destroy(struct live_area *area); /* wipes; accepts NULL */

/* One write: `above`, whole lines that stay, or "", and below them the lines of the
 * area, in place of those that stood there. Each has to be narrower than the terminal,
 * by terminal_fit(). NULL: no lines. */
void live_area_draw(
	struct live_area *area, const char *above, const struct strlist *lines);

#endif
