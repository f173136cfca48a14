/*
 * fetch_origin - a server that fetch speaks HTTP/2 with: its connections, and the streams
 * on them.
 *
 * Private to fetch_http2.c.
 */
#ifndef LIB_FETCH_ORIGIN_H
#define LIB_FETCH_ORIGIN_H

#include <stdint.h>
#include <uv.h>

#include "lib/fetch_stream.h"

/* Calls are queued, to be handed over. It must not hand them over itself. */
typedef void fetch_origin_queued_fn(void *arg);

struct fetch_origin {
	const char *name; /* "host:port", for errors; or the path of a unix socket */
	const char *host; /* NULL: it is a socket */
	uint16_t port;
	struct fetch_origin *next; /* of its owner */

	/* The rest is for fetch_origin.c. */
	uv_loop_t *loop;
	nghttp2_session_callbacks *callbacks;
	struct fetch_connection *connections; /* the first has room if any has */
	fetch_origin_queued_fn *queued;
	void *arg;
};

/* Keeps loop and arg; takes name and host. */
struct fetch_origin *fetch_origin_create(uv_loop_t *loop, char *name, char *host,
	uint16_t port, fetch_origin_queued_fn *queued, void *arg);

/* Submits the stream to a connection that has room, or opens one. Takes stream. */
void fetch_origin_add(struct fetch_origin *origin, struct fetch_stream *stream);

/* Resets the stream (CANCEL), and frees it. */
void fetch_origin_cancel(struct fetch_stream *stream);

/* No stream is left. Closes each connection, with a GOAWAY. */
void fetch_origin_destroy(struct fetch_origin *origin);

#endif
