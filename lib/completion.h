/*
 * completion - what may follow in a command line that is being typed, for shells.
 *
 * It comes from the argp table that reads the command line. A line for each word that
 * fits, with a tab and what it means behind it where that is known; or a line ":FILE",
 * the table's own name for an argument that the shell has to know: ":FILE", ":DIR",
 * ":CONTAINER".
 */
#ifndef LIB_COMPLETION_H
#define LIB_COMPLETION_H

#include <argp.h>
#include <stdio.h>

/* `words` are those behind the command's own name, up to the one that is being typed,
 * which is the last and may be empty. */
void completion_print(
	FILE *out, const struct argp *argp, int count, const char *const *words);

#endif
