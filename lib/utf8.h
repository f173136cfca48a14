/*
 * utf8 - text of unknown origin (somebody's log, a line that was cut) made fit for JSON.
 */
#ifndef LIB_UTF8_H
#define LIB_UTF8_H

#include "lib/cc.h"

/* Every byte that is not part of a UTF-8 character becomes U+FFFD; to free(). */
char *utf8_repair(const char *text) MUST_CHECK;

#endif
