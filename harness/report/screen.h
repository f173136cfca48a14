/*
 * screen - what a stream ends on: how wide it is, whether it has colours, and which
 * characters it can show.
 */
#ifndef HARNESS_REPORT_SCREEN_H
#define HARNESS_REPORT_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

struct screen {
	bool live;      /* a line on it can be drawn again: a terminal, not TERM=dumb */
	bool colours;   /* live, and NO_COLOR is not set */
	bool utf8;      /* by the locale */
	unsigned width; /* columns; 0: no end (a file, a pipe) */
};

struct screen screen_of(FILE *out);

/* The text as one line of at most `width` columns (0: no end), for the caller to free().
 * What has no width of its own (line ends, escape sequences of somebody's log) becomes a
 * blank, and what is too long ends in an ellipsis. */
char *screen_fit(const struct screen *screen, const char *text, unsigned width);

/* How many columns the text takes; it has been through screen_fit(). */
unsigned screen_columns(const char *text);

/* Prints the text as a paragraph, its lines broken between words and indented. */
void screen_paragraph(
	const struct screen *screen, FILE *out, unsigned indent, const char *text);

/* Escape sequences, "" without colours. */
const char *screen_red(const struct screen *screen);
const char *screen_green(const struct screen *screen);
const char *screen_yellow(const struct screen *screen);
const char *screen_plain(const struct screen *screen);

#endif
