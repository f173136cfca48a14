/*
 * fetch_http2 - the calls of a fetch over HTTP/2: nghttp2, cleartext, by prior knowledge
 * (RFC 9113, 3.3).
 *
 * Calls to one origin share its connections. A new one is opened when those that are
 * open have as many streams as the server allows at a time
 * (SETTINGS_MAX_CONCURRENT_STREAMS), which a connection waits to be told before its first
 * stream.
 */
#ifndef LIB_FETCH_HTTP2_H
#define LIB_FETCH_HTTP2_H

#include <uv.h>

#include "lib/err.h"
#include "lib/fetch_call.h"

struct fetch_http2;

/* Calls are queued, to be handed over. From the loop; may destroy the fetch_http2. */
typedef void fetch_http2_queued_fn(void *arg);

/* Keeps loop and arg. */
struct fetch_http2 *fetch_http2_create(
	uv_loop_t *loop, fetch_http2_queued_fn *queued, void *arg);

/* Copies request. The call's stream is set, until it has ended. */
bool fetch_http2_begin(struct fetch_http2 *http2, struct fetch_call *call,
	const struct fetch_request *request, struct err *err) MUST_CHECK;

/* The request's HEADERS frame was written. */
bool fetch_http2_has_left(const struct fetch_call *call);

/* Resets the call's stream (CANCEL). */
void fetch_http2_cancel(struct fetch_call *call);

/* Every call must have ended. Closes each connection, with a GOAWAY. The handles close in
 * the loop's next turns. Accepts NULL. */
void fetch_http2_destroy(struct fetch_http2 *http2);

#endif
