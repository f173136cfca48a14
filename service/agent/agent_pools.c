#include "service/agent/agent_pools.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/hash.h"
#include "lib/mem.h"

/* Of the connections of one pool: few enough to be walked for each request, and enough
 * that a pool's own tables (some 30 KiB) weigh little beside them. */
#define POOL_CONNECTIONS 128

struct agent_pools {
	uv_loop_t *loop;
	unsigned connections; /* of each pool */
	unsigned count;
	unsigned turn;        /* of the next request without an id */
	struct fetch *pool[]; /* NULL: not needed yet, but for the first */
};

struct agent_pools *agent_pools_create(
	uv_loop_t *loop, unsigned connections, struct err *err)
{
	unsigned count = (connections - 1) / POOL_CONNECTIONS + 1;
	struct agent_pools *pools;

	assert(connections > 0);
	pools = mem_zeroed(sizeof *pools + count * sizeof pools->pool[0]);
	pools->loop = loop;
	pools->connections = (connections - 1) / count + 1;
	pools->count = count;
	pools->pool[0] = fetch_create(loop, pools->connections, err);
	if (pools->pool[0])
		return pools;
	agent_pools_destroy(pools);
	return NULL;
}

void agent_pools_destroy(struct agent_pools *pools)
{
	if (!pools)
		return;
	while (pools->count > 0)
		fetch_destroy(pools->pool[--pools->count]);
	free(pools);
}

/* To make and to close a pool takes some 80 us, so that a service that serves few
 * sessions has few. */
struct fetch *agent_pools_choose(struct agent_pools *pools, const char *id)
{
	uint64_t number = id ? hash_text(HASH_BASIS, id) : pools->turn++;
	struct fetch **pool = &pools->pool[number % pools->count];
	struct err ignored;

	if (!*pool)
		*pool = fetch_create(pools->loop, pools->connections, &ignored);
	return *pool ? *pool : pools->pool[0];
}
