#include "service/agent/agent_pools.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/hash.h"
#include "lib/mem.h"

/* Of the connections of one pool: few enough to be walked for each request, and enough
 * that a pool's own tables (some 30 KiB) weigh little beside them. */
#define POOL_CONNECTIONS 128

struct agent_pools {
	unsigned count;
	unsigned turn; /* of the next request without an id */
	struct fetch *pool[];
};

struct agent_pools *agent_pools_create(
	uv_loop_t *loop, unsigned connections, struct err *err)
{
	unsigned count = (connections - 1) / POOL_CONNECTIONS + 1;
	unsigned each = (connections - 1) / count + 1;
	struct agent_pools *pools;

	assert(connections > 0);
	pools = mem_zeroed(sizeof *pools + count * sizeof pools->pool[0]);
	while (pools->count < count) {
		struct fetch *pool = fetch_create(loop, each, err);

		if (!pool) {
			agent_pools_destroy(pools);
			return NULL;
		}
		pools->pool[pools->count++] = pool;
	}
	return pools;
}

void agent_pools_destroy(struct agent_pools *pools)
{
	if (!pools)
		return;
	while (pools->count > 0)
		fetch_destroy(pools->pool[--pools->count]);
	free(pools);
}

struct fetch *agent_pools_choose(struct agent_pools *pools, const char *id)
{
	uint64_t number = id ? hash_text(HASH_BASIS, id) : pools->turn++;

	return pools->pool[number % pools->count];
}
