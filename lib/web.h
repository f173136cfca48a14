/*
 * web - an HTTP server: microhttpd on libuv's loop.
 *
 * A request is handed over when its body is whole, as an exchange. The handler
 * answers it at once or later, in one piece or as a stream; while nobody answers,
 * the connection is parked and its client's leaving is noticed: a client that ends
 * its direction meanwhile has left, as for most servers. A body that is too large is
 * answered here (413, {"error": "..."}), and what is no sound HTTP by microhttpd (400,
 * 414, 431, 505, its own HTML).
 *
 * Draining is the order that loses no accepted request: connections that the kernel
 * accepted are taken over, the listener is closed, every answer from then on carries
 * Connection: close, and the end is reported when no exchange is open and the
 * connections that stay silent have had their linger (at least a second of it while a
 * request is half here). Requests still come meanwhile. No client can hold this up:
 * there is an end to waiting for requests, however slowly they drip in, and answers that
 * are not taken are broken off.
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
	WEB_ANSWERED, /* the whole answer was given to the kernel */
	WEB_LEFT,     /* the client went away first */
	WEB_BROKEN, /* we ended it: reset, timeout, web_destroy(), unsendable answer */
};

/* A whole request. Answer it with one of the calls below, now or later. */
typedef void web_handle_fn(void *arg, struct web_exchange *exchange);
/* The exchange is over and its pointer dies with this call. Once for each. */
typedef void web_over_fn(void *arg, struct web_exchange *exchange, enum web_end end);
/* A request was answered here, with this status. */
typedef void web_refused_fn(void *arg, unsigned status);
typedef void web_drained_fn(void *arg);

struct web_options {
	const char *host;     /* "0.0.0.0", "::1"; NULL: "127.0.0.1" */
	uint16_t port;        /* 0: any free one, see web_port() */
	unsigned connections; /* at most, further ones wait in the kernel; 0: 4096 */
	int64_t idle_ns; /* silent connections close; rounded up to seconds; 0: 60 s */
	size_t body_ceiling; /* 0: 1 MiB */
	int64_t patience_ns; /* while draining: with requests on their way, from then on,
			      * and with each answer that is not taken; 0: 2 s */
	web_handle_fn *handle;
	web_over_fn *over;       /* NULL: not interested */
	web_refused_fn *refused; /* likewise */
	void *arg;
};

/* Keeps loop; copies options. A port that somebody listens on is an error. */
struct web *web_create(
	uv_loop_t *loop, const struct web_options *options, struct err *err) MUST_CHECK;
uint16_t web_port(const struct web *web);
unsigned web_exchanges(const struct web *web); /* handed over and not over */
unsigned web_connections(const struct web *web);

/* `done` comes from the loop, once, and may destroy the web. Asked again: nothing. */
void web_drain(struct web *web, int64_t linger_ns, web_drained_fn *done, void *arg);

/* Breaks what is still open; `over` is called for each, before this returns. Not from
 * `handle` or `over`. The loop must turn once more for its handles. Accepts NULL. */
void web_destroy(struct web *web);

/* The request. All borrowed, good until the exchange is over. Path and query are decoded,
 * unless that would put a NUL into them. */
const char *web_method(const struct web_exchange *exchange);
const char *web_path(const struct web_exchange *exchange); /* without the query */
/* "" for a bare name. Of a name that is there several times web_query() gives the first
 * value, web_query_at() number i from 0; NULL when there is none. */
const char *web_query(const struct web_exchange *exchange, const char *name);
const char *web_query_at(
	const struct web_exchange *exchange, const char *name, unsigned i);
const char *web_header(const struct web_exchange *exchange, const char *name);
const struct buf *web_body(const struct web_exchange *exchange);

/* The owner's own object for this exchange. */
void web_set_data(struct web_exchange *exchange, void *data);
void *web_data(const struct web_exchange *exchange);

/* The answer. Until `over` all these calls are safe; those that come too late, for a
 * client that left or an exchange that we ended, do nothing.
 *
 * Headers come before the answer begins; both are copied. microhttpd leaves out what it
 * writes itself (Content-Length) and what HTTP does not allow (an empty value, a line
 * break). */
void web_add_header(struct web_exchange *exchange, const char *name, const char *value);

/* In one piece; body is copied, type may be NULL when len is 0. */
void web_reply(struct web_exchange *exchange, unsigned status, const char *type,
	const char *body, size_t len);

/* As a stream, chunked. What is added is queued (copied) and never blocks; past
 * WEB_UNSENT_MAX unsent bytes the exchange is reset. To a HEAD the answer is whole when
 * it begins. */
#define WEB_UNSENT_MAX ((size_t)8 << 20)
void web_stream_begin(struct web_exchange *exchange, unsigned status, const char *type);
void web_stream_add(struct web_exchange *exchange, const char *data, size_t len);
void web_stream_end(struct web_exchange *exchange);

/* Misbehaviour, for mocks. Reset: the connection ends with a TCP RST, whatever was
 * answered so far. Cut: what was added to the stream goes out, then the connection is
 * closed (FIN) without what ends a chunked body. Half-close: our direction is shut
 * without an answer, or within a stream; the exchange stays open until the client leaves
 * or web_reset(). */
void web_reset(struct web_exchange *exchange);
void web_stream_cut(struct web_exchange *exchange);
void web_half_close(struct web_exchange *exchange);

#endif
