#include "lib/web_response.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* False: the client left, or the exchange was broken. */
static bool may_answer(const struct web_exchange *exchange)
{
	assert(exchange->state == WEB_EXCHANGE_HANDED ||
		exchange->state == WEB_EXCHANGE_SHUT ||
		exchange->state == WEB_EXCHANGE_FAILED);
	return exchange->state == WEB_EXCHANGE_HANDED;
}

void web_add_header(struct web_exchange *exchange, const char *name, const char *value)
{
	if (!may_answer(exchange))
		return;
	buf_add(&exchange->headers, name, strlen(name) + 1);
	buf_add(&exchange->headers, value, strlen(value) + 1);
}

/* Takes response. */
static void answer(struct web_exchange *exchange, unsigned status, const char *type,
	struct MHD_Response *response)
{
	const char *name = buf_text(&exchange->headers);
	const char *end = name + exchange->headers.len;

	if (!response)
		abort(); /* out of memory */
	if (type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	while (name < end) {
		const char *value = name + strlen(name) + 1;

		MHD_add_response_header(response, name, value);
		name = value + strlen(value) + 1;
	}
	exchange->status = status;
	exchange->response = response;
}

void web_reply(struct web_exchange *exchange, unsigned status, const char *type,
	const char *body, size_t len)
{
	void *copied = (void *)(uintptr_t)(len > 0 ? body : "");

	if (!may_answer(exchange))
		return;
	answer(exchange, status, type,
		MHD_create_response_from_buffer(len, copied, MHD_RESPMEM_MUST_COPY));
	web_exchange_enter(exchange, WEB_EXCHANGE_ANSWERED);
}

/* A stream */

static size_t unsent(const struct web_exchange *exchange)
{
	return exchange->stream.len - exchange->streamed;
}

/* microhttpd leaves a connection in chunks alone whose data end with an error: it has
 * shut its direction, but keeps the descriptor until it is the oldest connection. It
 * closes one to which it cannot write. */
static ssize_t break_off(const struct web_exchange *exchange)
{
	if (!exchange->takes_chunks)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	shutdown(exchange->fd, SHUT_WR);
	return MHD_CONTENT_READER_END_OF_STREAM;
}

static ssize_t on_room(void *cls, uint64_t position UNUSED, char *out, size_t room)
{
	struct web_exchange *exchange = cls;
	size_t len = unsent(exchange);

	if (len > room)
		len = room;
	switch (exchange->state) {
	case WEB_EXCHANGE_STREAMING:
	case WEB_EXCHANGE_ANSWERED:
	case WEB_EXCHANGE_CUT:
		break;
	case WEB_EXCHANGE_SHUT:
		web_exchange_shut(exchange);
		return 0;
	case WEB_EXCHANGE_ARRIVING:
	case WEB_EXCHANGE_HANDED:
	case WEB_EXCHANGE_FAILED:
		return break_off(exchange);
	}
	if (len > 0) {
		memcpy(out, exchange->stream.data + exchange->streamed, len);
		exchange->streamed += len;
		return (ssize_t)len;
	}
	if (exchange->state == WEB_EXCHANGE_ANSWERED)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (exchange->state == WEB_EXCHANGE_CUT)
		return break_off(exchange);
	web_exchange_park(exchange);
	return 0;
}

/* microhttpd keeps a block as long as the stream, and sends by it at most once in a turn
 * of the loop. It makes chunks elsewhere, in the memory of the connection. */
static size_t block_size(const struct web_exchange *exchange)
{
	return (size_t)(exchange->takes_chunks ? 1 : 16) << 10;
}

void web_stream_begin(struct web_exchange *exchange, unsigned status, const char *type)
{
	if (!may_answer(exchange))
		return;
	answer(exchange, status, type,
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
			block_size(exchange), on_room, exchange, NULL));
	web_exchange_enter(exchange, WEB_EXCHANGE_STREAMING);
}

void web_stream_add(struct web_exchange *exchange, const char *data, size_t len)
{
	if (exchange->state != WEB_EXCHANGE_STREAMING || len == 0)
		return;
	if (len > WEB_UNSENT_MAX - unsent(exchange)) {
		web_reset(exchange);
		return;
	}
	/* Rarely, so that a long queue is not moved for every piece. */
	if (exchange->streamed >= exchange->stream.len / 2) {
		buf_drop(&exchange->stream, exchange->streamed);
		exchange->streamed = 0;
	}
	buf_add(&exchange->stream, data, len);
	web_exchange_wake(exchange);
}

void web_stream_end(struct web_exchange *exchange)
{
	if (exchange->state == WEB_EXCHANGE_STREAMING)
		web_exchange_enter(exchange, WEB_EXCHANGE_ANSWERED);
}

/* Faults */

/* Connecting to AF_UNSPEC sends the RST now. Before a close without linger microhttpd
 * would shutdown() the socket, and the client would take that FIN for an orderly end.
 */
void web_reset(struct web_exchange *exchange)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	if (exchange->state == WEB_EXCHANGE_FAILED)
		return;
	connect(exchange->fd, &none, sizeof none);
	web_exchange_fail(exchange, WEB_BROKEN);
}

void web_stream_cut(struct web_exchange *exchange)
{
	if (exchange->state == WEB_EXCHANGE_STREAMING)
		web_exchange_enter(exchange, WEB_EXCHANGE_CUT);
}

/* A connection that microhttpd is serving shuts when microhttpd next takes data. */
void web_half_close(struct web_exchange *exchange)
{
	if (exchange->state != WEB_EXCHANGE_HANDED &&
		exchange->state != WEB_EXCHANGE_STREAMING)
		return;
	web_exchange_enter(exchange, WEB_EXCHANGE_SHUT);
	if (exchange->parked)
		shutdown(exchange->fd, SHUT_WR);
}
