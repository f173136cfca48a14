/*
 * web_http2 - the exchanges of HTTP/2: the connections of one web that speak it, by
 * nghttp2.
 *
 * Private to web.c. A stream is an exchange. A connection has at most
 * WEB_HTTP2_STREAMS of them at a time (SETTINGS_MAX_CONCURRENT_STREAMS; RFC 9113, 6.5.2,
 * recommends no less), and is closed when it had none for the idle time. nghttp2 bounds
 * what a client can make it keep: acknowledgements, and streams that are reset at once.
 */
#ifndef LIB_WEB_HTTP2_H
#define LIB_WEB_HTTP2_H

#include "lib/web_exchange.h"

#define WEB_HTTP2_STREAMS 100

struct web_http2;

/* The connection is over, from the loop or web_http2_destroy(), and its exchanges are.
 * The client is the owner's to free. */
typedef void web_http2_closed_fn(void *arg, struct web_connection *client);

/* Keeps all and arg. head_ceiling: bytes of a request's head; idle_ns: see web.h. */
struct web_http2 *web_http2_create(struct web_exchanges *all, size_t head_ceiling,
	int64_t idle_ns, web_http2_closed_fn *closed, void *arg);

/* Takes a connected socket, also on failure, and client if it succeeds. */
bool web_http2_add(struct web_http2 *http2, int fd, struct web_connection *client);

/* Tells every client to begin no more streams (GOAWAY). Those that come all the same are
 * served. */
void web_http2_drain(struct web_http2 *http2);

/* Breaks what is open, and closes the connections. Accepts NULL. */
void web_http2_destroy(struct web_http2 *http2);

#endif
