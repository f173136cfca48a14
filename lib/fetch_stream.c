#include "lib/fetch_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/mem.h"

#define HEADERS_MAX 64

/* The request */

static void add_pair(struct buf *head, const char *name, size_t len, const char *value)
{
	buf_add(head, name, len);
	buf_add(head, "", 1);
	buf_add(head, value, strlen(value) + 1);
}

/* RFC 9113, 8.2.2: these speak of a connection, which has many streams here. */
static bool is_connection_header(const char *name, size_t len)
{
	static const char *const names[] = {"connection", "expect", "host",
		"keep-alive", "transfer-encoding", "upgrade", "content-length"};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0)
			return true;
	return false;
}

static bool add_headers(
	struct buf *head, const struct fetch_request *request, struct err *err)
{
	const char *const *line = request->headers;
	unsigned count = 5; /* the pseudo-headers, and the length */

	for (; line && *line; line++) {
		const char *colon = strchr(*line, ':');
		size_t len = colon ? (size_t)(colon - *line) : 0;

		if (len == 0 || is_connection_header(*line, len))
			continue;
		if (++count > HEADERS_MAX)
			return err_set(err, "more than %d headers", HEADERS_MAX);
		add_pair(head, *line, len, colon + 1 + strspn(colon + 1, " \t"));
	}
	return true;
}

static bool write_head(struct fetch_stream *stream, const struct fetch_request *request,
	const char *authority, const char *target, struct err *err)
{
	const char *method = request->method;
	struct buf *head = &stream->head;
	char len[24];

	if (!method)
		method = request->body ? "POST" : "GET";
	add_pair(head, ":method", 7, method);
	add_pair(head, ":scheme", 7, "http");
	add_pair(head, ":authority", 10, authority);
	add_pair(head, ":path", 5, target);
	if (!add_headers(head, request, err))
		return false;
	if (!request->body && strcmp(method, "POST") != 0 &&
		strcmp(method, "PUT") != 0 && strcmp(method, "PATCH") != 0)
		return true;
	snprintf(len, sizeof len, "%zu", request->body ? request->body_len : 0);
	add_pair(head, "content-length", 14, len);
	buf_init(&stream->body, SIZE_MAX);
	if (request->body)
		buf_add(&stream->body, request->body, request->body_len);
	return true;
}

struct fetch_stream *fetch_stream_create(struct fetch_call *call,
	const struct fetch_request *request, const char *authority, const char *target,
	struct err *err)
{
	struct fetch_stream *stream = mem_zeroed(sizeof *stream);

	stream->call = call;
	call->stream = stream;
	if (write_head(stream, request, authority, target, err))
		return stream;
	fetch_stream_free(stream);
	return NULL;
}

/* nghttp2 copies it, and makes the letters of the name small. */
static nghttp2_nv pair_of(const char *name, const char *value)
{
	return (nghttp2_nv){
		.name = (uint8_t *)(uintptr_t)name,
		.value = (uint8_t *)(uintptr_t)value,
		.namelen = strlen(name),
		.valuelen = strlen(value),
	};
}

static ssize_t on_body_wanted(nghttp2_session *session UNUSED, int32_t id UNUSED,
	uint8_t *room, size_t size, uint32_t *flags, nghttp2_data_source *source,
	void *arg UNUSED)
{
	struct fetch_stream *stream = source->ptr;
	size_t len = stream->body.len - stream->body_sent;

	if (len > size)
		len = size;
	memcpy(room, stream->body.data + stream->body_sent, len);
	stream->body_sent += len;
	if (stream->body_sent == stream->body.len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

int fetch_stream_submit(struct fetch_stream *stream, nghttp2_session *session)
{
	const nghttp2_data_provider body = {{.ptr = stream}, on_body_wanted};
	const char *at = buf_text(&stream->head), *end = at + stream->head.len;
	nghttp2_nv pairs[HEADERS_MAX];
	size_t count = 0;
	int32_t id;

	while (at < end) {
		const char *value = strchr(at, '\0') + 1;

		pairs[count++] = pair_of(at, value);
		at = strchr(value, '\0') + 1;
	}
	id = nghttp2_submit_request(session, NULL, pairs, count,
		stream->body.len > 0 ? &body : NULL, stream);
	buf_done(&stream->head);
	buf_init(&stream->head, 0);
	if (id < 0)
		return id;
	stream->id = id;
	return 0;
}

bool fetch_stream_is_sent(const struct fetch_stream *stream)
{
	return stream->left && stream->body_sent == stream->body.len;
}

/* The answer */

static int64_t within(double value, int32_t most)
{
	return value > 0 && value <= most ? (int64_t)value : 0;
}

/* Seconds, or a date. */
static int64_t retry_s(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end)
		seconds = (double)(curl_getdate(text, NULL) - time(NULL));
	return within(seconds, INT32_MAX / 1000);
}

void fetch_stream_header(struct fetch_stream *stream, const char *name, size_t name_len,
	const char *value, size_t value_len)
{
	struct fetch_call *call = stream->call;

	if (strcmp(name, ":status") == 0) { /* the first of a head */
		call->result.status = strtol(value, NULL, 10);
		buf_clear(&call->found);
		return;
	}
	if (strcmp(name, "retry-after-ms") == 0)
		stream->retry_ms = within(strtod(value, NULL), INT32_MAX);
	else if (strcmp(name, "retry-after") == 0)
		stream->retry_s = retry_s(value);
	fetch_call_note_header(call, name, name_len, value, value_len);
}

bool fetch_stream_frame(struct fetch_stream *stream, const nghttp2_frame *frame)
{
	const long status = stream->call->result.status;

	if (frame->hd.type == NGHTTP2_HEADERS && status >= 200)
		fetch_call_note_head(stream->call, status);
	return frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
}

bool fetch_stream_body(struct fetch_stream *stream, const uint8_t *data, size_t len)
{
	struct fetch_call *call = stream->call;

	return fetch_call_take_body(call, call->result.status, (const char *)data, len);
}

/* The end */

void fetch_stream_end(struct fetch_stream *stream, enum fetch_end end, const char *why)
{
	struct fetch_call *call = stream->call;
	struct fetch_result *result = &call->result;

	result->retry_after_ns = stream->retry_ms ? stream->retry_ms * CLOCK_MS
						  : stream->retry_s * CLOCK_S;
	result->reused = stream->reused;
	result->sent = stream->left;
	fetch_stream_free(stream);
	fetch_call_end(call, end, why);
}

/* nghttp2 itself closes the stream where the answer breaks the rules. */
void fetch_stream_closed(struct fetch_stream *stream, uint32_t code)
{
	SCOPED(mem_free) char *why = NULL;

	if (code == NGHTTP2_REFUSED_STREAM) {
		stream->left = false; /* RFC 9113, 8.7: it was not processed */
		fetch_stream_end(
			stream, FETCH_REFUSED, "the server refused the stream");
	} else if (stream->reset) {
		why = mem_textf("the server reset the stream (%s)",
			nghttp2_http2_strerror(code));
		fetch_stream_end(stream, FETCH_BROKEN, why);
	} else {
		fetch_stream_end(
			stream, FETCH_BROKEN, "the answer is not sound HTTP/2");
	}
}

void fetch_stream_free(struct fetch_stream *stream)
{
	stream->call->stream = NULL;
	buf_done(&stream->head);
	buf_done(&stream->body);
	free(stream);
}
