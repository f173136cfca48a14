/*
 * jsonrpc_partial - what can still be told of a JSON-RPC message that can't be parsed.
 *
 * Whoever waits for an answer that came broken need not wait until its deadline: the
 * members at the top of the message say whose it was, whatever is wrong further down
 * (a string that is no UTF-8 or holds \u0000, nesting without end, a line cut short).
 */
#ifndef SERVICE_MCP_JSONRPC_PARTIAL_H
#define SERVICE_MCP_JSONRPC_PARTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cc.h"

struct jsonrpc_partial {
	bool answer; /* it has a result or an error, and is no request */
	bool has_id;
	int64_t id; /* 0: none that could be a number of ours */
};

/* text need not end in a NUL. */
struct jsonrpc_partial jsonrpc_partial_read(const char *text, size_t len) MUST_CHECK;

#endif
