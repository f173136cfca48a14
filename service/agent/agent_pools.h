/*
 * agent_pools - the connections to the agent API, spread over pools of bounded size.
 *
 * Curl walks the connections of a pool to one host for each that it finds, adds or
 * closes. In one pool that is N x N steps for N sessions; here each session has one of
 * several pools, by its id, and no walk is longer than a pool.
 */
#ifndef SERVICE_AGENT_AGENT_POOLS_H
#define SERVICE_AGENT_AGENT_POOLS_H

#include <uv.h>

#include "lib/err.h"
#include "lib/fetch.h"

struct agent_pools;

/* Keeps loop. `connections` (at least 1) bounds the idle ones of all pools together, but
 * for a remainder of less than one for each pool. */
struct agent_pools *agent_pools_create(
	uv_loop_t *loop, unsigned connections, struct err *err) MUST_CHECK;
/* Cancels every call. Accepts NULL. */
void agent_pools_destroy(struct agent_pools *pools);

/* The pool of what this id names, always the same; NULL, for what has none yet: each of
 * them in turn. */
struct fetch *agent_pools_choose(struct agent_pools *pools, const char *id);

#endif
