/*
 * http_stateless - requests of 2026-07-28, which belong to no session: each is checked
 * by itself, its headers against its body.
 */
#ifndef MOCK_MCP_HTTP_HTTP_STATELESS_H
#define MOCK_MCP_HTTP_HTTP_STATELESS_H

#include "lib/json.h"
#include "mock-mcp/http/http.h"
#include "mock-mcp/rpc/jsonrpc.h"

/* A POST of one message. Answers the exchange, now or later. `label` is the session's,
 * NULL: not known. Borrows all but the exchange. */
void http_stateless_post(struct http *http, struct web_exchange *exchange,
	const struct json_doc *doc, const struct jsonrpc_message *message,
	const char *label);

/* Answers the listeners, and breaks off what is under way. */
void http_stateless_end(struct http *http);

#endif
