/*
 * turnstile - lets requests through one at a time, in the order of their arrival.
 */
#ifndef MOCK_AGENT_TURNSTILE_H
#define MOCK_AGENT_TURNSTILE_H

#include <stdbool.h>

#include "mock-agent/request.h"

struct turnstile;

struct turnstile *turnstile_create(void);
void turnstile_destroy(struct turnstile *turnstile); /* of nobody; accepts NULL */

bool turnstile_is_taken(const struct turnstile *turnstile);

/* Calls pass(request) when everybody before it has left: now, if nobody is there. */
void turnstile_enter(
	struct turnstile *turnstile, struct request *request, request_fn *pass);

/* It is through, or does not want to any more. One that never entered may leave, too. */
void turnstile_leave(struct turnstile *turnstile, const struct request *request);

#endif
