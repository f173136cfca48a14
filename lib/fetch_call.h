/*
 * fetch_call - one request and its answer: what curl (fetch_curl.h) and HTTP/2
 * (fetch_http2.h) have in common.
 *
 * Users include fetch.h. The callbacks of both only fill buffers and set flags; what is
 * to be handed over waits in a queue.
 */
#ifndef LIB_FETCH_CALL_H
#define LIB_FETCH_CALL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/err.h"

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
	/* The head says neither how long the body is nor that it comes in chunks: the
	 * end of the connection ends it, and a cut looks like an end. */
	bool unframed;
};

/* Once for each call that is not canceled; the call ends with it. `result` is
 * borrowed. */
typedef void fetch_done_fn(void *arg, const struct fetch_result *result);
/* A piece of a streamed body, borrowed. May cancel its call. */
typedef void fetch_data_fn(void *arg, const char *data, size_t len);

/* Paths of PEM files: the authority that the server's certificate has to be of, and what
 * is shown to it. Kept until the call is over. */
struct fetch_tls {
	const char *ca, *cert, *key;
};

struct fetch_request {
	const char *method;         /* NULL: GET, or POST when there is a body */
	const char *url;            /* http or https; its path is sent as it is */
	const char *socket;         /* path of a unix socket to connect to, or NULL */
	const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
	const char *body;           /* NULL: none; empty for POST, PUT and PATCH */
	size_t body_len;
	const char *upload;  /* path of a regular file to send as the body, or NULL */
	int64_t timeout_ns;  /* 0: none */
	size_t body_ceiling; /* 0: BUF_CEILING; a larger answer is FETCH_FAILED */
	fetch_data_fn *data; /* not NULL: the body of a 2xx answer is streamed there */
	bool tells_head; /* `data` comes once with 0 bytes, for the head of that answer */
	fetch_done_fn *done;
	void *arg;
	const struct fetch_tls
		*tls;     /* of https; NULL: the system's authorities alone */
	bool fresh;       /* a new connection, closed afterwards */
	bool keep;        /* that new one stays open for later requests */
	bool last;        /* the connection is closed afterwards, be it new or not */
	unsigned reuse_s; /* no connection that was idle for longer is used; 0: 118 s */
	bool small;       /* the answer has a few KiB: it is read in small pieces */
	/* HTTP/2: without TLS by prior knowledge, and the server has to speak it; over TLS
	 * as agreed with it, by curl, else HTTP/1.1. fresh, keep, last, reuse_s, small and
	 * upload are of HTTP/1.1 and of TLS: else connections are shared. */
	bool http2;
	const char *const *heads; /* names of headers of the answer that fetch_header()
				   * is to find, NULL-terminated; kept; NULL: none */
	bool all_heads;           /* all of them instead, for fetch_each_header() */
};

/* The rest is for fetch.c. */
struct fetch_call {
	struct fetch *fetch;            /* its owner */
	struct fetch_call *prev, *next; /* among the calls of its fetch */
	struct fetch_call **queue;      /* of calls with something to hand over */
	struct fetch_call *queue_prev, *queue_next; /* NULL: not queued */
	CURL *easy;                  /* of curl; NULL: not begun, or over */
	struct fetch_stream *stream; /* of HTTP/2, likewise */
	struct curl_slist *headers;
	int file; /* to upload, or -1 */
	int64_t file_left;
	uv_timer_t deadline; /* the call is freed when this has closed */
	int64_t timeout_ns;
	bool attempted;    /* the request was about to be written to a connection */
	bool opened;       /* a new connection was opened for it */
	bool headed;       /* the head of the answer came whole */
	bool framed;       /* it says where the body ends */
	bool tells_head;   /* and has not told it yet */
	bool head_came;    /* it is to be told */
	bool bodiless;     /* HEAD: no body is to come */
	bool shares;       /* curl may use one connection for it and others */
	bool repeated;     /* curl was about to send it a second time */
	bool over;         /* the result is complete */
	bool gone;         /* done or canceled */
	const char *blame; /* why a callback made curl stop, or NULL */
	struct buf body;
	struct buf arrived; /* of a streamed body, not handed over yet */
	const char *const *heads;
	bool all_heads;
	struct buf found; /* those headers: name, NUL, value, NUL */
	fetch_data_fn *data;
	fetch_done_fn *done;
	void *arg;
	struct fetch_result result;
	char why[CURL_ERROR_SIZE];
};

/* The head of the answer is whole. */
void fetch_call_note_head(struct fetch_call *call, long status);

/* Keeps a header that the owner asked for. */
void fetch_call_note_header(struct fetch_call *call, const char *name, size_t name_len,
	const char *value, size_t value_len);

/* A piece of the body. False: it is larger than its ceiling. */
bool fetch_call_take_body(
	struct fetch_call *call, long status, const char *data, size_t len) MUST_CHECK;

/* Completes the result, but for what curl or HTTP/2 have put there, and queues the call. */
void fetch_call_end(struct fetch_call *call, enum fetch_end end, const char *why);

void fetch_call_unqueue(struct fetch_call *call);

#endif
