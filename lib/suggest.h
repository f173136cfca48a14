/*
 * suggest - which of the known names was probably meant.
 */
#ifndef LIB_SUGGEST_H
#define LIB_SUGGEST_H

#include <stddef.h>

/* The name with the smallest edit distance (Damerau-Levenshtein, adjacent letters
 * swapped count one), NULL when none is within a third of the word's length, at
 * least 1. Borrowed from names. */
const char *suggest_name(const char *word, const char *const *names, size_t count);

#endif
