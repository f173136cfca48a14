/*
 * web_http2_exchange - an exchange that is a stream of HTTP/2: its request and its answer.
 *
 * For web_http2 alone, which has the connections.
 */
#ifndef LIB_WEB_HTTP2_EXCHANGE_H
#define LIB_WEB_HTTP2_EXCHANGE_H

#include <nghttp2/nghttp2.h>

#include "lib/http2_connection.h"
#include "lib/loop_timer.h"
#include "lib/web_exchange.h"

struct web_http2;

struct web_http2_connection {
	struct web_http2 *http2;
	struct web_connection *client;
	struct http2_connection *wire;
	nghttp2_session *session; /* the wire's */
	struct loop_timer *idle;
	int64_t active_ns; /* when something last came, or was taken */
	unsigned resets;   /* by the client, less what time has made good */
	int64_t resets_ns; /* until when it has */
	bool deaf;         /* it takes nothing, and is to be closed */
	bool heard;        /* that it should begin no more streams */
	struct web_http2_connection *prev, *next;
};

extern const struct web_protocol web_http2_protocol;

/* The head of a request is whole, in `head`. Where web answers itself, the exchange is
 * ARRIVING no more. */
void web_http2_read_head(struct web_exchange *exchange);
void web_http2_take_body(
	struct web_exchange *exchange, const uint8_t *data, size_t len);

#endif
