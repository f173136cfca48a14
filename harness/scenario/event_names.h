/*
 * event_names - the names of docs/events.md, which stop.when can wait for. A program of
 * somebody else has names of its own: one that is not here is no mistake, one that is
 * nearly here is.
 */
#ifndef HARNESS_SCENARIO_EVENT_NAMES_H
#define HARNESS_SCENARIO_EVENT_NAMES_H

#include <stddef.h>

#define EVENT_NAMES_MAX 64

/* "sessions.ready" and "exit" first, which are no events; NULL-terminated. */
extern const char *const event_names[EVENT_NAMES_MAX];
size_t event_names_count(void);

#endif
