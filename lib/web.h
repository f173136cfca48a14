/*
 * web - an HTTP server: microhttpd on libuv's loop.
 *
 * A request becomes an exchange when its body is whole. The handler answers it at once or
 * later, in one piece or as a stream. Until then the connection is suspended and watched:
 * a client that closes it, or shuts down its direction, has left. web itself answers a
 * body that is too large (413, {"error": "..."}), microhttpd what is not sound HTTP (400,
 * 414, 431, 505, its own HTML).
 *
 * Draining loses no accepted request. Connections that the kernel accepted are taken
 * over, the listener is closed, every answer carries Connection: close, and requests that
 * still come are served. The drain ends when no exchange is open and the connections left
 * have been silent for the linger (at least a second while a request is half here). No
 * client can hold it up: waiting for requests ends, however slowly they arrive, and an
 * answer that is not taken is broken off.
 */
#ifndef LIB_WEB_H
#define LIB_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/err.h"

struct web;
struct web_exchange;

enum web_end {
	WEB_ANSWERED, /* the kernel has the whole answer */
	WEB_LEFT,     /* the client left first */
	WEB_BROKEN,   /* reset, timeout, web_destroy(), an answer that cannot be sent */
};

/* A whole request. Answer it with one of the calls below, now or later. */
typedef void web_handle_fn(void *arg, struct web_exchange *exchange);
/* Once for each exchange, which ends with this call. */
typedef void web_over_fn(void *arg, struct web_exchange *exchange, enum web_end end);
/* web answered a request itself, with this status. */
typedef void web_refused_fn(void *arg, unsigned status);
typedef void web_drained_fn(void *arg);

struct web_options {
	const char *host;     /* "0.0.0.0", "::1"; NULL: "127.0.0.1" */
	uint16_t port;        /* 0: any free one, see web_port() */
	unsigned connections; /* at most; others wait in the kernel; 0: 4096 */
	int64_t idle_ns;      /* closes silent connections; rounded up to s; 0: 60 s */
	size_t body_ceiling;  /* 0: 1 MiB */
	int64_t patience_ns; /* while draining: how long requests may arrive, and how long
			      * an answer may wait to be taken; 0: 2 s */
	web_handle_fn *handle;
	web_over_fn *over;       /* may be NULL */
	web_refused_fn *refused; /* may be NULL */
	void *arg;
};

/* Keeps loop; copies options. A port that is in use is an error. */
struct web *web_create(
	uv_loop_t *loop, const struct web_options *options, struct err *err) MUST_CHECK;
uint16_t web_port(const struct web *web);
unsigned web_exchanges(const struct web *web); /* handed over and not over */
unsigned web_connections(const struct web *web);

/* Calls `done` from the loop, once; it may destroy the web. A second call does nothing. */
void web_drain(struct web *web, int64_t linger_ns, web_drained_fn *done, void *arg);

/* Breaks every open exchange and calls `over` for each before it returns. Not from
 * `handle` or `over`. The handles close in the next turn of the loop. Accepts NULL. */
void web_destroy(struct web *web);

/* The request. All borrowed, until the exchange is over. Path and query are decoded,
 * unless that would put a NUL into them. */
const char *web_method(const struct web_exchange *exchange);
const char *web_path(const struct web_exchange *exchange); /* without the query */
/* "" for a bare name. web_query() gives the first value of a name,
 * web_query_at() the i-th, from 0. NULL: there is none. */
const char *web_query(const struct web_exchange *exchange, const char *name);
const char *web_query_at(
	const struct web_exchange *exchange, const char *name, unsigned i);
const char *web_header(const struct web_exchange *exchange, const char *name);
const struct buf *web_body(const struct web_exchange *exchange);

/* An object of the owner, for this exchange. */
void web_set_data(struct web_exchange *exchange, void *data);
void *web_data(const struct web_exchange *exchange);

/* The answer. Until `over` all these calls are safe; those that come too late,
 * because the client left or the exchange was broken, do nothing.
 *
 * Headers come before the answer begins; both are copied. microhttpd drops those
 * that it writes itself (Content-Length) and those that HTTP does not allow (an empty
 * value, a line break). */
void web_add_header(struct web_exchange *exchange, const char *name, const char *value);

/* In one piece; body is copied, type may be NULL when len is 0. */
void web_reply(struct web_exchange *exchange, unsigned status, const char *type,
	const char *body, size_t len);

/* As a stream, chunked. web_stream_add() queues a copy and never blocks; past
 * WEB_UNSENT_MAX unsent bytes the exchange is reset. The answer to a HEAD is whole when it
 * begins. */
#define WEB_UNSENT_MAX ((size_t)8 << 20)
void web_stream_begin(struct web_exchange *exchange, unsigned status, const char *type);
void web_stream_add(struct web_exchange *exchange, const char *data, size_t len);
void web_stream_end(struct web_exchange *exchange);

/* Faults, for mocks. Reset: the connection ends with a TCP RST, whatever was answered so
 * far. Cut: what was added to the stream is sent, then the connection is closed (FIN)
 * without the end of the chunked body. Half-close: the server's direction is shut without
 * an answer, or within a stream; the exchange stays open until the client leaves or
 * web_reset(). */
void web_reset(struct web_exchange *exchange);
void web_stream_cut(struct web_exchange *exchange);
void web_half_close(struct web_exchange *exchange);

#endif
