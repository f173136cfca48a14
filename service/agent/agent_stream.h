/*
 * agent_stream - the events of one session, each once, across broken connections.
 *
 * The API's stream carries only what happens while it is open. A broken connection is
 * made again after a growing pause; the events in between come from the API's list of
 * events, and an event id is reported once. While no events are expected (no turn
 * runs), none can be missed. A connection that is silent while events are expected is
 * checked against the list as well.
 *
 *   CONNECTING -> OPEN -> PAUSED -> CONNECTING ...   -> LOST, CLOSED
 */
#ifndef SERVICE_AGENT_AGENT_STREAM_H
#define SERVICE_AGENT_AGENT_STREAM_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "service/agent/agent_http.h"

struct agent_stream;

/* All from the loop. */
struct agent_stream_events {
	/* Borrows type and event. Pings are not reported. */
	void (*event)(void *arg, const char *type, const cJSON *event);
	/* No event comes any more. `deleted`: the API knows no such session. */
	void (*lost)(void *arg, bool deleted, const char *why);
};

/* Keeps http and events; copies session_id. */
struct agent_stream *agent_stream_open(struct agent_http *http, const char *session_id,
	const struct agent_stream_events *events, void *arg) MUST_CHECK;
/* No callback any more. Accepts NULL. */
void agent_stream_close(struct agent_stream *stream);

/* Call before a message is sent: events are expected, but the list is not read before
 * agent_stream_expect_after(). */
void agent_stream_expect(struct agent_stream *stream);
/* The message was accepted as event message_id: the expected events follow it in the
 * list. NULL: they follow the last event seen. */
void agent_stream_expect_after(struct agent_stream *stream, const char *message_id);
void agent_stream_expect_nothing(struct agent_stream *stream);

/* The end of this connection is the end of the stream. */
void agent_stream_stop_reconnecting(struct agent_stream *stream);

/* Did the present connection deliver anything? */
bool agent_stream_is_open(const struct agent_stream *stream);

#endif
