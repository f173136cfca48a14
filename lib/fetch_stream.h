/*
 * fetch_stream - one call of fetch over HTTP/2: its request as nghttp2 takes it, and what
 * comes of the answer.
 *
 * Private to fetch_connection.c and fetch_http2.c. It knows no connection but the one that it
 * is submitted to.
 */
#ifndef LIB_FETCH_STREAM_H
#define LIB_FETCH_STREAM_H

#include <nghttp2/nghttp2.h>

#include "lib/fetch_call.h"

struct fetch_stream {
	struct fetch_call *call;
	int32_t id;  /* 0: not submitted */
	bool reused; /* its connection had another one before */
	bool left;   /* its HEADERS were written */
	bool reset;  /* RST_STREAM came */

	/* Of fetch_connection.c. */
	struct fetch_connection *connection;
	struct fetch_stream *prev, *next;

	/* The rest is for fetch_stream.c. */
	struct buf head; /* name, NUL, value, NUL; until it is submitted */
	struct buf body; /* of the request */
	size_t body_sent;
	int64_t retry_ms; /* retry-after-ms; 0: none */
	int64_t retry_s;  /* retry-after */
};

/* Becomes the stream of call. Copies request. NULL: err is set. */
struct fetch_stream *fetch_stream_create(struct fetch_call *call,
	const struct fetch_request *request, const char *authority, const char *target,
	struct err *err) MUST_CHECK;

/* With the stream as its user data there. Gives 0, or an error of nghttp2. */
int fetch_stream_submit(
	struct fetch_stream *stream, nghttp2_session *session) MUST_CHECK;

/* Was all of the request given to nghttp2? */
bool fetch_stream_is_sent(const struct fetch_stream *stream);

/* A header arrives, with a NUL behind name and value. */
void fetch_stream_header(struct fetch_stream *stream, const char *name, size_t name_len,
	const char *value, size_t value_len);
/* A frame that ends a head, or a piece of the body. True: the answer is whole. */
bool fetch_stream_frame(
	struct fetch_stream *stream, const nghttp2_frame *frame) MUST_CHECK;
/* The piece itself. False: the answer is larger than its ceiling. */
bool fetch_stream_body(
	struct fetch_stream *stream, const uint8_t *data, size_t len) MUST_CHECK;

/* The stream was closed with this code (RFC 9113, 7) before its answer was whole. Frees
 * it; the call has ended. */
void fetch_stream_closed(struct fetch_stream *stream, uint32_t code);
/* The same with another end. */
void fetch_stream_end(struct fetch_stream *stream, enum fetch_end end, const char *why);

/* Without an end of the call, which has no stream any more. */
void fetch_stream_free(struct fetch_stream *stream);

#endif
