/*
 * web_http2 - the exchanges of HTTP/2: the connections of one web that speak it, by
 * nghttp2.
 *
 * Private to web.c. A stream is an exchange. A connection has at most
 * WEB_HTTP2_STREAMS of them at a time (SETTINGS_MAX_CONCURRENT_STREAMS; RFC 9113, 6.5.2,
 * recommends no less). It is closed when for the idle time nothing came or was taken,
 * unless a stream waits for its owner.
 *
 * What a client can make it do is bounded. WEB_HTTP2_RESETS streams that end before their
 * answer has begun, whoever reset them, and so many more than WEB_HTTP2_RESETS_PER_S as
 * time goes on (CVE-2023-44487, CVE-2025-8671), end its connection (ENHANCE_YOUR_CALM).
 * nghttp2 bounds the acknowledgements that wait, and the lengths of frames and SETTINGS;
 * http2_connection the other frames that the client does not take.
 */
#ifndef LIB_WEB_HTTP2_H
#define LIB_WEB_HTTP2_H

#include "lib/web_exchange.h"

#define WEB_HTTP2_STREAMS      100
#define WEB_HTTP2_RESETS       500
#define WEB_HTTP2_RESETS_PER_S 33

struct web_http2;

/* The connection is over, from the loop or web_http2_destroy(), and its exchanges are.
 * The client is the owner's to free. */
typedef void web_http2_closed_fn(void *arg, struct web_connection *client);

/* Keeps all and arg. head_ceiling: bytes of a request's head; idle_ns: see web.h. */
struct web_http2 *web_http2_create(struct web_exchanges *all, size_t head_ceiling,
	int64_t idle_ns, web_http2_closed_fn *closed, void *arg);

/* Takes a connected socket, also on failure, and client if it succeeds. */
bool web_http2_add(struct web_http2 *http2, int fd, struct web_connection *client);

/* Tells every client to begin no more streams: by a GOAWAY without a last stream, and when
 * it has heard that (PING), by one with it (RFC 9113, 6.8). Streams that come in between
 * are served. A connection without streams closes then. */
void web_http2_drain(struct web_http2 *http2);

/* While draining; both accept NULL. A client has not heard that it should ask no more:
 * requests may be on their way. Bytes wait to be taken by a client. */
bool web_http2_is_unheard(const struct web_http2 *http2);
bool web_http2_is_sending(const struct web_http2 *http2);

/* Breaks what is open, and closes the connections. Accepts NULL. */
void web_http2_destroy(struct web_http2 *http2);

#endif
