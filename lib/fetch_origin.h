/*
 * fetch_origin - a server that fetch speaks HTTP/2 with: which of its connections has the
 * next stream.
 *
 * Private to fetch_http2.c.
 */
#ifndef LIB_FETCH_ORIGIN_H
#define LIB_FETCH_ORIGIN_H

#include <stdint.h>
#include <uv.h>

#include "lib/fetch_connection.h"

/* Calls are queued, to be handed over. It must not hand them over itself. */
typedef void fetch_origin_queued_fn(void *arg);

struct fetch_origin {
	struct fetch_address address;
	struct fetch_origin *next; /* of its owner */

	/* The rest is for fetch_origin.c. */
	uv_loop_t *loop;
	struct fetch_connection *connections; /* the first has room if any has */
	fetch_origin_queued_fn *queued;
	void *arg;
};

/* Keeps loop and arg; takes the texts of address. */
struct fetch_origin *fetch_origin_create(uv_loop_t *loop,
	const struct fetch_address *address, fetch_origin_queued_fn *queued, void *arg);

/* Gives the stream to a connection that has room, or opens one. Takes stream. */
void fetch_origin_add(struct fetch_origin *origin, struct fetch_stream *stream);

/* No stream is left. Closes each connection. */
void fetch_origin_destroy(struct fetch_origin *origin);

#endif
