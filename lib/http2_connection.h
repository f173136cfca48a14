/*
 * http2_connection - one HTTP/2 connection: an nghttp2 session over libuv's streams.
 *
 * What client and server share: bytes that arrive go to the session, and the frames that
 * it has to send in one turn of the loop leave together, in one write. While the peer
 * takes no more, the session is not asked for more frames.
 *
 * The owner makes the session with its callbacks and its user data, and submits to it.
 * Cleartext alone: HTTP/2 by prior knowledge (RFC 9113, 3.3).
 */
#ifndef LIB_HTTP2_CONNECTION_H
#define LIB_HTTP2_CONNECTION_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

#include "lib/err.h"

struct http2_connection;

/* Once, from the loop and not from within a call or a callback of the session: nothing
 * more will arrive or leave. The owner closes the connection, now or later. `why` is
 * borrowed; NULL: in order, because the session has ended (GOAWAY, and no stream is
 * open). */
typedef void http2_ended_fn(void *arg, const char *why);

/* Keeps loop; takes session, and leaves its user data alone. */
struct http2_connection *http2_connection_create(
	uv_loop_t *loop, nghttp2_session *session, http2_ended_fn *ended, void *arg);

/* One of these four, once. Over a connected socket, which it takes, also on failure. To
 * an address, or to a unix socket at path: what fails then is told by `ended`, as is an
 * error of libuv that came before. */
bool http2_connection_open(
	struct http2_connection *connection, int fd, struct err *err) MUST_CHECK;
void http2_connection_connect(
	struct http2_connection *connection, const struct sockaddr *address);
void http2_connection_connect_unix(
	struct http2_connection *connection, const char *path);
void http2_connection_fail(struct http2_connection *connection, int error);

/* Has it been connected? True until it is closed. */
bool http2_connection_is_open(const struct http2_connection *connection);

/* Frames wait, because the peer takes no more. */
bool http2_connection_is_blocked(const struct http2_connection *connection);

/* The session has something to send: it leaves before the loop waits again. At any time,
 * callbacks of the session included. */
void http2_connection_wake(struct http2_connection *connection);

/* Sends what the session has to send, such as a GOAWAY, as far as the kernel takes it,
 * then closes. The session ends with it; no callback follows. Not from a callback of the
 * session. The handles close in the loop's next turns. Accepts NULL. */
void http2_connection_close(struct http2_connection *connection);

#endif
