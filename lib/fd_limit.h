/*
 * fd_limit - how many descriptors (files, connections) the program may open.
 */
#ifndef LIB_FD_LIMIT_H
#define LIB_FD_LIMIT_H

#include "lib/err.h"

#define FD_LIMIT_LEAST 32 /* libuv aborts where it cannot open what it needs */

/* Raises the soft limit, 1,024 on most systems, to the hard one: a thousand sessions
 * are several thousand descriptors. Gives the limit that holds then; 0, with the
 * reason: it is less than FD_LIMIT_LEAST, and the program should not go on. */
unsigned fd_limit_raise(struct err *err) MUST_CHECK;

#endif
