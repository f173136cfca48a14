/*
 * web - an HTTP server on libuv's loop: microhttpd, and nghttp2 for HTTP/2.
 *
 * A request becomes an exchange when its body is whole. The handler answers it at once
 * or later, in one piece or as a stream. Until then the connection is suspended and
 * watched: a client that closes it, or shuts down its direction, has left. web itself
 * answers a body that is too large (413), microhttpd what is not
 * sound HTTP (400, 414, 431, 505, its own HTML).
 *
 * Draining loses no accepted request. Connections that the kernel accepted are taken
 * over, the listener is closed, every answer carries Connection: close, and requests
 * that still come are served. The drain ends when no exchange is open and the
 * connections left have been silent for the linger (at least a second while a request
 * is half here). No client can hold it up: waiting for requests ends, however slowly
 * they arrive, and an answer that is not taken is broken off. Clients of HTTP/2 are told
 * by a GOAWAY to begin no more streams; until one has heard that (at most a second, when
 * it is silent) its requests may be on their way. Its connection closes with the last of
 * its streams.
 */
#ifndef LIB_WEB_H
#define LIB_WEB_H

#include <stdint.h>
#include <uv.h>

#include "lib/err.h"
#include "lib/web_response.h" /* what to do with an exchange */

struct web;

typedef void web_drained_fn(void *arg);

/* PEM texts: HTTPS with this certificate. A client that does not show one that ca signed
 * is answered with 403, and nothing of its request is handed over. */
struct web_tls {
	const char *ca, *cert, *key;
};

struct web_options {
	const char *host; /* "0.0.0.0", "::1"; NULL: "127.0.0.1" */
	uint16_t port;    /* 0: any free one, see web_port() */
	/* At the listening socket that is our stdin, in place of host and port: how inetd's
	 * "wait" and systemd's StandardInput=socket start a server. */
	bool inetd;
	/* A unix socket to listen at, not host and port; NULL: none. One that is left
	 * there and at which nobody listens is replaced. Its owner alone may connect. */
	const char *socket;
	const struct web_tls *tls; /* borrowed; NULL: none */
	/* Speaks HTTP/2 too, without TLS: to a client that begins with its preface (prior
	 * knowledge; RFC 9113, 3.3). */
	bool http2;
	bool keeps_target;    /* for web_target() */
	unsigned connections; /* at most; others wait in the kernel; 0: 4096 */
	int64_t idle_ns;      /* closes silent connections; rounded up to s; 0: 60 s */
	size_t body_ceiling;  /* 0: 1 MiB */
	size_t memory;        /* of a connection: bounds the heads; 0: 16 KiB */
	int64_t patience_ns;  /* while draining: how long requests may arrive, and how
			       * long  an answer may wait to be taken; 0: 2 s */
	web_handle_fn *handle;
	web_over_fn *over;       /* may be NULL */
	web_closed_fn *closed;   /* may be NULL */
	web_refused_fn *refused; /* may be NULL */
	web_refusal_fn *refusal; /* NULL: {"error": "..."} */
	void *arg;
};

/* Keeps loop; copies options. A port that is in use is an error. */
struct web *web_create(
	uv_loop_t *loop, const struct web_options *options, struct err *err) MUST_CHECK;
uint16_t web_port(const struct web *web);
unsigned web_exchanges(const struct web *web); /* handed over and not over */
unsigned web_connections(const struct web *web);

/* Calls `done` from the loop, once; it may destroy the web. A second call does nothing.
 */
void web_drain(struct web *web, int64_t linger_ns, web_drained_fn *done, void *arg);

/* Breaks every open exchange and calls `over` for each, and `closed` for each
 * connection that has spoken, before it returns. Not from `handle`, `over` or `closed`.
 * The handles close in the next turn of the loop. Accepts NULL. */
void web_destroy(struct web *web);

#endif
