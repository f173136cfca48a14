/*
 * terminal - the terminal that a stream writes to: its width, its colors, and the
 * characters that it shows.
 */
#ifndef LIB_TERMINAL_H
#define LIB_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/cc.h"

struct terminal {
	bool live;      /* a line on it can be drawn again: a terminal, not TERM=dumb */
	bool colors;    /* live, and NO_COLOR is not set */
	bool utf8;      /* by the locale */
	unsigned width; /* columns; 0: no end (a file, a pipe) */
	unsigned height; /* rows; 0: as width */
	/* Escape sequences, "" without colors. */
	const char *red, *green, *yellow, *plain;
};

struct terminal terminal_of(FILE *out);

/* The text as one line of at most `width` columns (0: no end), for the caller to
 * free(). The text is made inert (utf8.h); what the locale has no width for becomes a
 * blank, and what is too long ends in an ellipsis. */
char *terminal_fit(const struct terminal *terminal, const char *text, unsigned width);

/* Prints the text with what a terminal would act on made inert (utf8.h); line ends and
 * tabs stay. */
void terminal_print(FILE *out, const char *format, ...) PRINTF(2, 3);

/* How many columns the text takes; it has been through terminal_fit(). */
unsigned terminal_columns(const char *text);

/* Prints the text as a paragraph, its lines broken between words and indented. */
void terminal_paragraph(
	const struct terminal *terminal, FILE *out, unsigned indent, const char *text);

/* The same with a label, which begins two columns in, in front of its first line. */
void terminal_item(const struct terminal *terminal, FILE *out, unsigned indent,
	const char *label, const char *text);

/* The same; the first line begins with `first`, the others with `rest`. */
void terminal_fold(const struct terminal *terminal, FILE *out, const char *first,
	const char *rest, const char *text);

#endif
