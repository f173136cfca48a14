/*
 * replay_log - the latest events of a session's streams, for a client that lost one of
 * them and comes back with the id of the last event that it got.
 *
 * It keeps at most REPLAY_LOG_MAX bytes, and all logs together what their total allows:
 * the oldest events are forgotten, and too large ones are not kept at all.
 */
#ifndef MOCK_MCP_HTTP_REPLAY_LOG_H
#define MOCK_MCP_HTTP_REPLAY_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/cc.h"

#define REPLAY_LOG_MAX ((size_t)1 << 20)

struct replay_log {
	struct replay_event *first;
	size_t size;
	size_t *total; /* of all logs */
	size_t total_most;
};

struct replay_event {
	struct replay_event *prev, *next;
	unsigned stream, number; /* the number counts from 0 within the stream */
	char *message;           /* NULL: the stream's first event, which has no data */
};

/* Borrows message, which may be NULL. */
void replay_log_add(
	struct replay_log *log, unsigned stream, unsigned number, const char *message);
void replay_log_clear(struct replay_log *log);

/* The next event of the stream behind number; NULL: none. */
const struct replay_event *replay_log_next(
	const struct replay_log *log, unsigned stream, unsigned number);
/* Reports whether this event is known. */
bool replay_log_has(const struct replay_log *log, unsigned stream, unsigned number);

#endif
