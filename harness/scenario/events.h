/*
 * events - the names of docs/events.md, which stop.when can wait for. A program of
 * somebody else has names of its own: one that is not here is no mistake, one that is
 * nearly here is.
 */
#ifndef HARNESS_SCENARIO_EVENTS_H
#define HARNESS_SCENARIO_EVENTS_H

#include <stddef.h>

#define EVENTS_KNOWN_MAX 64

/* "sessions.ready" and "exit" first, which are no events; NULL-terminated. */
extern const char *const events_known[EVENTS_KNOWN_MAX];
size_t events_count(void);

#endif
