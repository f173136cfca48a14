/*
 * sigpipe - writing to somebody who has left is an error, not a death.
 */
#ifndef LIB_SIGPIPE_H
#define LIB_SIGPIPE_H

/* Ignores SIGPIPE for the whole process, unless somebody handles it already. A program
 * that is executed later still starts with the default (see child.h). */
void sigpipe_ignore(void);

#endif
