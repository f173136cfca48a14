/*
 * fetch - HTTP requests on libuv's loop: HTTP/1.1, and HTTPS, by curl's multi interface;
 * HTTP/2 without TLS by nghttp2, many requests on one connection.
 *
 * A fetch is a pool of connections that are kept open. Each request has a deadline of
 * its own or none; a streamed answer is handed over as it arrives. Callbacks come from
 * the loop, never from inside one of these calls.
 *
 * A request is sent at most once. When a reused connection turns out to be dead after
 * the request was written to it, it is not known whether the server took it: the call
 * ends as broken, with `reused` and `sent` set, and the caller decides whether to ask
 * again. Redirects are answers like others, and no proxy is used.
 */
#ifndef LIB_FETCH_H
#define LIB_FETCH_H

#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"
#include "lib/fetch_call.h" /* the request and its result */

struct fetch;

/* Keeps loop. `connections` (at least 1) bounds the pool of idle ones, not the number
 * of calls. Ignores SIGPIPE unless it is handled. */
struct fetch *fetch_create(
	uv_loop_t *loop, unsigned connections, struct err *err) MUST_CHECK;

/* Percent-encoded for a query; the caller's. */
char *fetch_escape(const char *text);

/* Copies request; opens the file to upload and reads it while it is sent. */
struct fetch_call *fetch_start(struct fetch *fetch, const struct fetch_request *request,
	struct err *err) MUST_CHECK;

/* Has at least a part of the request left on a connection? */
bool fetch_is_sent(const struct fetch_call *call);

/* The last value of a header of the answer, which the request named in `heads`; NULL: it
 * has none. Within or between the call's callbacks, `done` included. Borrowed. */
const char *fetch_header(const struct fetch_call *call, const char *name);

/* Each header of the answer, which the request wanted with all_heads; in the same time.
 * Borrowed. */
typedef void fetch_header_fn(void *arg, const char *name, const char *value);
void fetch_each_header(const struct fetch_call *call, fetch_header_fn *each, void *arg);

/* The HTTP status that has come; 0: none yet. In the same time. */
long fetch_status(const struct fetch_call *call);

/* Does not call `done`; closes the connection; over HTTP/2 it resets the stream alone. */
void fetch_cancel(struct fetch_call *call);

/* Cancels every call and closes the pool. The handles close in the next turn of the
 * loop. Accepts NULL. */
void fetch_destroy(struct fetch *fetch);

#endif
