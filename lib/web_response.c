#include "lib/web_response.h"

#include <assert.h>
#include <string.h>

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

void web_reply(struct web_exchange *exchange, unsigned status, const char *type,
	const char *body, size_t len)
{
	if (!may_answer(exchange))
		return;
	exchange->protocol->reply(exchange, status, type, body, len);
	web_exchange_enter(exchange, WEB_EXCHANGE_ANSWERED);
}

/* A stream */

void web_stream_begin(struct web_exchange *exchange, unsigned status, const char *type)
{
	if (!may_answer(exchange))
		return;
	exchange->protocol->begin_stream(exchange, status, type);
	web_exchange_enter(exchange, WEB_EXCHANGE_STREAMING);
}

void web_stream_add(struct web_exchange *exchange, const char *data, size_t len)
{
	if (exchange->state != WEB_EXCHANGE_STREAMING || len == 0)
		return;
	if (len > WEB_UNSENT_MAX - web_exchange_unsent(exchange)) {
		web_reset(exchange);
		return;
	}
	/* Rarely, so that a long queue is not moved for every piece. */
	if (exchange->streamed >= exchange->stream.len / 2) {
		buf_drop(&exchange->stream, exchange->streamed);
		exchange->streamed = 0;
	}
	buf_add(&exchange->stream, data, len);
	exchange->protocol->wake(exchange);
}

void web_stream_end(struct web_exchange *exchange)
{
	if (exchange->state == WEB_EXCHANGE_STREAMING)
		web_exchange_enter(exchange, WEB_EXCHANGE_ANSWERED);
}

/* Faults */

void web_reset(struct web_exchange *exchange)
{
	if (exchange->state == WEB_EXCHANGE_FAILED)
		return;
	exchange->protocol->sever(exchange, true);
	web_exchange_fail(exchange, WEB_BROKEN);
}

void web_stream_cut(struct web_exchange *exchange)
{
	if (exchange->state == WEB_EXCHANGE_STREAMING)
		web_exchange_enter(exchange, WEB_EXCHANGE_CUT);
}

void web_half_close(struct web_exchange *exchange)
{
	if (exchange->state != WEB_EXCHANGE_HANDED &&
		exchange->state != WEB_EXCHANGE_STREAMING)
		return;
	web_exchange_enter(exchange, WEB_EXCHANGE_SHUT);
	exchange->protocol->half_close(exchange);
}
