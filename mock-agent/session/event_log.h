/*
 * event_log - the last EVENT_LOG_MAX events of a session, in order.
 *
 * A zeroed log is a valid empty one.
 */
#ifndef MOCK_AGENT_SESSION_EVENT_LOG_H
#define MOCK_AGENT_SESSION_EVENT_LOG_H

#include <stddef.h>
#include <stdint.h>

#define EVENT_LOG_MAX 2000

struct event_log_entry {
	int64_t number;     /* from 1, without gaps */
	int64_t created_ns; /* since 1970, in whole ms, as the API writes times */
	char *type;
	char *json;
};

struct event_log {
	struct event_log_entry *entries;
	size_t count;
	size_t room;
	int64_t last; /* number */
};

/* Copies type, takes json. Drops the oldest ones when full. */
void event_log_add(struct event_log *log, const char *type, char *json);
void event_log_done(struct event_log *log);

#endif
