/*
 * http_router - a request of HTTP, from its headers to the session or the handler that
 * it belongs to. What is wrong with it is answered as the official server does.
 */
#ifndef MOCK_MCP_HTTP_HTTP_ROUTER_H
#define MOCK_MCP_HTTP_HTTP_ROUTER_H

#include "mock-mcp/http/http.h"

/* For web; arg is the struct http. */
void http_router_handle(void *arg, struct web_exchange *exchange);
void http_router_over(void *arg, struct web_exchange *exchange, enum web_end end);
void http_router_refuse_body(void *arg, const struct web_exchange *exchange,
	struct buf *head, struct buf *body);

#endif
