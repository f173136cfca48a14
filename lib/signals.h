/*
 * signals - names and numbers of signals, and which of them reach the program.
 */
#ifndef LIB_SIGNALS_H
#define LIB_SIGNALS_H

#include <stdbool.h>

/* The number of "SIGTERM", "TERM", "15" or "SIGRTMIN+3"; 0: there is no such signal. */
int signal_number(const char *name);

#define SIGNAL_TEXT_SIZE 16
/* "SIGTERM", "SIGRTMIN+3", or "signal 32" for one without a name. Gives text. */
const char *signal_name(int number, char text[SIGNAL_TEXT_SIZE]);

/* Does a process that dies of it by its own doing count as crashed? SIGSEGV, SIGABRT,
 * SIGPIPE and the like. */
bool signal_is_crash(int number);

/* Is its default action to do nothing? SIGWINCH, SIGCHLD, SIGURG, SIGCONT: as PID 1 and
 * behind an init alike. */
bool signal_is_harmless(int number);

/* Sets the signal mask: exactly these are blocked. The list ends in 0; NULL: none is
 * blocked. Every program calls it first, because a program inherits the mask of whoever
 * started it: block the signals that stop it, start their handlers, unblock, and block
 * them again before the handlers are closed. */
void signals_block_only(const int *signals);

/* A write to a pipe or socket that its reader has closed becomes an error, for the
 * whole process; a handler of SIGPIPE that is there already stays. A child that is
 * executed later starts with the default (see child.h). */
void signals_ignore_sigpipe(void);

#endif
