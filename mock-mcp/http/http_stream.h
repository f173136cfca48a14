/*
 * http_stream - a stream of a session: where the answers to one POST go, or what the
 * server says unasked (the stream of a GET).
 *
 * A stream is not its exchange: when the client loses the connection the stream goes
 * on, and the client comes back for the rest with the id of the last event that it got.
 */
#ifndef MOCK_MCP_HTTP_HTTP_STREAM_H
#define MOCK_MCP_HTTP_HTTP_STREAM_H

#include "mock-mcp/http/exchange_owner.h"
#include "mock-mcp/http/http_session.h"

struct http_stream {
	struct exchange_owner owner;
	struct http_session *session;
	struct http_stream *prev, *next;
	unsigned number;               /* 0: of a GET */
	unsigned events;               /* so far */
	struct web_exchange *exchange; /* NULL: the client is not here */
	bool begun;                    /* events are being sent */
	bool reading;                  /* its message is being handled */
	bool finished;
};

/* For a POST; the exchange is not answered yet. */
struct http_stream *http_stream_create(
	struct http_session *session, struct web_exchange *exchange) MUST_CHECK;

/* The message has been handled, and is owed an answer or not. May free the stream. */
void http_stream_handled(struct http_stream *stream, bool owed);

/* The stream of a GET: begins it. False: there is one already. */
bool http_stream_listen(
	struct http_session *session, struct web_exchange *exchange) MUST_CHECK;

/* A GET that comes back for the rest of a stream, behind the event with this id.
 * Answers it in every case. */
void http_stream_resume(struct http_session *session, struct web_exchange *exchange,
	const char *event_id);

/* The session ends. `stay`: a GET is left as it is. Frees the stream. */
void http_stream_end(struct http_stream *stream, bool stay);

/* How the peers of sessions send; their arg is the session, their origins are
 * streams. */
extern const struct peer_transport http_stream_transport;

#endif
