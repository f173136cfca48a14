/*
 * web_response - the answer to a request of web, sound or faulty.
 *
 * Until the exchange is over all these calls are safe; those that come too late,
 * because the client left or the exchange was broken, do nothing.
 */
#ifndef LIB_WEB_RESPONSE_H
#define LIB_WEB_RESPONSE_H

#include "lib/web_exchange.h"

/* Headers come before the answer begins; both are copied. Those are
 * dropped that web writes itself (Content-Length) and those that HTTP does not allow (an empty
 * value, a line break). */
void web_add_header(struct web_exchange *exchange, const char *name, const char *value);

/* In one piece; body is copied, type may be NULL when len is 0. */
void web_reply(struct web_exchange *exchange, unsigned status, const char *type,
	const char *body, size_t len);

/* As a stream, chunked. web_stream_add() queues a copy and never blocks; past
 * WEB_UNSENT_MAX unsent bytes the exchange is reset. The answer to a HEAD is whole when
 * it begins. */
void web_stream_begin(struct web_exchange *exchange, unsigned status, const char *type);
void web_stream_add(struct web_exchange *exchange, const char *data, size_t len);
void web_stream_end(struct web_exchange *exchange);

/* Faults, for mocks. Reset: the connection ends with a TCP RST, whatever was answered
 * so far. Cut: what was added to the stream is sent, then the connection is closed
 * (FIN) without the end of the chunked body. Half-close: the server's direction is shut
 * without an answer, or within a stream; the exchange stays open until the client
 * leaves or web_reset().
 *
 * With HTTP/2 they are of the one stream, and the others of its connection go on. Reset:
 * RST_STREAM (INTERNAL_ERROR), and what was not sent is dropped. Cut: RST_STREAM (CANCEL)
 * behind what was added. Half-close: the stream stays open, and silent. */
void web_reset(struct web_exchange *exchange);
void web_stream_cut(struct web_exchange *exchange);
void web_half_close(struct web_exchange *exchange);

#endif
