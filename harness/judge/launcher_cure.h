/*
 * launcher_cure - the cure of a shell or launcher as PID 1 (W3), with the line that a
 * user has to write: it is made of the command lines of this launcher and its program.
 */
#ifndef HARNESS_JUDGE_LAUNCHER_CURE_H
#define HARNESS_JUDGE_LAUNCHER_CURE_H

#include "harness/engine/snapshot.h"

/* Gives the caller a string to free(); NULL: the command line of the program behind the
 * launcher is not known, and the diagnosis' own cure is what can be said. */
char *launcher_cure(const struct snapshot *snapshot, int signal_number) MUST_CHECK;

#endif
