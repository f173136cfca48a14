/*
 * exchange_owner - what an exchange belongs to until it is over: `data` of the exchange
 * points to one, the first member of its owner's struct. NULL: nobody cares.
 */
#ifndef MOCK_MCP_HTTP_EXCHANGE_OWNER_H
#define MOCK_MCP_HTTP_EXCHANGE_OWNER_H

#include "lib/web.h"

struct exchange_owner {
	/* Called once; the exchange ends with this call. */
	void (*over)(struct exchange_owner *owner, enum web_end end);
};

#endif
