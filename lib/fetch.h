/*
 * fetch - HTTP requests: curl's multi interface on libuv's loop.
 *
 * A fetch is a pool of connections that are kept open. Each request has a deadline of its
 * own or none; a streamed answer is handed over as it arrives. Callbacks come from the
 * loop, never from inside one of these calls.
 *
 * A request is sent at most once. When a reused connection turns out to be dead after the
 * request was written to it, it is not known whether the server took it: the call ends as
 * broken, with `reused` and `sent` set, and the caller decides whether to ask again.
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
	FETCH_REFUSED,   /* no connection: the request was not accepted */
	FETCH_BROKEN,    /* the connection ended before the answer was whole */
	FETCH_TIMED_OUT, /* its deadline passed */
	FETCH_FAILED,    /* anything else: see why */
};

struct fetch_result {
	enum fetch_end end;
	long status;            /* HTTP status, 0 when none arrived */
	const struct buf *body; /* the part that was not streamed; never NULL */
	const char *why;        /* "" when end is FETCH_ANSWERED */
	int64_t began_ns, ended_ns;
	int64_t retry_after_ns; /* from retry-after-ms, or Retry-After in seconds or as
				   a date; 0: neither is there */
	bool reused;            /* over a connection that was open before */
	bool sent; /* at least a part of the request left on a connection */
};

/* Once for each call that is not canceled; the call ends with it. `result` is
 * borrowed. */
typedef void fetch_done_fn(void *arg, const struct fetch_result *result);
/* A piece of a streamed body, borrowed. May cancel its call. */
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

/* Keeps loop. `connections` (at least 1) bounds the pool of idle ones, not the number
 * of calls. Ignores SIGPIPE unless it is handled. */
struct fetch *fetch_create(
	uv_loop_t *loop, unsigned connections, struct err *err) MUST_CHECK;

/* Copies request; opens the file to upload and reads it while it is sent. */
struct fetch_call *fetch_start(struct fetch *fetch, const struct fetch_request *request,
	struct err *err) MUST_CHECK;

/* Does not call `done`; closes the connection. */
void fetch_cancel(struct fetch_call *call);

/* Cancels every call and closes the pool. The handles close in the next turn of the
 * loop. Accepts NULL. */
void fetch_destroy(struct fetch *fetch);

#endif
