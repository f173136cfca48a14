/*
 * fetch_connection - one connection of fetch to a server of HTTP/2: its nghttp2 session,
 * and the streams on it.
 *
 * Private to fetch_origin.c, which chooses among them, and fetch_http2.c.
 *
 * When a call is given up and nothing has come since it began, nor for a second, the peer
 * may be gone: it is asked (PING). Until something comes the connection has no room, and
 * when nothing comes for as long again as the call had waited, it ends.
 */
#ifndef LIB_FETCH_CONNECTION_H
#define LIB_FETCH_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "lib/fetch_stream.h"

/* Where to connect. */
struct fetch_address {
	const char *name; /* "host:port", for errors; or the path of a unix socket */
	const char *host; /* NULL: it is a socket */
	uint16_t port;
};

struct fetch_connection;

/* What the owner is told. It must not close the connection there. */
struct fetch_connection_events {
	/* Calls are queued, to be handed over. It must not hand them over itself. */
	void (*queued)(void *arg);
	/* See fetch_connection_has_room(). */
	void (*room_changed)(void *arg, struct fetch_connection *connection);
	/* The server has set a limit that is too low for this stream, which is the
	 * owner's again. */
	void (*returned)(void *arg, struct fetch_stream *stream);
	/* It has ended, and its streams; it is freed behind this. */
	void (*ended)(void *arg, struct fetch_connection *connection);
};

struct fetch_connection {
	struct fetch_connection *prev, *next; /* of its owner */

	/* The rest is for fetch_connection.c. */
	uv_loop_t *loop;
	const struct fetch_address *address;
	const struct fetch_connection_events *events; /* NULL: it was closed */
	void *arg;
	struct http2_connection *wire;
	nghttp2_session *session; /* the wire's */
	uv_getaddrinfo_t lookup;
	bool looking_up;
	struct addrinfo *found;       /* by the lookup */
	const struct addrinfo *tried; /* of them; NULL: none */
	bool settled;                 /* the server has said its settings */
	bool foreign;                 /* it has spoken something else than HTTP/2 */
	bool breach;                  /* the server broke the rules of HTTP/2 */
	uint32_t goaway; /* the error of a GOAWAY, of either side; 0: none */
	bool used;       /* it had a stream before */
	unsigned count;  /* of its streams, until nghttp2 has closed them */
	struct fetch_stream *streams;
	int64_t heard_ns;         /* when something last came; or when it was opened */
	struct loop_timer *doubt; /* set: the peer has to say something until then */
	int64_t doubt_ns;         /* how long that is */
};

/* Keeps all of them. One that cannot be opened tells so from the loop. */
struct fetch_connection *fetch_connection_open(uv_loop_t *loop,
	const struct fetch_address *address,
	const struct fetch_connection_events *events, void *arg);

/* May it have one more stream? */
bool fetch_connection_has_room(const struct fetch_connection *connection);

/* Takes stream, which is submitted when the server has said its settings. */
void fetch_connection_add(
	struct fetch_connection *connection, struct fetch_stream *stream);

/* Resets the stream (CANCEL), and frees it. */
void fetch_connection_cancel(struct fetch_stream *stream);

/* No stream is left. Closes it, with a GOAWAY; no event follows. */
void fetch_connection_close(struct fetch_connection *connection);

#endif
