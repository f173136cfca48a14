/*
 * progress - what the run is doing, on stderr: one line that is redrawn on a terminal,
 * a plain line per case elsewhere (CI, pipes, TERM=dumb).
 */
#ifndef HARNESS_REPORT_PROGRESS_H
#define HARNESS_REPORT_PROGRESS_H

#include <stdbool.h>

struct progress;

struct progress *progress_create(unsigned cases);
void progress_destroy(struct progress *progress); /* accepts NULL */

void progress_case(struct progress *progress, unsigned number, const char *title);
void progress_step(struct progress *progress, const char *what);
/* The case is over: its line stays. `line` is one line of text. */
void progress_over(struct progress *progress, bool met, const char *line);
/* A line for people that must not be overdrawn. */
void progress_say(struct progress *progress, const char *line);

#endif
