/*
 * utf8 - characters of a UTF-8 text.
 *
 * Not UTF-8 is what is cut short, longer than need be, half a surrogate pair, or past
 * U+10FFFF. Text of unknown origin (a log, a name, a line that was cut) passes through
 * utf8_mend() before it becomes JSON or is shown.
 */
#ifndef LIB_UTF8_H
#define LIB_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cc.h"

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* The length in bytes of the character that begins the `left` bytes at `at`; 0: it is
 * not UTF-8. A NUL ends every longer character, so in a string `left` may be SIZE_MAX.
 * The code point goes into *point, unless that is NULL. */
size_t utf8_decode(uint32_t *point, const char *at, size_t left);

/* False for what a terminal or viewer acts on instead of showing it: controls (C0, DEL,
 * C1), separators of lines and paragraphs, and controls of the writing direction. */
bool utf8_is_inert(uint32_t point);

/* Every byte that is not part of a character becomes U+FFFD. What is not inert is
 * replaced as well: a character that separates words or lines by a blank, any other by
 * U+FFFD. The characters of `kept` stay: "\n\t" for a text of several lines, "" for one
 * line; NULL: every character stays. Gives a string to free(). */
char *utf8_mend(const char *text, const char *kept) MUST_CHECK;

#endif
