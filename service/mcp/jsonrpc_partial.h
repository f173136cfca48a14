/*
 * jsonrpc_partial - the id of a JSON-RPC message that is not valid JSON.
 *
 * A broken answer fails its request at once, rather than at the deadline. The members
 * at the top of the message say which request it was, whatever is wrong further down: a
 * string that is no UTF-8 or holds \u0000, nesting without end, a line cut short.
 */
#ifndef SERVICE_MCP_JSONRPC_PARTIAL_H
#define SERVICE_MCP_JSONRPC_PARTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cc.h"

struct jsonrpc_partial {
	bool answer; /* the message has a result or an error, and no method */
	bool has_id;
	int64_t id; /* 0: none that we could have sent */
};

/* text need not end in a NUL. */
struct jsonrpc_partial jsonrpc_partial_read(const char *text, size_t len) MUST_CHECK;

#endif
