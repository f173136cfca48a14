/*
 * router - which path leads where, and what a client needs to get in.
 *
 * The gates stand in the order of the hosted API: unknown path 404, credential 401,
 * missing beta header 404, missing version header 400.
 */
#ifndef MOCK_AGENT_API_ROUTER_H
#define MOCK_AGENT_API_ROUTER_H

#include "lib/web.h"

/* For struct web_options; arg is the struct mock. */
void router_handle(void *arg, struct web_exchange *exchange);
void router_over(void *arg, struct web_exchange *exchange, enum web_end end);

#endif
