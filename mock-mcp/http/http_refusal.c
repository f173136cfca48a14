#include "mock-mcp/http/http_refusal.h"

#include <string.h>

#include "lib/mem.h"

#define JSON "application/json"

void http_reply_json(struct web_exchange *exchange, unsigned status, const char *text)
{
	web_reply(exchange, status, JSON, text, strlen(text));
}

void http_refuse(struct web_exchange *exchange, unsigned status, enum jsonrpc_code code,
	const char *id, const char *format, ...)
{
	SCOPED(buf_done) struct buf why = {0};
	SCOPED(mem_free) char *text = NULL;
	va_list args;

	va_start(args, format);
	buf_addv(&why, format, args);
	va_end(args);
	text = jsonrpc_error(id, code, buf_text(&why), NULL);
	http_reply_json(exchange, status, text);
}

void http_refuse_method(struct web_exchange *exchange, const char *allowed)
{
	web_add_header(exchange, "Allow", allowed);
	http_refuse(exchange, 405, JSONRPC_REFUSED, NULL, "Method not allowed.");
}

unsigned http_status_of(int code)
{
	switch (code) {
	case JSONRPC_METHOD_NOT_FOUND:
		return 404;
	case JSONRPC_PARSE_ERROR:
	case JSONRPC_INVALID_REQUEST:
	case JSONRPC_HEADER_MISMATCH:
	case JSONRPC_MISSING_CAPABILITY:
	case JSONRPC_UNSUPPORTED_VERSION:
		return 400;
	default: /* of the method itself: the transport did its part */
		return 200;
	}
}
