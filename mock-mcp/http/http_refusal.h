/*
 * http_refusal - an HTTP status with a JSON-RPC error, in the official server's words.
 */
#ifndef MOCK_MCP_HTTP_HTTP_REFUSAL_H
#define MOCK_MCP_HTTP_HTTP_REFUSAL_H

#include "lib/web.h"
#include "mock-mcp/rpc/jsonrpc.h"

/* `id` is that of the request, as JSON; NULL: null. */
void http_refuse(struct web_exchange *exchange, unsigned status, enum jsonrpc_code code,
	const char *id, const char *format, ...) PRINTF(5, 6);

/* Answers with a JSON text as it is. */
void http_reply_json(struct web_exchange *exchange, unsigned status, const char *text);

/* 405 with the methods that there are. */
void http_refuse_method(struct web_exchange *exchange, const char *allowed);

/* The status for an error of a client without sessions. */
unsigned http_status_of(int code);

#endif
