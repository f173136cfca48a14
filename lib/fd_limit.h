/*
 * fd_limit - as many open files and connections as the system lets us have.
 */
#ifndef LIB_FD_LIMIT_H
#define LIB_FD_LIMIT_H

/* Raises the soft limit, 1,024 on most systems, to the hard one: a thousand sessions are
 * several thousand descriptors. Gives the limit that holds then, 0 when it is not known. */
unsigned fd_limit_raise(void);

#endif
