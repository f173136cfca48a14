/*
 * err - why a call failed, told by everybody who was on the way.
 *
 * The place that fails names the thing; each caller adds in front what it was
 * doing; only main and callbacks print. All three calls return false, so that
 * a function that fails says so in one line: return err_set(err, "...").
 */
#ifndef LIB_ERR_H
#define LIB_ERR_H

#include <stdbool.h>

#include "lib/cc.h"

/* Holds at most sizeof text - 1 bytes; what is longer is cut at the end. */
struct err {
	char text[1024];
};

bool err_set(struct err *err, const char *format, ...) PRINTF(2, 3);

/* As err_set(), followed by ": " and the words for errno. */
bool err_sys(struct err *err, const char *format, ...) PRINTF(2, 3);

/* Puts "what it was doing: " in front of what the err already says. */
bool err_while(struct err *err, const char *format, ...) PRINTF(2, 3);

#endif
