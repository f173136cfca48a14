/*
 * suggest - which of the known names a misspelled one probably stands for.
 */
#ifndef LIB_SUGGEST_H
#define LIB_SUGGEST_H

#include <stddef.h>

#include "lib/cc.h"

/* The name with the smallest edit distance (Damerau-Levenshtein, adjacent letters
 * swapped count one), NULL when none is within a third of the word's length, at
 * least 1. Borrowed from names. */
const char *suggest_name(const char *word, const char *const *names, size_t count);

/* The end of an error about word, which is none of names: `; did you mean "grace"?`,
 * or `; there are: grace, when`, or "" where both would say too much. Gives the caller
 * a string to free(). */
char *suggest_hint(const char *word, const char *const *names, size_t count) MUST_CHECK;

#endif
