/*
 * fetch - HTTP requests: curl's multi interface on libuv's loop.
 *
 * One fetch is one pool of connections, kept warm. Every request has a deadline of
 * its own or none; a streamed answer is handed over as it arrives. Callbacks come
 * from the loop, never from inside a call of yours.
 *
 * A request leaves at most once. When a warm connection turns out to be dead after the
 * request was written to it, nobody knows whether it was taken: that call is broken,
 * with `reused` and `sent` set, and whether to ask again is the caller's decision.
 * Redirects are answers like others, and no proxy is used.
 */
#ifndef LIB_FETCH_H
#define LIB_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/err.h"

struct fetch;
struct fetch_call;

/* How a call ended. */
enum fetch_end {
	FETCH_ANSWERED,  /* a whole answer: see status */
	FETCH_REFUSED,   /* no connection came about: nobody accepted the request */
	FETCH_BROKEN,    /* the connection ended before the answer was whole */
	FETCH_TIMED_OUT, /* its deadline passed */
	FETCH_FAILED,    /* anything else: see why */
};

struct fetch_result {
	enum fetch_end end;
	long status;            /* HTTP status, 0 when none arrived */
	const struct buf *body; /* what was not streamed; never NULL */
	const char *why;        /* in words; "" when end is FETCH_ANSWERED */
	int64_t began_ns, ended_ns;
	int64_t retry_after_ns; /* how long the answer asks to wait: retry-after-ms, or
				   Retry-After in seconds or as a date; 0: not said */
	bool reused;            /* the connection was a warm one */
	bool sent; /* at least a part of it left on an established connection */
};

/* Once per call, unless it was cancelled; the call's pointer dies with it. `result` is
 * borrowed. */
typedef void fetch_done_fn(void *arg, const struct fetch_result *result);
/* A piece of a streamed body, borrowed. May cancel the call it is called for. */
typedef void fetch_data_fn(void *arg, const char *data, size_t len);

struct fetch_request {
	const char *method;         /* NULL: GET, or POST when there is a body */
	const char *url;            /* http or https */
	const char *socket;         /* path of a unix socket to connect to, or NULL */
	const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
	const char *body;           /* NULL: none; empty for POST, PUT and PATCH */
	size_t body_len;
	const char *upload;  /* path of a regular file to send as the body, or NULL */
	int64_t timeout_ns;  /* 0: none */
	size_t body_ceiling; /* 0: BUF_CEILING; a larger answer is FETCH_FAILED */
	fetch_data_fn *data; /* not NULL: the body of a 2xx answer is streamed there */
	fetch_done_fn *done;
	void *arg;
	bool fresh; /* a new connection, closed afterwards */
};

/* Keeps loop. `connections` (at least 1) bounds the pool of warm ones, not how many
 * calls can be under way. Ignores SIGPIPE unless it is handled. */
struct fetch *fetch_create(
	uv_loop_t *loop, unsigned connections, struct err *err) MUST_CHECK;

/* Everything in request is copied; the file to upload is opened here and read while
 * it is sent. */
struct fetch_call *fetch_start(struct fetch *fetch, const struct fetch_request *request,
	struct err *err) MUST_CHECK;

/* `done` will not be called any more. Its connection is closed. */
void fetch_cancel(struct fetch_call *call);

/* Cancels what is under way and closes the pool. The loop must turn once more for its
 * handles. Accepts NULL. */
void fetch_destroy(struct fetch *fetch);

#endif
