/*
 * signals - their names and numbers, as people and Docker write them.
 */
#ifndef LIB_SIGNALS_H
#define LIB_SIGNALS_H

/* "SIGTERM", "TERM", "15" or "SIGRTMIN+3"; 0 when there is no such signal. */
int signal_number(const char *name);

/* "SIGTERM", "SIGRTMIN+3", "signal 32" for one without a name, in text, which is given back. */
#define SIGNAL_TEXT_SIZE 16
const char *signal_name(int number, char text[SIGNAL_TEXT_SIZE]);

/* A write to a pipe or socket that its reader has closed becomes an error, for the whole
 * process; a handler of SIGPIPE that is there already stays. A child that is executed
 * later starts with the default (see child.h). */
void signals_ignore_sigpipe(void);

#endif
