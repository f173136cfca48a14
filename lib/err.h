/*
 * err - why a call failed.
 *
 * The place that fails names the thing; each caller adds in front what it was doing;
 * only main and callbacks print. All three calls return false, so that a function fails
 * in one line: return err_set(err, "...").
 */
#ifndef LIB_ERR_H
#define LIB_ERR_H

#include <stdbool.h>

#include "lib/cc.h"

/* A text longer than sizeof text - 1 bytes is cut at its end. */
struct err {
	char text[1024];
};

bool err_set(struct err *err, const char *format, ...) PRINTF(2, 3);

/* As err_set(), followed by ": " and the text of errno. */
bool err_sys(struct err *err, const char *format, ...) PRINTF(2, 3);

/* Puts the formatted text and ": " in front of what err holds. */
bool err_while(struct err *err, const char *format, ...) PRINTF(2, 3);

#endif
