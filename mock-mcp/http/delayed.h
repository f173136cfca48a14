/*
 * delayed - an exchange that is handled later. If its client leaves first, it is not.
 */
#ifndef MOCK_MCP_HTTP_DELAYED_H
#define MOCK_MCP_HTTP_DELAYED_H

#include "mock-mcp/http/http.h"

typedef void delayed_fn(struct http *http, struct web_exchange *exchange);

/* Calls due from the loop, ns from now; or `left`, unless it is NULL. */
void delayed_begin(struct http *http, struct web_exchange *exchange, int64_t ns,
	delayed_fn *due, delayed_fn *left);

#endif
