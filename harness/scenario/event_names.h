/*
 * event_names - the events of docs/events.md, for which stop.when can wait. Another service
 * may log events of its own, so an unknown name is accepted unless it is near a known one.
 */
#ifndef HARNESS_SCENARIO_EVENT_NAMES_H
#define HARNESS_SCENARIO_EVENT_NAMES_H

#include <stddef.h>

#define EVENT_NAMES_MAX 64

/* "sessions.ready" and "exit", which are not events, come first. NULL-terminated. */
extern const char *const event_names[EVENT_NAMES_MAX];
size_t event_names_count(void);

#endif
