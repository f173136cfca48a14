/*
 * event_names - the events of docs/events.md, for which stop.when can wait.
 *
 * Another service may log events of its own, so an unknown name is accepted unless it
 * is near a known one.
 */
#ifndef HARNESS_SCENARIO_EVENT_NAMES_H
#define HARNESS_SCENARIO_EVENT_NAMES_H

/* "sessions.ready" and "exit", which are not events, come first. NULL-terminated. */
extern const char *const event_names[];

#endif
