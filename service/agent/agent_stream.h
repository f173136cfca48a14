/*
 * agent_stream - the events of one session, each once, whatever becomes of the
 * connection.
 *
 * The API replays nothing: a stream has only what happens while it is open. So when
 * the connection breaks, it is made again after a growing pause, and what was missed
 * meanwhile is taken from the list of the session's events; an id that was seen is not
 * handed over again. Nothing can be missed while nothing is expected (no turn runs).
 * A stream that stays silent while something is expected is checked the same way.
 */
#ifndef SERVICE_AGENT_AGENT_STREAM_H
#define SERVICE_AGENT_AGENT_STREAM_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "service/agent/agent_http.h"

struct agent_stream;

/* All from the loop. */
struct agent_stream_events {
	/* Borrowed. Pings do not come here. */
	void (*event)(void *arg, const char *type, const cJSON *event);
	/* No event will come any more. `unknown`: the API knows no such session. */
	void (*lost)(void *arg, bool unknown, const char *why);
};

/* Keeps wire and events; copies session_id. Connects from the loop. */
struct agent_stream *agent_stream_open(struct agent_http *wire, const char *session_id,
	const struct agent_stream_events *events, void *arg) MUST_CHECK;

/* From now on events are expected: a message of ours is about to be sent. */
void agent_stream_expect(struct agent_stream *stream);
/* It was accepted as the event with this id, behind which the list has what is
 * expected. NULL: after the last that was seen. Until then nothing can be asked for. */
void agent_stream_mark(struct agent_stream *stream, const char *after_id);
/* Nothing is expected any more. */
void agent_stream_rest(struct agent_stream *stream);

/* The connection is not made again: its end is the stream's. */
void agent_stream_settle(struct agent_stream *stream);

/* Something was heard on the connection as it is. */
bool agent_stream_hears(const struct agent_stream *stream);

void agent_stream_close(struct agent_stream *stream); /* accepts NULL */

#endif
