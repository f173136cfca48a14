/*
 * router - the table of routes, and what a request needs to reach one.
 *
 * The checks have the order of the hosted API: unknown path 404, credential 401,
 * missing beta header 404, missing version header 400.
 */
#ifndef MOCK_AGENT_API_ROUTER_H
#define MOCK_AGENT_API_ROUTER_H

#include "lib/web.h"

/* For struct web_options; arg is the struct mock. */
void router_handle(void *arg, struct web_exchange *exchange);
void router_refusal(void *arg, const struct web_exchange *exchange, struct buf *head,
	struct buf *body);
void router_over(void *arg, struct web_exchange *exchange, enum web_end end);
void router_closed(void *arg, struct web_connection *client);

#endif
